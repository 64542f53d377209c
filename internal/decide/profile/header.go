package profile

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a section describes. Sections of other kinds are ignored.
type kind uint8

const (
	other kind = iota
	profiles
	ssoSessions
	services
)

// word is what a header of this kind starts with, and what people call it.
func (k kind) word() string {
	return [...]string{"", "profile", "sso-session", "services"}[k]
}

// dialect is how the headers of a file are written. All else is the same in
// both files (https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html).
type dialect uint8

const (
	configFile      dialect = iota // [profile NAME], [default], [sso-session NAME]
	credentialsFile                // [NAME], each one a profile
)

// title reads a line that starts with [ and has no white space around it.
func (d dialect) title(body []byte) title {
	if d == configFile {
		return readTitle(body)
	}
	inner, flaw := brackets(body)
	t := title{kind: profiles, name: bytes.TrimSpace(inner), flaw: flaw}
	if t.flaw == "" {
		t.flaw = nameFlaw(t.name)
	}
	return t
}

// headerForm shows people how a header is written.
func (d dialect) headerForm(k kind) string {
	if d == credentialsFile {
		return "[NAME]"
	}
	return "[" + strings.TrimSpace(k.word()+" NAME") + "]"
}

// header writes the header of a profile.
func (d dialect) header(name string) string {
	if d == credentialsFile {
		return "[" + name + "]"
	}
	return headerFor(name)
}

// maxName is far more than anyone writes, and less than what an environment
// variable or an error message could not carry.
const maxName = 4096

// title is a header, read. A flaw is what makes the section unusable; the name
// is then a good guess, so that the person who asks for it learns of the flaw.
type title struct {
	kind kind
	name []byte
	bare bool // [default], not [profile default]
	flaw string
}

// readTitle reads such a line of a config file.
func readTitle(body []byte) title {
	inner, flaw := brackets(body)
	inner = bytes.TrimSpace(inner)
	t := title{name: inner, flaw: flaw}
	if string(inner) == "default" {
		t.kind, t.bare = profiles, true
		return t
	}
	word, rest := inner, []byte(nil)
	if i := bytes.IndexAny(inner, " \t"); i > 0 {
		word, rest = inner[:i], bytes.TrimSpace(inner[i:])
	}
	switch string(word) {
	case "profile":
		t.kind = profiles
	case "sso-session":
		t.kind = ssoSessions
	case "services":
		t.kind = services
	default:
		return t
	}
	t.name = unquoted(rest)
	if t.flaw == "" {
		t.flaw = nameFlaw(t.name)
	}
	return t
}

// brackets gives what stands between them. The closing one is the first that
// is followed by nothing or a comment, so that [profile "a]b"] is read whole.
func brackets(body []byte) (inner []byte, flaw string) {
	first := -1
	for i, b := range body {
		if b != ']' {
			continue
		}
		if first < 0 {
			first = i
		}
		after := bytes.TrimLeftFunc(body[i+1:], unicode.IsSpace)
		if len(after) == 0 || after[0] == '#' || after[0] == ';' {
			return body[1:i], ""
		}
	}
	if first < 0 {
		return body[1:], "the section header has no closing ]"
	}
	return body[1:first], "there is text after the ] of the section header"
}

// nameFlaw says why a name cannot be used, or "".
func nameFlaw(name []byte) string {
	switch {
	case len(name) == 0:
		return "the section header has no name"
	case len(name) > maxName:
		return "the name has " + strconv.Itoa(len(name)) + " bytes, at most " + strconv.Itoa(maxName) + " are read"
	}
	if what := badBytes(name); what != "" {
		return "the name holds " + what
	}
	return ""
}

// badBytes names what can stand in no setting: it would forge a line, move a
// cursor, or cut an environment variable short. A tab is no harm.
func badBytes(text []byte) string {
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(text[i:])
		}
		switch {
		case r == 0:
			return "a NUL byte"
		case r < 0x20 && r != '\t' || r >= 0x7f && r < 0xa0:
			return "the control character " + strconv.QuoteRuneToASCII(r)
		case r == utf8.RuneError && n == 1:
			return "a byte that is no UTF-8"
		}
		i += n
	}
	return ""
}

// unquoted takes quotes and backslashes off a name as the CLI does, which uses
// Python's shlex.split. Where that gives no single word the text is the name,
// as the SDK for Go has it: [profile o'brien], [profile two words].
func unquoted(text []byte) []byte {
	if !bytes.ContainsAny(text, "\"'\\") {
		return text
	}
	var name []byte
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		b := text[i]
		switch {
		case b == quote && quote != 0:
			quote = 0
		case quote == 0 && (b == '"' || b == '\''):
			quote = b
		case quote == 0 && (b == ' ' || b == '\t'):
			return text
		case b == '\\' && quote != '\'':
			if i+1 == len(text) {
				return text
			}
			if quote == 0 || text[i+1] == '"' || text[i+1] == '\\' {
				i++
			}
			name = append(name, text[i])
		default:
			name = append(name, b)
		}
	}
	if quote != 0 {
		return text
	}
	return name
}

// headerFor writes the header of a profile so that the CLI reads the name back.
func headerFor(name string) string {
	switch {
	case name == "default":
		return "[default]"
	case !strings.ContainsAny(name, "\"'\\") && strings.IndexFunc(name, unicode.IsSpace) < 0:
		return "[profile " + name + "]"
	}
	return `[profile "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"]`
}
