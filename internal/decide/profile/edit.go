package profile

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// The edits give the new text of the file and leave the set as it is.
// Every byte that the edit does not need stays: comments, order, white space,
// line ends, byte order mark. A line end is added to a last line that has none.
// The new text is read again, and the edit is refused if it would say anything
// else than before plus what was wanted. Errors are *Error and *UnknownError.

// WithSetting sets one key of a profile's own section, or adds it behind the
// last one there.
func (s Set) WithSetting(name, key, value string) ([]byte, error) {
	return s.WithEdits([]Edit{{Name: name, Settings: []Setting{{Key: key, Value: value}}}})
}

// WithoutSetting removes one key from a profile's own section, with the lines
// that its value goes over. A key that is not there is no error.
func (s Set) WithoutSetting(name, key string) ([]byte, error) {
	key = strings.ToLower(key)
	sec, err := s.editable(name)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(sec.entries, func(e entry) bool { return e.key == key })
	if i < 0 {
		return bytes.Clone(s.text), nil
	}
	want := s.model()
	at := s.position(sec)
	want[at].pairs = slices.Delete(want[at].pairs, i, i+1)
	return s.checked(name, spliced(s.text, []cut{{sec.entries[i].start, sec.entries[i].end, ""}}), want)
}

// removal takes out a section, and the blank line that set it apart. Comments
// behind its last setting stay: they may belong to what follows.
func (s Set) removal(sec section) cut {
	from, to := sec.start, sec.last
	before, parted := s.blankBefore(from)
	_, after := lineEnd(s.text, to)
	switch {
	case to == len(s.text) && parted:
		from = before
	case to < len(s.text) && (parted || from == markLen(s.text)) && len(bytes.TrimSpace(s.text[to:after])) == 0:
		to = after
	}
	return cut{from, to, ""}
}

// blankBefore gives the start of the line before at, if that line is blank.
func (s Set) blankBefore(at int) (start int, ok bool) {
	mark := markLen(s.text)
	if at == mark {
		return at, false
	}
	end := at - 1
	if s.text[end] == '\n' && end > mark && s.text[end-1] == '\r' {
		end--
	}
	start = mark + 1 + bytes.LastIndexAny(s.text[mark:end], "\r\n")
	return start, len(bytes.TrimSpace(s.text[start:end])) == 0
}

// editable is the section of a profile in which nothing is wrong.
func (s Set) editable(name string) (section, error) {
	sec, err := s.section(profiles, name)
	if err == nil {
		_, err = s.good(sec)
	}
	return sec, err
}

// WithText is the same file with another text, for one edit after another.
func (s Set) WithText(text []byte) (Set, error) {
	after, err := parseAs(s.display, text, s.dialect)
	after.path = s.path
	return after, err
}

func (s Set) refuse(name, flaw string) *Error {
	return &Error{File: s.display, Profile: name, Text: "cannot be written: " + flaw}
}

func assignment(key, value string) string {
	return strings.TrimRight(key+" = "+value, " ")
}

// newline is the line end of the file: that of its first line.
func (s Set) newline() string {
	end, next := lineEnd(s.text, 0)
	if end == next {
		return "\n"
	}
	return string(s.text[end:next])
}

// missingEnd is the line end that the last line lacks, "" when it has one.
func (s Set) missingEnd() string {
	if bytes.HasSuffix(s.text, []byte{'\n'}) || bytes.HasSuffix(s.text, []byte{'\r'}) {
		return ""
	}
	return s.newline()
}

// Unwritable says why a profile of this name cannot be written, or "": not
// every reader of the file would find the same name in the header.
func Unwritable(name string) string {
	switch {
	case strings.ContainsAny(name, "[]"):
		return "the name holds a bracket"
	case name == "":
		return "the name is empty"
	}
	return nameFlaw([]byte(name))
}

// writable says why a line with this key and value cannot be written, or "".
func writable(key, value string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.'
	}
	switch {
	case key == "" || strings.ContainsFunc(key, func(r rune) bool { return !plain(r) }):
		return "the key " + Shown(key) + " is not made of letters, digits, _ - and ."
	case strings.ContainsAny(value, "\r\n"):
		return "the value of " + key + " holds a line end"
	case badBytes([]byte(value)) != "" || !utf8.ValidString(value):
		return "the value of " + key + " holds " + badBytes([]byte(value))
	case strings.TrimSpace(value) != value:
		return "the value of " + key + " starts or ends with white space"
	case len(withoutComment(key, []byte(" "+value))) != len(value)+1:
		return "a part of the value of " + key + " would be read as a comment"
	}
	return ""
}

// model is what a section says, without where: two texts are compared by it.
type model struct {
	kind  kind
	name  string
	bare  bool
	flaw  string
	wrong int // problems
	pairs []pair
}

type pair struct{ key, value string }

func (s Set) model() []model {
	var all []model
	for _, h := range s.heads() {
		sec := read(s.text, h)
		m := model{kind: h.kind, name: h.name, bare: h.bare, flaw: h.flaw, wrong: len(sec.problems)}
		for _, e := range sec.entries {
			m.pairs = append(m.pairs, pair{e.key, e.value})
		}
		all = append(all, m)
	}
	return all
}

func (a model) equal(b model) bool {
	return a.kind == b.kind && a.name == b.name && a.bare == b.bare && a.flaw == b.flaw && a.wrong == b.wrong && slices.Equal(a.pairs, b.pairs)
}

// position is the number of a section in the model.
func (s Set) position(sec section) int {
	return slices.IndexFunc(s.heads(), func(h head) bool { return h.start == sec.start })
}

// checked gives the text if it says what is wanted and nothing else changed.
func (s Set) checked(name string, text []byte, want []model) ([]byte, error) {
	after, err := s.WithText(text)
	if err != nil {
		return nil, err
	}
	if after.orphan() != s.orphan() || !slices.EqualFunc(after.model(), want, model.equal) {
		return nil, s.refuse(name, "the file would then be read otherwise than is wanted; edit it by hand")
	}
	return text, nil
}
