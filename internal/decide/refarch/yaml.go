package refarch

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// longestLine keeps values from standing too deep inside each other on one line,
// and largestYAML, which holds 2,000 accounts, a map from having too many keys: the
// parser's time grows with the square of both.
const (
	longestLine = 2000
	largestYAML = 256 << 10
)

// yaml reads YAML as far as an accounts file needs it: no anchors, no merge keys,
// no keys that are no words. Scalars are taken as they are written, since an id
// with a zero in front is a number to some readers.
func (r reader) yaml(text []byte) (node, error) {
	if err := r.shallow(text); err != nil {
		return node{}, err
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return node{}, r.notYAML(err)
	}
	var bodies []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil {
			bodies = append(bodies, d.Body)
		}
	}
	switch len(bodies) {
	case 0:
		return node{}, nil
	case 1:
		return r.fromYAML(bodies[0], 0)
	}
	return node{}, r.wrong(lineOf(bodies[1]), "a second document begins", "keep one document in the file")
}

func (r reader) notYAML(err error) error {
	bad := yaml.Error(nil)
	if !errors.As(err, &bad) || bad.GetToken() == nil {
		return r.wrong(0, "it is no YAML")
	}
	said := bad.GetMessage()
	if key, first, ok := strings.Cut(said, " already defined at ["); ok {
		at, _, _ := strings.Cut(first, ":")
		line, _ := strconv.Atoi(at)
		name, _ := strconv.Unquote(strings.TrimPrefix(key, "mapping key "))
		return r.wrong(bad.GetToken().Position.Line, twice(name, line), "remove one of the two")
	}
	return r.wrong(bad.GetToken().Position.Line, "it is no YAML: "+said, "correct what stands there, or just before")
}

// shallow refuses what would keep the parser busy for minutes.
func (r reader) shallow(text []byte) error {
	if len(text) > largestYAML {
		return r.wrong(0, "the file is larger than an accounts file can be")
	}
	depth, at := 0, 0
	for line := range bytes.Lines(text) {
		at++
		if len(line) > longestLine {
			return r.wrong(at, "the line is too long for an accounts file")
		}
		depth = max(0, depth+bytes.Count(line, []byte{'['})+bytes.Count(line, []byte{'{'}))
		if depth > deepest {
			return r.wrong(at, "values stand too deep inside each other for an accounts file")
		}
		depth = max(0, depth-bytes.Count(line, []byte{']'})-bytes.Count(line, []byte{'}'}))
	}
	return nil
}

func lineOf(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

func (r reader) fromYAML(from ast.Node, depth int) (node, error) {
	n := node{line: lineOf(from)}
	if depth > deepest {
		return n, r.wrong(n.line, "values stand too deep inside each other for an accounts file")
	}
	switch v := from.(type) {
	case *ast.NullNode:
		return n, nil
	case *ast.StringNode:
		n.kind, n.text = scalar, v.Value
	case *ast.LiteralNode:
		n.kind, n.text = scalar, strings.TrimSpace(v.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		n.kind, n.text, n.bare = scalar, strings.TrimSpace(v.GetToken().Value), true
	case *ast.TagNode:
		return r.fromYAML(v.Value, depth+1)
	case *ast.MappingNode:
		n.kind = table
		return n, r.membersOf(&n, v.Values, depth)
	case *ast.MappingValueNode:
		n.kind = table
		return n, r.membersOf(&n, []*ast.MappingValueNode{v}, depth)
	case *ast.SequenceNode:
		n.kind = list
		for _, e := range v.Values {
			inner, err := r.fromYAML(e, depth+1)
			if err != nil {
				return n, err
			}
			n.items = append(n.items, item{line: inner.line, value: inner})
		}
	default:
		return n, r.wrong(n.line, "anchors, aliases and the like are not read in an accounts file", "write the values out")
	}
	return n, nil
}

func (r reader) membersOf(n *node, values []*ast.MappingValueNode, depth int) error {
	seen := make(map[string]int)
	for _, v := range values {
		key, ok := v.Key.(ast.Node)
		if !ok {
			return r.wrong(n.line, "a key is no word", "write NAME: in front of each account")
		}
		it := item{line: lineOf(key)}
		switch k := key.(type) {
		case *ast.StringNode:
			it.key = k.Value
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
			it.key = strings.TrimSpace(key.GetToken().Value)
		default:
			return r.wrong(it.line, "a key is no word", "write NAME: in front of each account")
		}
		if first := seen[it.key]; first > 0 {
			return r.wrong(it.line, twice(it.key, first), "remove one of the two")
		}
		seen[it.key] = it.line
		inner, err := r.fromYAML(v.Value, depth+1)
		if err != nil {
			return err
		}
		if inner.line == 0 || inner.kind == nothing {
			inner.line = it.line
		}
		it.value = inner
		n.items = append(n.items, it)
	}
	return nil
}

func twice(name string, first int) string {
	return shown(name) + " stands twice, first on line " + strconv.Itoa(first)
}
