package refarch

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"fob/internal/decide/profile"
)

// Accounts is what an accounts file or an organization says.
type Accounts struct {
	File string
	List []Account // sorted by name
	// Skipped holds the names of accounts that are not active.
	Skipped []string
	// Management is the id of the account that manages the organization, "" where
	// that is not known.
	Management string
}

// LargestFile is more than 500 accounts need in any of the formats.
const LargestFile = 1 << 20

// ParseAccounts reads accounts.json (name to an object with an id), a flat map of
// names to ids, accounts.yml of the same two shapes, and what aws organizations
// list-accounts prints. file is how messages name it. Errors are *Error.
func ParseAccounts(file string, text []byte) (Accounts, error) {
	out := Accounts{File: file}
	r := reader{file: file}
	err := out.read(r, text)
	if err == nil {
		err = out.check(r)
	}
	return out, err
}

// ListAccounts reads the same files for who needs one account of them: the others
// may lack an id, have one that cannot be or a name that none can have. They come
// in the file's order. Errors are *Error.
func ListAccounts(file string, text []byte) ([]Account, error) {
	out := Accounts{File: file}
	r := reader{file: file, loose: true}
	err := out.read(r, text)
	if err == nil {
		err = out.distinct(r)
	}
	if err != nil {
		return nil, err
	}
	return out.List, nil
}

func (a *Accounts) read(r reader, text []byte) error {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	switch {
	case len(text) > LargestFile:
		return r.wrong(0, "the file is larger than an accounts file can be")
	case bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text):
		return r.wrong(0, "the file is not UTF-8 text", "save it as UTF-8")
	}
	if err := r.rendered(text); err != nil {
		return err
	}
	read := r.yaml
	if t := bytes.TrimSpace(text); len(t) > 0 && (t[0] == '{' || t[0] == '[') {
		read = r.json
	}
	top, err := read(text)
	if err != nil {
		return err
	}
	if listed, ok := r.organization(top); ok {
		return a.fromOrganization(r, listed)
	}
	return a.fromMap(r, top)
}

// rendered refuses a template of which a tool was to make the file.
func (r reader) rendered(text []byte) error {
	at := 0
	for line := range bytes.Lines(text) {
		at++
		if t := bytes.TrimSpace(line); len(t) > 0 && t[0] == '#' && !bytes.HasPrefix(t, []byte("#%{")) {
			continue // a comment of YAML's
		}
		for _, mark := range []string{"#%{", "%{", "${", "{{", "{%", "<%"} {
			if i := bytes.Index(line, []byte(mark)); i >= 0 {
				return r.wrong(at, "it is a template that is not rendered, or only by half: "+shown(string(bytes.TrimSpace(line[i:]))), "render it first, or name the accounts file itself")
			}
		}
	}
	return nil
}

const (
	noAccounts = "it holds no accounts"
	likeThis   = `write it like {"dev": {"id": "345678901234"}}`
)

func (a *Accounts) fromMap(r reader, top node) error {
	if top.kind != table {
		return r.wrong(top.line, noAccounts, likeThis)
	}
	for _, it := range top.items {
		if it.value.kind == table {
			id, ok := it.value.find("id")
			if !ok && !r.loose {
				return r.wrong(it.line, "account "+shown(it.key)+" has no id", likeThis)
			}
			it.value = id
		}
		if err := a.add(r, it); err != nil {
			return err
		}
	}
	return nil
}

func (a *Accounts) add(r reader, it item) error {
	line := it.value.line
	if line == 0 {
		line = it.line
	}
	if flaw := nameFlaw(it.key); flaw != "" && !r.loose {
		return r.wrong(it.line, "the account name "+shown(it.key)+" "+flaw, "correct the name: it is the folder of the account, and of its profile")
	}
	if it.value.kind != nothing && it.value.kind != scalar {
		return r.wrong(line, "the id of account "+shown(it.key)+" is no text", `write it like "345678901234"`)
	}
	if flaw, next := idFlaw(it.value.text); flaw != "" && !r.loose {
		return r.wrong(line, "the id of account "+shown(it.key)+" "+flaw, next)
	}
	a.List = append(a.List, Account{Name: it.key, ID: it.value.text, Line: it.line})
	return nil
}

