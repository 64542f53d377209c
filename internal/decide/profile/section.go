package profile

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// entry is one setting of a section. Its lines are text[start:end]; its value
// on the first of them is text[valueAt:valueEnd].
type entry struct {
	held
	start, end        int
	valueAt, valueEnd int
	lead              string // white space before the key
	lines             int    // more than one: the value goes on below
}

// problem is a line that cannot be used. It spoils the profiles that read the
// section, and through [default] those that would read this key.
type problem struct {
	key  string
	line int
	said string // what stands there, in front of text; may be a secret
	text string
	next string
}

// section is one header and what stands below it.
type section struct {
	head
	entries  []entry
	problems []problem
	last     int // offset behind the last line that is neither blank nor comment
}

// maxEntries ends the reading of a section that is junk. Such a section, as
// [default], spoils every key.
const (
	maxEntries = 10000
	anyKey     = "*"
)

// head is where a section starts, and what its header says.
type head struct {
	start, line int
	kind        kind
	name        string
	bare        bool
	flaw        string
}

// read reads the section that starts at h.
func read(text []byte, h head) section {
	s := section{head: h}
	w := walker{text: text, pos: h.start}
	var value strings.Builder // of the last setting, where it goes on below
	gap := 0
	at := h.line - 1
	for l, ok := w.next(); ok; l, ok = w.next() {
		at++
		if l.class == header && l.start != h.start {
			break
		}
		if len(s.entries) > maxEntries || len(s.problems) > maxEntries {
			s.problems = append(s.problems, problem{key: anyKey, line: at, text: "the section is too long to be meant", next: "remove what does not belong there"})
			break
		}
		switch l.class {
		case blank:
			gap++
			continue
		case comment:
			continue
		case setting:
			s.finish(&value)
			s.add(text, l, at)
		case more:
			s.extend(&value, l, at, gap)
		}
		gap, s.last = 0, l.next
	}
	s.finish(&value)
	return s
}

// finish gives the last setting the value that was gathered for it.
func (s *section) finish(value *strings.Builder) {
	if value.Len() > 0 {
		s.entries[len(s.entries)-1].value = value.String()
	}
	value.Reset()
}

// add reads the first line of a setting.
func (s *section) add(text []byte, l line, at int) {
	i := bytes.IndexAny(l.body, "=:") // the CLI and the SDK for Go read "key: value" too
	e := entry{start: l.start, end: l.next, lead: string(text[l.start:l.lead]), lines: 1}
	e.line = at
	if i < 0 {
		e.key = strings.ToLower(string(l.body))
		s.problems = append(s.problems, problem{key: e.key, line: at, said: string(l.body), text: " has no =", next: "write it as KEY = VALUE, or put # before it"})
	} else {
		e.key = strings.ToLower(string(bytes.TrimRightFunc(l.body[:i], unicode.IsSpace)))
		rest := text[l.lead+i+1 : l.end]
		value := withoutComment(e.key, rest)
		trimmed := bytes.TrimLeftFunc(value, unicode.IsSpace)
		e.valueAt = l.lead + i + 1
		if trimmed = bytes.TrimRightFunc(trimmed, unicode.IsSpace); len(trimmed) > 0 {
			e.valueAt += len(value) - len(bytes.TrimLeftFunc(value, unicode.IsSpace))
		}
		e.valueEnd = e.valueAt + len(trimmed)
		e.value = string(trimmed)
	}
	if i == 0 {
		s.problems = append(s.problems, problem{line: at, text: "there is no key before the " + string(l.body[:1]), next: "write it as KEY = VALUE, or put # before it"})
	}
	s.checkBytes(l, e.key, at)
	s.entries = append(s.entries, e)
}

