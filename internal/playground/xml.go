package playground

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"time"
)

// element is one XML element of an answer. Clients tell an empty list from a
// missing one, so answers are built as trees and nothing is left out.
type element struct {
	name, text string
	inside     []element
}

func leaf(name, text string) element { return element{name: name, text: text} }

func tree(name string, inside ...element) element { return element{name: name, inside: inside} }

// members is a list in the query protocol: every item is named member.
func members(name string, items [][]element) element {
	list := element{name: name}
	for _, item := range items {
		list.inside = append(list.inside, tree("member", item...))
	}
	return list
}

func flag(name string, on bool) element { return leaf(name, strconv.FormatBool(on)) }

func count(name string, n int) element { return leaf(name, strconv.Itoa(n)) }

func moment(name string, t time.Time) element {
	return leaf(name, t.UTC().Format("2006-01-02T15:04:05Z"))
}

func (e element) write(b *bytes.Buffer, space string) {
	b.WriteByte('<')
	b.WriteString(e.name)
	if space != "" {
		b.WriteString(` xmlns="` + space + `"`)
	}
	b.WriteByte('>')
	_ = xml.EscapeText(b, []byte(e.text)) // a buffer takes every write
	for _, inside := range e.inside {
		inside.write(b, "")
	}
	b.WriteString("</" + e.name + ">")
}

// render gives the document of a root element in a name space.
func (e element) render(space string) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	e.write(&b, space)
	return b.Bytes()
}
