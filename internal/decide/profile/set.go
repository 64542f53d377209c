package profile

import (
	"bytes"
	"crypto/sha256"
	"strconv"
	"sync"
)

// maxText is far more than 10,000 profiles need.
const maxText = 8 << 20

// Set is a config file: its text, and where to find a section in it. A section
// is read when it is asked for, so that a mistake in one is a mistake of the
// profiles that touch it, and a file of 10,000 costs one look for its headers.
// The zero Set is an empty file. A Set may be used by several goroutines.
type Set struct {
	path, display string
	dialect       dialect
	text          []byte
	absent        bool
	warnings      []string
	index         *index
}

// index remembers the sections that were looked for. Once a set has been asked
// many times, as by a list, it holds all of them.
type index struct {
	mu    sync.Mutex
	asked int
	heads map[ident][]head
	full  bool
}

type ident struct {
	kind kind
	name string
}

// Parse takes the text of a config file; display is how messages name the file.
// The text must not change from then on. An error means that nothing in it can
// be used: it is too large, or in another encoding than UTF-8.
func Parse(display string, text []byte) (Set, error) { return parseAs(display, text, configFile) }

// ParseCredentials is Parse for the text of a shared credentials file.
func ParseCredentials(display string, text []byte) (Set, error) {
	return parseAs(display, text, credentialsFile)
}

func parseAs(display string, text []byte, as dialect) (Set, error) {
	s := Set{display: display, dialect: as, text: text, index: new(index)}
	if len(text) > maxText {
		return Set{}, s.tooLarge()
	}
	if name := encoding(text); name != "" {
		return Set{}, &Error{File: display, Text: "the file is in " + name, Next: []string{"save it as UTF-8"}}
	}
	return s, nil
}

func (s Set) tooLarge() error {
	return &Error{File: s.display, Text: "the file is larger than " + strconv.Itoa(maxText>>20) + " MiB", Next: []string{"remove what is not needed from it"}}
}

// encoding names the one that an editor may have used in place of UTF-8.
func encoding(text []byte) string {
	switch {
	case bytes.HasPrefix(text, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(text, []byte{0, 0, 0xfe, 0xff}):
		return "UTF-32"
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}), bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return "UTF-16"
	case len(text) >= 4 && (text[0] == 0) != (text[1] == 0) && (text[0] == 0) == (text[2] == 0) && (text[1] == 0) == (text[3] == 0):
		return "UTF-16"
	}
	return ""
}

// Path is the file that Load read, "" for Parse.
func (s Set) Path() string { return s.path }

// Absent says that Load has found no file.
func (s Set) Absent() bool { return s.absent }

// Display is how messages name the file.
func (s Set) Display() string { return s.display }

// Text is the file as it was read, byte order mark included. It is the set's
// own: do not change it.
func (s Set) Text() []byte { return s.text }

// Sum is the SHA-256 of Text.
func (s Set) Sum() [sha256.Size]byte { return sha256.Sum256(s.text) }

// Names are the profiles in the order of the file, each once; [default] is
// "default". Those whose header is broken are not among them.
func (s Set) Names() []string {
	var names []string
	seen := make(map[string]bool)
	sc := newScanner(s.text)
	for {
		_, bracket, ok := sc.next()
		if !ok {
			return names
		}
		t := s.titleAt(bracket)
		if t.kind == profiles && t.flaw == "" && !seen[string(t.name)] {
			name := string(t.name)
			seen[name] = true
			names = append(names, name)
		}
	}
}

// Has says whether the file has a section for the profile, be it a broken one.
func (s Set) Has(name string) bool { return len(s.find(profiles, name)) > 0 }

// find gives the sections of that name. The first few lookups scan the file,
// which is cheaper than an index; a command that walks all profiles gets one.
func (s Set) find(k kind, name string) []head {
	want := ident{k, name}
	if s.index == nil {
		return s.scan(want, nil)[want]
	}
	s.index.mu.Lock()
	defer s.index.mu.Unlock()
	const often = 16
	s.index.asked++
	_, known := s.index.heads[want]
	switch {
	case s.index.full, known:
	case s.index.asked > often:
		s.index.heads, s.index.full = make(map[ident][]head), true
		for _, h := range s.heads() {
			id := ident{h.kind, h.name}
			s.index.heads[id] = append(s.index.heads[id], h)
		}
	default:
		s.index.heads = s.scan(want, s.index.heads)
	}
	return s.index.heads[want]
}

// scan adds the sections of that name to those that are known. The first one
// finds [default] too, which each profile needs.
func (s Set) scan(want ident, known map[ident][]head) map[ident][]head {
	byDefault := ident{profiles, "default"}
	first := known == nil
	if first {
		known = map[ident][]head{byDefault: nil}
	}
	known[want] = nil
	at := lineAt{line: 1}
	if above := known[byDefault]; len(above) > 0 {
		at = lineAt{above[0].start, above[0].line}
	}
	sc := newScanner(s.text) // the variable of a for clause is copied at each turn
	for {
		start, bracket, ok := sc.next()
		if !ok {
			return known
		}
		if s.dialect == configFile && differs(s.text[bracket:], want.name) && (!first || differs(s.text[bracket:], byDefault.name)) {
			continue
		}
		t := s.titleAt(bracket)
		if id := (ident{t.kind, string(t.name)}); id == want || first && id == byDefault {
			at.move(s.text, start)
			known[id] = append(known[id], t.head(start, at.line))
		}
	}
}

// lineAt is a place in a text and its line, counted on from where one is known:
// to count 10,000 sections costs as much as to look for one of them.
type lineAt struct{ offset, line int }

func (l *lineAt) move(text []byte, to int) {
	if to < l.offset {
		*l = lineAt{line: 1}
	}
	l.line, l.offset = l.line+lineEnds(text[l.offset:to]), to
}

// differs sees from the first letters of a header that it is [profile X] with
// another X; when it is not sure it says no.
func differs(text []byte, name string) bool {
	const start = "[profile "
	if len(text) < len(start) || string(text[:len(start)]) != start {
		return false
	}
	text = text[len(start):]
	for i := range min(len(text), len(name)) {
		c := text[i]
		if c == '"' || c == '\'' || c == '\\' || i == 0 && (c == ' ' || c == '\t' || c >= 0x80) {
			return false
		}
		if c != name[i] {
			return true
		}
	}
	return false
}

func (t title) head(start, line int) head {
	return head{start: start, line: line, kind: t.kind, name: string(t.name), bare: t.bare, flaw: t.flaw}
}

// heads are all sections in order.
func (s Set) heads() []head {
	var found []head
	at := lineAt{line: 1}
	sc := newScanner(s.text)
	for {
		start, bracket, ok := sc.next()
		if !ok {
			return found
		}
		at.move(s.text, start)
		found = append(found, s.titleAt(bracket).head(start, at.line))
	}
}

// titleAt reads the header whose bracket is there.
func (s Set) titleAt(bracket int) title {
	end, _ := lineEnd(s.text, bracket)
	return s.dialect.title(bytes.TrimSpace(s.text[bracket:end]))
}

// orphan is the first line of text before any section; 0 when there is none.
func (s Set) orphan() (at int) {
	w := walker{text: s.text, pos: markLen(s.text)}
	for at = 1; ; at++ {
		l, ok := w.next()
		switch {
		case !ok || l.class == header:
			return 0
		case l.class == setting:
			return at
		}
	}
}

func onLine(n int) string { return "on line " + strconv.Itoa(n) }