// extend reads a further line of a setting's value.
func (s *section) extend(value *strings.Builder, l line, at, gap int) {
	e := &s.entries[len(s.entries)-1]
	if e.lines == 1 {
		value.WriteString(e.value)
	}
	lost := ours(l.body)
	if lost != "" || e.lines == 1 && (oneLine(e.key) || e.value == "" && command(e.key)) {
		s.problems = append(s.problems, problem{key: cmp.Or(lost, e.key), line: at, text: "the line is indented and so belongs to the value of " + e.key, next: "remove the white space before it"})
	}
	body := bytes.TrimRightFunc(withoutComment(e.key, l.body), unicode.IsSpace)
	if e.value == "" && bytes.IndexByte(body, '=') < 0 {
		s.problems = append(s.problems, problem{key: e.key, line: at, said: string(body), text: ", a line of the value of " + Shown(e.key) + ", has no =", next: "write it as KEY = VALUE, or put # before it"})
	}
	for range gap + 1 {
		value.WriteByte('\n')
	}
	value.Write(body)
	e.lines, e.end = e.lines+1, l.next
	s.checkBytes(l, e.key, at)
}

func (s *section) checkBytes(l line, key string, at int) {
	if what := badBytes(l.body); what != "" {
		s.problems = append(s.problems, problem{key: key, line: at, text: "the line holds " + what, next: "write the line anew, in UTF-8"})
	}
}

// withoutComment cuts a comment after a value: # or ; after white space, as the
// SDKs have it. A command is left whole, as the CLI has it: "sh -c 'a ; b'" must
// not run by half, and a shell ignores a comment by itself.
func withoutComment(key string, value []byte) []byte {
	if command(key) {
		return value
	}
	for i := 1; i < len(value); i++ {
		if (value[i] == '#' || value[i] == ';') && (value[i-1] == ' ' || value[i-1] == '\t') {
			return value[:i]
		}
	}
	return value
}

func command(key string) bool { return strings.HasSuffix(key, "_process") }

// oneLine is for the keys whose value is one word: when the next line is
// indented, it was meant as a setting of its own, and would be lost without a
// word.
func oneLine(key string) bool {
	switch key {
	case "region", "output", "role_arn", "source_profile", "credential_source", "include_profile",
		"mfa_serial", "duration_seconds", "external_id", "role_session_name", "source_identity",
		"endpoint_url", "sts_regional_endpoints", "web_identity_token_file", "services",
		"sso_session", "sso_start_url", "sso_region", "sso_account_id", "sso_role_name",
		"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "login_session",
		"fob_guard", "fob_agent", "fob_directory":
		return true
	}
	return false
}

// ours is the setting of fob's that a line would set. Within another value it would
// be lost without a word, and with it a guard.
func ours(body []byte) string {
	if len(body) < 4 || !strings.EqualFold(string(body[:4]), "fob_") {
		return ""
	}
	i := max(0, bytes.IndexAny(body, "=:"))
	return strings.ToLower(string(bytes.TrimSpace(body[:i])))
}

// settings are the entries sorted by key, each once. A key that stands twice is
// a problem: the CLI refuses it, the SDKs take the last one.
func settings(sections ...section) ([]held, []problem) {
	var all []held
	var problems []problem
	for _, s := range sections {
		problems = append(problems, s.problems...)
		for _, e := range s.entries {
			all = append(all, e.held)
		}
	}
	slices.SortStableFunc(all, byKey)
	once, told := all[:0], -1
	for _, h := range all {
		n := len(once) - 1
		if n < 0 || once[n].key != h.key {
			once = append(once, h)
		} else if told != n {
			told = n
			problems = append(problems, twice(once[n], h))
		}
	}
	slices.SortStableFunc(problems, func(a, b problem) int { return a.line - b.line })
	return once, problems
}

func twice(first, again held) problem {
	return problem{
		key: first.key, line: again.line,
		text: Shown(again.key) + " stands twice, first " + onLine(first.line),
		next: "remove one of the two lines",
	}
}

// nested reads the settings that stand below a setting, as in a [services]
// section.
func nested(text []byte, e entry) ([]held, []problem) {
	var inner section
	pos := e.start
	for at := e.line; pos < e.end; at++ {
		from := pos
		var end int
		end, pos = lineEnd(text, pos)
		body := bytes.TrimSpace(text[from:end])
		key, value, ok := bytes.Cut(body, []byte{'='})
		if at == e.line || !ok || body[0] == '#' || body[0] == ';' {
			continue
		}
		name := strings.ToLower(string(bytes.TrimSpace(key)))
		value = bytes.TrimSpace(withoutComment(name, value))
		inner.entries = append(inner.entries, entry{held: held{key: name, value: string(value), line: at}})
	}
	return settings(inner)
}
