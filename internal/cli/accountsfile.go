package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"fob/internal/decide/profile"
	"fob/internal/front"
)

// listedAccount is an account as a file names it; ID is as it stands there, and may be
// none.
type listedAccount struct{ name, id string }

// readAccounts reads a file of all accounts: a JSON object, or the YAML of the
// same shape, from name to id or to an object with an id. It reads no more of
// YAML than that, and says so.
func readAccounts(f front.Found) ([]listedAccount, error) {
	text := bytes.TrimPrefix(f.Text, []byte("\xef\xbb\xbf"))
	read := readYAMLAccounts
	if filepath.Ext(f.Path) == ".json" || bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		read = readJSONAccounts
	}
	all, err := read(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	seen := map[string]bool{}
	for _, a := range all {
		if seen[a.name] {
			return nil, fmt.Errorf("%s: the account %s stands there twice", f.Path, profile.Shown(a.name))
		}
		seen[a.name] = true
	}
	return all, nil
}

var errNoAccounts = errors.New("it is not an object from the names of accounts to their ids")

func readJSONAccounts(text []byte) ([]listedAccount, error) {
	fields, err := jsonFields(text)
	if err != nil {
		return nil, err
	}
	var all []listedAccount
	for _, f := range fields {
		a := listedAccount{name: f.name}
		if a.id, err = jsonID(f.value); err != nil {
			return nil, fmt.Errorf("account %s: %w", profile.Shown(a.name), err)
		}
		all = append(all, a)
	}
	return all, nil
}

type jsonField struct {
	name  string
	value json.RawMessage
}

// jsonFields takes a JSON object apart, and keeps a name that stands there twice.
func jsonFields(text []byte) ([]jsonField, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, notJSON(text, err)
	}
	var all []jsonField
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			return nil, notJSON(text, err)
		}
		all = append(all, jsonField{name.(string), value}) // a key is one
	}
	if _, err := d.Token(); err != nil {
		return nil, notJSON(text, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind the JSON object")
	}
	return all, nil
}

var errTwoIDs = errors.New("its id stands there twice")

// jsonID finds the id in the value of an account: the value itself, or what its
// field id says. A number is shown as it stands: one that begins with a zero is
// no JSON, so it has lost that zero already.
func jsonID(value json.RawMessage) (string, error) {
	if bytes.HasPrefix(value, []byte("{")) {
		fields, err := jsonFields(value)
		if err != nil {
			return "", err
		}
		value = nil
		for _, f := range fields {
			switch {
			case f.name == "id" && value != nil:
				return "", errTwoIDs
			case f.name == "id":
				value = f.value
			}
		}
	}
	if len(value) == 0 || string(value) == "null" {
		return "", nil
	}
	var text string
	if value[0] == '"' {
		err := json.Unmarshal(value, &text)
		return text, err
	}
	if value[0] == '{' || value[0] == '[' {
		return "", errNoAccounts
	}
	return string(value), nil
}

// notJSON says on which line a text stops being what it should be.
func notJSON(text []byte, err error) error {
	if bytes.Contains(text, []byte("{{")) {
		return errors.New("it is a template that was not filled in: {{ stands in it")
	}
	syntax := (*json.SyntaxError)(nil)
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d is no JSON", 1+bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n")))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends in the middle of the JSON")
	}
	return errNoAccounts
}

// readYAMLAccounts reads lines "name: id", and "name:" with "id: ..." indented
// below it.
func readYAMLAccounts(text []byte) ([]listedAccount, error) {
	var all []listedAccount
	depth := 0 // how far the fields of the account are indented
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimRight(line, " \r")
		body := strings.TrimLeft(line, " ")
		if body == "" || body[0] == '#' || body == "---" && i == 0 {
			continue
		}
		key, value, ok := yamlPair(body)
		indent := len(line) - len(body)
		switch {
		case !ok || indent > 0 && len(all) == 0:
			return nil, fmt.Errorf("line %d is neither \"NAME:\" nor \"id: ID\": fob reads no other YAML", i+1)
		case indent == 0:
			all, depth = append(all, listedAccount{key, value}), 0
		case depth == 0:
			depth = indent
		}
		if indent == 0 || indent != depth || key != "id" {
			continue
		}
		last := &all[len(all)-1]
		if last.id != "" {
			return nil, fmt.Errorf("account %s: %w", profile.Shown(last.name), errTwoIDs)
		}
		last.id = value
	}
	return all, nil
}

