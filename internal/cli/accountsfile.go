package cli

import (
	"fmt"
	"strings"

	"fob/internal/decide/profile"
	"fob/internal/front"
)

// oneAccount is what an account.hcl says: each "" where it does not say it in
// plain words.
type oneAccount struct {
	name, id string
	// computed is the first line that sets an id in other words, 0 where none does.
	computed int
}

// readAccountHCL reads the lines account_name, account_id and aws_account_id of a
// block such as locals. What is computed there is not known, and what stands in
// a deeper object is about something else.
func readAccountHCL(f front.Found) (oneAccount, error) {
	var a oneAccount
	depth := 0
	for i, line := range strings.Split(string(f.Text), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "/*") {
			return a, fmt.Errorf("%s:%d: a comment of several lines may hide what counts: use # in each line", f.Path, i+1)
		}
		at := depth
		depth += hclDepth(line)
		key, value, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if !ok || at > 1 || key != "account_name" && key != "account_id" && key != "aws_account_id" {
			continue
		}
		value, plain := hclLiteral(strings.TrimSpace(value))
		to := &a.id
		if !plain && key != "account_name" && a.computed == 0 {
			a.computed = i + 1
		}
		if key == "account_name" {
			to = &a.name
		}
		if plain && *to != "" && *to != value {
			return a, fmt.Errorf("%s:%d: %s is %s, and above it stands %s", f.Path, i+1, key, profile.Shown(value), profile.Shown(*to))
		}
		if plain {
			*to = value
		}
	}
	return a, nil
}

// hclDepth is how many blocks and objects more are open behind a line.
func hclDepth(line string) (n int) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '#', strings.HasPrefix(line[i:], "//"):
			return n
		case c == '{':
			n++
		case c == '}':
			n--
		}
	}
	return n
}

// hclLiteral is the value of a quoted text or of a number that stands alone.
func hclLiteral(text string) (string, bool) {
	if inner, ok := strings.CutPrefix(text, `"`); ok {
		inner, after, closed := strings.Cut(inner, `"`)
		return inner, closed && !strings.ContainsAny(inner, `\`) && !strings.Contains(inner, "${") && hclComment(strings.TrimSpace(after)) == ""
	}
	text = hclComment(text)
	return text, text != "" && strings.Trim(text, "0123456789") == ""
}

// hclComment cuts a comment off a text without quotes.
func hclComment(text string) string {
	text, _, _ = strings.Cut(text, "#")
	text, _, _ = strings.Cut(text, "//")
	return strings.TrimSpace(text)
}