// check looks at the accounts together.
func (a *Accounts) check(r reader) error {
	if err := a.distinct(r); err != nil {
		return err
	}
	ids := make(map[string]Account)
	for _, one := range a.List {
		if first, ok := ids[one.ID]; ok {
			return r.wrong(one.Line, "accounts "+shown(first.Name)+" and "+shown(one.Name)+" have the same id "+one.ID, "correct one of the two ids")
		}
		ids[one.ID] = one
	}
	if len(a.List) == 0 {
		return r.wrong(0, noAccounts, likeThis)
	}
	slices.SortFunc(a.List, func(x, y Account) int { return strings.Compare(x.Name, y.Name) })
	return nil
}

// distinct refuses a name that stands twice, which the readers have not seen where
// it became the same by being made lower case.
func (a *Accounts) distinct(r reader) error {
	names := make(map[string]Account)
	for _, one := range a.List {
		first, ok := names[one.Name]
		switch {
		case ok && r.answer:
			return r.wrong(0, "two accounts are called "+shown(one.Name)+" when made lower case, without white space: "+first.ID+" and "+one.ID)
		case ok:
			return r.wrong(one.Line, twice(one.Name, first.Line), "remove one of the two")
		}
		names[one.Name] = one
	}
	return nil
}

// nameFlaw says why a name cannot be that of an account's folder and profile, or
// "".
func nameFlaw(name string) string {
	const longest = 128
	switch {
	case name == "":
		return "is empty"
	case len(name) > longest:
		return "has more than " + strconv.Itoa(longest) + " bytes"
	case name == "default":
		return "is that of the section [default], which holds what all profiles share"
	case name == "." || name == ".." || strings.ContainsAny(name, `/\`):
		return "is no name of a folder"
	case name[0] == '-' || name[0] == '#' || name[0] == ';':
		return "begins with " + name[:1]
	case strings.ContainsFunc(name, func(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) }):
		return "holds white space or characters that cannot be seen"
	case strings.ContainsAny(name, `"'<>$%{}*?|:`+"`"):
		return "holds a character that does not belong into a name"
	}
	if profile.Unwritable(name) != "" {
		return "cannot be that of a profile: " + profile.Unwritable(name)
	}
	return ""
}

// idFlaw says why a text is no account id, or "", and what to do.
func idFlaw(id string) (flaw, next string) {
	const digits, lost = 12, 3 // ids with more zeros in front have not been seen
	isNumber := id != "" && strings.Trim(id, "0123456789") == ""
	switch {
	case isNumber && len(id) == digits:
		return "", ""
	case strings.TrimSpace(id) == "":
		return "is empty", "fill it in: the organization's list of accounts has it"
	case isNumber && len(id) < digits && len(id) >= digits-lost:
		return "has " + strconv.Itoa(len(id)) + " digits: a zero in front was lost, as happens to numbers", `write it in quotes, if it is that: "` + strings.Repeat("0", digits-len(id)) + id + `"`
	case strings.Trim(id, "0123456789-") == "" && len(strings.ReplaceAll(id, "-", "")) == digits:
		return shown(id) + " has dashes in it", `write it like "` + strings.ReplaceAll(id, "-", "") + `"`
	}
	return shown(id) + " is not 12 digits", `write it like "345678901234", in quotes`
}

// Find gives the account of that name, in whatever case it is written.
func (a Accounts) Find(name string) (Account, bool) {
	for _, one := range a.List {
		if strings.EqualFold(one.Name, name) {
			return one, true
		}
	}
	return Account{}, false
}

// WithID gives the account of that id.
func (a Accounts) WithID(id string) (Account, bool) {
	i := slices.IndexFunc(a.List, func(one Account) bool { return one.ID == id })
	if i < 0 {
		return Account{}, false
	}
	return a.List[i], true
}
