package refarch

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// jsonReader reads JSON with its lines, and sees a key that stands twice, of
// which encoding/json would take the last without a word.
type jsonReader struct {
	reader
	text   []byte
	in     *json.Decoder
	offset int
	line   int
}

func (r reader) json(text []byte) (node, error) {
	j := &jsonReader{reader: r, text: text, in: json.NewDecoder(bytes.NewReader(text)), line: 1}
	j.in.UseNumber()
	n, err := j.value(0)
	if err != nil {
		return node{}, err
	}
	if _, err := j.in.Token(); !errors.Is(err, io.EOF) {
		return node{}, j.wrong(j.at(), "there is text after the end of the JSON", "keep one JSON value in the file")
	}
	return n, nil
}

// at is the line of what was read last.
func (j *jsonReader) at() int {
	to := min(int(j.in.InputOffset()), len(j.text))
	j.line += bytes.Count(j.text[j.offset:to], []byte{'\n'})
	j.offset = to
	return j.line
}

func (j *jsonReader) next() (json.Token, error) {
	next, err := j.in.Token()
	if err == nil {
		return next, nil
	}
	bad := (*json.SyntaxError)(nil)
	if !errors.As(err, &bad) {
		return nil, j.wrong(j.at(), "the JSON ends too early", "fetch the whole file anew: git checkout, or what has made it")
	}
	if id := j.zeroNext(); id != "" {
		return nil, j.wrong(j.at(), "it is no JSON: a number cannot begin with a zero", `write the id in quotes: "`+id+`"`)
	}
	return nil, j.wrong(j.at(), "it is no JSON: "+bad.Error(), "correct what stands there, or just before")
}

// zeroNext gives the number with a zero in front on which the decoder has stopped,
// which takes its zero for the whole of it, or "".
func (j *jsonReader) zeroNext() string {
	at := min(int(j.in.InputOffset()), len(j.text))
	from := len(bytes.TrimRight(j.text[:at], "0123456789"))
	digits := j.text[from : len(j.text)-len(bytes.TrimLeft(j.text[from:], "0123456789"))]
	const most = 20
	if len(digits) < 2 || len(digits) > most || digits[0] != '0' {
		return ""
	}
	return string(digits)
}

func (j *jsonReader) value(depth int) (node, error) {
	next, err := j.next()
	if err != nil {
		return node{}, err
	}
	n := node{line: j.at()}
	switch v := next.(type) {
	case json.Delim:
		if depth >= deepest {
			return n, j.wrong(n.line, "values stand too deep inside each other for an accounts file")
		}
		if v == '{' {
			return n, j.members(&n, depth)
		}
		return n, j.elements(&n, depth)
	case string:
		n.kind, n.text = scalar, v
	case json.Number:
		n.kind, n.text, n.bare = scalar, v.String(), true
	case bool:
		n.kind, n.text, n.bare = scalar, map[bool]string{true: "true", false: "false"}[v], true
	}
	return n, nil
}

func (j *jsonReader) members(n *node, depth int) error {
	n.kind = table
	seen := make(map[string]int)
	for j.in.More() {
		next, err := j.next()
		if err != nil {
			return err
		}
		it := item{line: j.at()}
		it.key, _ = next.(string) // a decoder lets nothing else be a key
		if first := seen[it.key]; first > 0 {
			return j.wrong(it.line, twice(it.key, first), "remove one of the two")
		}
		seen[it.key] = it.line
		if it.value, err = j.value(depth + 1); err != nil {
			return err
		}
		n.items = append(n.items, it)
	}
	_, err := j.next()
	return err
}

func (j *jsonReader) elements(n *node, depth int) error {
	n.kind = list
	for j.in.More() {
		v, err := j.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item{line: v.line, value: v})
	}
	_, err := j.next()
	return err
}
