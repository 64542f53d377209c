package profile

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// class is what a line is for the CLI's reader, Python's configparser.
type class uint8

const (
	blank   class = iota
	comment       // # or ; is its first character
	header        // [ is its first character
	setting       // anything else at the left edge of its section
	more          // further right than the setting it follows: part of its value
)

// line is one line of the text: text[start:end], the next one begins at next.
type line struct {
	start, end, next int
	lead             int    // offset of body
	indent           int    // characters of white space before body
	body             []byte // without the white space around it
	class            class
}

// walker reads line after line and knows whether a line belongs to the value
// of the one before. It starts at a header, or at the start of the text.
type walker struct {
	text   []byte
	pos    int
	indent int  // of the last header or setting
	inKey  bool // a setting came after the last header
}

func (w *walker) next() (line, bool) {
	if w.pos >= len(w.text) {
		return line{}, false
	}
	l := line{start: w.pos}
	l.end, l.next = lineEnd(w.text, w.pos)
	w.pos = l.next
	raw := bytes.TrimLeftFunc(w.text[l.start:l.end], unicode.IsSpace)
	l.lead = l.end - len(raw)
	l.indent = utf8.RuneCount(w.text[l.start:l.lead])
	l.body = bytes.TrimRightFunc(raw, unicode.IsSpace)
	switch {
	case len(l.body) == 0:
		l.class = blank
	case l.body[0] == '#' || l.body[0] == ';':
		l.class = comment
	case w.inKey && l.indent > w.indent:
		l.class = more
	case l.body[0] == '[':
		l.class, w.indent, w.inKey = header, l.indent, false
	default:
		l.class, w.indent, w.inKey = setting, l.indent, true
	}
	return l, true
}

// lineEnd gives where the line at pos ends, and where the next one starts. LF,
// CRLF and a lone CR end a line, as in Python's text mode.
func lineEnd(text []byte, pos int) (end, next int) {
	for i := pos; i < len(text); i++ {
		switch {
		case text[i] == '\n':
			return i, i + 1
		case text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n':
			return i, i + 2
		case text[i] == '\r':
			return i, i + 1
		}
	}
	return len(text), len(text)
}

// lineEnds counts the line ends in a text that is cut behind one.
func lineEnds(text []byte) int {
	n := bytes.Count(text, []byte{'\n'})
	if bytes.IndexByte(text, '\r') >= 0 {
		n += bytes.Count(text, []byte{'\r'}) - bytes.Count(text, []byte("\r\n"))
	}
	return n
}

// scanner goes from header to header. A [ is rare elsewhere, so that it reads
// far less than every line: 10,000 sections take well under a millisecond.
type scanner struct {
	text []byte
	pos  int
	from walker // reads from the last header, for a [ that is indented
}

func newScanner(text []byte) scanner {
	start := markLen(text)
	return scanner{text: text, pos: start, from: walker{text: text, pos: start}}
}

// next gives the offset of the next header's line and of its bracket.
func (s *scanner) next() (start, bracket int, ok bool) {
	for s.pos < len(s.text) {
		i := bytes.IndexByte(s.text[s.pos:], '[')
		if i < 0 {
			break
		}
		bracket = s.pos + i
		s.pos = bracket + 1
		start = bracket
		if bracket == 0 || s.text[bracket-1] != '\n' { // which is where nearly all stand
			var first bool
			if start, first = lineStart(s.text, bracket); !first || start < bracket && !s.isHeader(start) {
				continue
			}
		}
		s.from.pos, s.from.indent, s.from.inKey = start, 0, false
		return start, bracket, true
	}
	s.pos = len(s.text)
	return 0, 0, false
}

// isHeader tells an indented header from a line of a value that starts with [.
func (s *scanner) isHeader(start int) bool {
	for {
		l, ok := s.from.next()
		if !ok || l.start >= start {
			return ok && l.class == header
		}
	}
}

// lineStart goes back over white space; first is false when other text is met.
func lineStart(text []byte, i int) (start int, first bool) {
	for i > markLen(text) {
		r, n := utf8.DecodeLastRune(text[:i])
		if r == '\n' || r == '\r' {
			return i, true
		}
		if !unicode.IsSpace(r) {
			return i, false
		}
		i -= n
	}
	return i, true
}

// markLen is the length of the byte order mark that Windows editors write.
func markLen(text []byte) int {
	if bytes.HasPrefix(text, []byte("\xef\xbb\xbf")) {
		return 3
	}
	return 0
}
