package unlock

import (
	"bufio"
	"encoding/base64"
	"errors"
	"io"
	"strings"

	"filippo.io/age"
)

// What one run of a plugin may send. Real ones stay far below: a hybrid
// recipient's first line has 1,600 characters and is the longest of all.
const (
	maxStanzaLine  = 4 << 10
	maxStanzaBody  = 4 << 10
	maxPluginBytes = 256 << 10
)

// bodyColumns is the length of each line of a body but the last one, which is
// shorter and may be empty (https://c2sp.org/age, "recipient stanza").
const bodyColumns = 64

// encodeStanza writes a stanza as in the header of an age file.
func encodeStanza(s *age.Stanza) ([]byte, error) {
	var b strings.Builder
	b.WriteString("->")
	for _, word := range append([]string{s.Type}, s.Args...) {
		if !isStanzaWord(word) {
			return nil, errors.New("a stanza has a word that is empty or has characters that do not print")
		}
		b.WriteString(" " + word)
	}
	b.WriteByte('\n')
	body := base64.RawStdEncoding.EncodeToString(s.Body)
	for ; len(body) >= bodyColumns; body = body[bodyColumns:] {
		b.WriteString(body[:bodyColumns] + "\n")
	}
	b.WriteString(body + "\n")
	return []byte(b.String()), nil
}

// isStanzaWord says whether a word is what the format calls an arbitrary string.
func isStanzaWord(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < 33 || r > 126 }) < 0
}

// stanzaReader reads stanzas from whoever is at the other end, strictly.
type stanzaReader struct {
	lines *bufio.Reader
	left  int // bytes that may still come
}

func newStanzaReader(r io.Reader) *stanzaReader {
	return &stanzaReader{lines: bufio.NewReaderSize(r, maxStanzaLine), left: maxPluginBytes}
}

// next gives one stanza. Errors quote nothing of what came, and read on after
// the sender's name; errHungUp says that nothing more comes.
func (r *stanzaReader) next() (*age.Stanza, error) {
	first, err := r.line()
	if err != nil {
		return nil, err
	}
	words := strings.Split(first, " ")
	if len(words) < 2 || words[0] != "->" {
		return nil, errNoStanza
	}
	for _, word := range words[1:] {
		if !isStanzaWord(word) {
			return nil, errNoStanza
		}
	}
	s := &age.Stanza{Type: words[1], Args: words[2:]}
	for {
		line, err := r.line()
		if err != nil {
			return nil, err
		}
		if len(line) > bodyColumns || strings.ContainsRune(line, '\r') { // the decoder would skip it
			return nil, errNoStanza
		}
		part, err := base64.RawStdEncoding.Strict().DecodeString(line)
		if err != nil {
			return nil, errNoStanza
		}
		if s.Body = append(s.Body, part...); len(s.Body) > maxStanzaBody {
			return nil, errTooMuch
		}
		if len(line) < bodyColumns {
			return s, nil
		}
	}
}

// line gives the next line without its end.
func (r *stanzaReader) line() (string, error) {
	line, err := r.lines.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errTooMuch
	}
	if err != nil {
		return "", errHungUp
	}
	if r.left -= len(line); r.left < 0 {
		return "", errTooMuch
	}
	return string(line[:len(line)-1]), nil
}

// What can be wrong with what a plugin sends. They read on after its name.
var (
	errHungUp   = errors.New("ended before it was done")
	errTooMuch  = errors.New("sent more than any plugin has to")
	errNoStanza = errors.New("does not keep to the plugin protocol")
)
