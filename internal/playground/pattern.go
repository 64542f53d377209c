package playground

import (
	"strings"
	"unicode/utf8"
)

// pattern is text after its variables were put in. Wildcards are values that
// no character has, so that a star in a variable's value is only a star.
type pattern []rune

const (
	anyRun rune = -1 - iota // *
	anyOne                  // ?
)

// expand puts facts in the place of ${variables}. ok is false when a variable
// has no value: then the pattern equals nothing, as AWS has it. wild says
// whether * and ? are wildcards.
func expand(text string, f facts, variables, wild bool) (p pattern, ok bool, err error) {
	for text != "" {
		name, rest, found := variable(text)
		if variables && found {
			value, ok, err := f.value(name)
			if err != nil || !ok {
				return nil, false, err
			}
			p, text = append(p, []rune(value)...), rest
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case wild && r == '*':
			r = anyRun
		case wild && r == '?':
			r = anyOne
		}
		p, text = append(p, r), text[size:]
	}
	return p, true, nil
}

// variable splits "${name}rest" at its brace.
func variable(text string) (name, rest string, found bool) {
	if !strings.HasPrefix(text, "${") {
		return "", "", false
	}
	return strings.Cut(text[2:], "}")
}

// match is the usual two-pointer glob: on a mismatch it goes back to the last
// star and lets it take one character more.
func (p pattern) match(text string) bool {
	s := []rune(text)
	i, star, mark := 0, -1, 0
	for j := 0; j < len(s); {
		switch {
		case i < len(p) && p[i] == anyRun:
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == anyOne || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == anyRun {
		i++
	}
	return i == len(p)
}

// matchARN compares the six parts of an ARN one by one, so that a star in the
// account's place cannot swallow the resource. Missing parts are stars.
func (p pattern) matchARN(arn string) bool {
	if len(p) == 1 && p[0] == anyRun {
		return true
	}
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return p.match(arn)
	}
	rest := p
	for i, part := range parts {
		end := len(rest)
		if i < 5 {
			end = index(rest, ':')
		}
		if !rest[:end].match(part) {
			return false
		}
		if end == len(rest) {
			return i == 5 || i > 0 // an ARN cut short stands for the rest
		}
		rest = rest[end+1:]
	}
	return true
}

func index(p pattern, r rune) int {
	for i := range p {
		if p[i] == r {
			return i
		}
	}
	return len(p)
}

// matchAction compares an action, which has no case and no variables.
func matchAction(pattern, action string) bool {
	p, _, _ := expand(strings.ToLower(pattern), nil, false, true)
	return p.match(strings.ToLower(action))
}
