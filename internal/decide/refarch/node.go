package refarch

// node is a value of a JSON or YAML file, with the line where it stands.
type node struct {
	kind  kind
	text  string // of a scalar, as it is written where it has no quotes
	bare  bool   // a scalar that is no text: a number, true
	line  int
	items []item
}

// item is a member of a map, or of a list, where key is "".
type item struct {
	key   string
	line  int
	value node
}

type kind uint8

const (
	nothing kind = iota // null, or no value at all
	scalar
	list
	table
)

// find gives a member of a map.
func (n node) find(key string) (node, bool) {
	for _, it := range n.items {
		if n.kind == table && it.key == key {
			return it.value, true
		}
	}
	return node{}, false
}

// text gives the text of a member of a map, "" where it is not there.
func (n node) textOf(key string) string {
	v, _ := n.find(key)
	return v.text
}

// deepest bounds how far values stand inside each other; an accounts file needs
// three levels.
const deepest = 20

// reader turns a file into a node. A loose one takes accounts as they stand; answer
// says that AWS has listed them, so that no file can be mended.
type reader struct {
	file          string
	loose, answer bool
}

func (r reader) wrong(line int, text string, next ...string) error {
	if r.answer {
		next = []string{"make a file of the list and mend that: aws organizations list-accounts >accounts.json", "then: fob configure accounts.json"}
	}
	if len(next) == 0 {
		next = []string{"name the accounts file itself: fob configure FILE"}
	}
	return &Error{File: r.file, Line: line, Text: text, Next: next}
}