// yamlPair takes "key: value" apart. The value is what stands there: a number
// keeps its zeros.
func yamlPair(body string) (key, value string, ok bool) {
	if strings.Contains(body, "{{") || strings.ContainsAny(body[:1], "-?&*!|>%@`[]{}\t") {
		return "", "", false
	}
	end := strings.Index(body, ":")
	if quote := body[0]; quote == '"' || quote == '\'' {
		closing := strings.IndexByte(body[1:], quote)
		if closing < 0 || !strings.HasPrefix(body[closing+2:], ":") {
			return "", "", false
		}
		end = closing + 2
	}
	if end < 1 || end+1 < len(body) && body[end+1] != ' ' {
		return "", "", false
	}
	value = strings.TrimSpace(body[end+1:])
	// Anchors, blocks, lists: what may bring an id that does not stand here.
	if value != "" && strings.ContainsAny(value[:1], "&*!|>[{%@`") || strings.HasPrefix(body, "<<") {
		return "", "", false
	}
	return unquoted(body[:end]), unquoted(value), true
}

// unquoted is a YAML scalar without its quotes, or without a comment.
func unquoted(text string) string {
	if text == "" {
		return ""
	}
	if quote := text[0]; quote == '"' || quote == '\'' {
		inner, _, _ := strings.Cut(text[1:], string(quote))
		return inner
	}
	if text[0] == '#' {
		return ""
	}
	text, _, _ = strings.Cut(text, " #")
	return strings.TrimSpace(text)
}

// oneAccount is what an account.hcl says: each "" where it does not say it in
// plain words.
type oneAccount struct{ name, id string }

// readAccountHCL reads the lines account_name, account_id and aws_account_id of a
// block such as locals. What is computed there is not known, and what stands in
// a deeper object is about something else.
func readAccountHCL(f front.Found) (oneAccount, error) {
	var a oneAccount
	depth := 0
	for i, line := range strings.Split(string(f.Text), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "/*") {
			return a, fmt.Errorf("%s:%d: a comment of several lines may hide what counts: use # in each line", f.Path, i+1)
		}
		at := depth
		depth += hclDepth(line)
		key, value, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if !ok || at > 1 || key != "account_name" && key != "account_id" && key != "aws_account_id" {
			continue
		}
		value, plain := hclLiteral(strings.TrimSpace(value))
		to := &a.id
		if key == "account_name" {
			to = &a.name
		}
		if plain && *to != "" && *to != value {
			return a, fmt.Errorf("%s:%d: %s is %s, and above it stands %s", f.Path, i+1, key, profile.Shown(value), profile.Shown(*to))
		}
		if plain {
			*to = value
		}
	}
	return a, nil
}

// hclDepth is how many blocks and objects more are open behind a line.
func hclDepth(line string) (n int) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '#', strings.HasPrefix(line[i:], "//"):
			return n
		case c == '{':
			n++
		case c == '}':
			n--
		}
	}
	return n
}

// hclLiteral is the value of a quoted text or of a number that stands alone.
func hclLiteral(text string) (string, bool) {
	if inner, ok := strings.CutPrefix(text, `"`); ok {
		inner, after, closed := strings.Cut(inner, `"`)
		return inner, closed && !strings.ContainsAny(inner, `\`) && !strings.Contains(inner, "${") && hclComment(strings.TrimSpace(after)) == ""
	}
	text = hclComment(text)
	return text, text != "" && strings.Trim(text, "0123456789") == ""
}

// hclComment cuts a comment off a text without quotes.
func hclComment(text string) string {
	text, _, _ = strings.Cut(text, "#")
	text, _, _ = strings.Cut(text, "//")
	return strings.TrimSpace(text)
}
