package cli

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const jsonDoc = "../../docs/json.md"

// TestJSONDocs compares the schema in docs/json.md with the types that are
// printed. A field that the document has cannot leave: programs read it.
func TestJSONDocs(t *testing.T) {
	t.Parallel()
	const start, end = "<!-- schema -->\n", "<!-- /schema -->\n"
	text, err := os.ReadFile(jsonDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), start)
	shown, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %q ... %q", jsonDoc, start, end)
	}
	want := jsonSchema(t)
	for _, line := range promises(shown) {
		if !slices.Contains(promises(want), line) {
			t.Errorf("docs/json.md promises %s, which is printed no more: the schema is only ever added to", line)
		}
	}
	if shown == want || t.Failed() {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatal("docs/json.md is behind the types that are printed; write it anew: UPDATE=1 go test ./internal/cli -run TestJSONDocs")
	}
	if err := os.WriteFile(jsonDoc, []byte(before+start+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// promises are the command, field and type of each row; what a field means may
// be said better later.
func promises(schema string) []string {
	var out []string
	command := ""
	for line := range strings.Lines(schema) {
		cells := strings.Split(line, "|")
		switch {
		case strings.HasPrefix(line, "### "):
			command = strings.TrimSpace(line[4:])
		case len(cells) > 3 && !strings.HasPrefix(line, "|---"):
			out = append(out, command+": "+strings.TrimSpace(cells[1])+" "+strings.TrimSpace(cells[2]))
		}
	}
	return out
}

func jsonSchema(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, a := range append(printedAsJSON(), printed{"any of them, on standard error, when it fails", failure{}}) {
		title := a.command
		if _, failed := a.value.(failure); !failed {
			title = "`fob " + a.command + " --json`"
		}
		fmt.Fprintf(&b, "### %s\n\n| field | type | meaning |\n|---|---|---|\n", title)
		jsonRows(t, &b, "", reflect.TypeOf(a.value))
		b.WriteString("\n")
	}
	return b.String()
}

// jsonRows writes a row for each field, those of nested objects under a dotted
// name, [] for each element of a list.
func jsonRows(t *testing.T, b *strings.Builder, prefix string, typ reflect.Type) {
	t.Helper()
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Anonymous {
			jsonRows(t, b, prefix, f.Type)
			continue
		}
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		doc := f.Tag.Get("doc")
		if doc == "" {
			t.Errorf("%s.%s is printed as JSON and has no doc tag, so docs/json.md cannot say what it means", typ, f.Name)
		}
		switch {
		case opts == "omitempty" && f.Type.Kind() == reflect.Bool:
			doc += "; left out where it is false"
		case opts == "omitempty":
			doc += "; left out where there is none"
		}
		inner, kind := f.Type, ""
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			if inner.Kind() == reflect.Slice {
				kind = "list of "
			}
			inner = inner.Elem()
		}
		fmt.Fprintf(b, "| `%s%s` | %s%s | %s |\n", prefix, name, kind, jsonKind(t, inner), doc)
		if kind != "" {
			name += "[]"
		}
		if inner.Kind() == reflect.Struct && inner.String() != "time.Time" {
			jsonRows(t, b, prefix+name+".", inner)
		}
	}
}

func jsonKind(t *testing.T, typ reflect.Type) string {
	t.Helper()
	switch {
	case typ.String() == "time.Time":
		return "time (RFC 3339)"
	case typ.Kind() == reflect.Struct:
		return "object"
	case typ.Kind() == reflect.Int:
		return "number"
	case typ.Kind() == reflect.Map && typ.Elem().Kind() == reflect.String:
		return "object of texts"
	case typ.Kind() == reflect.Bool:
		return "boolean"
	case typ.Kind() == reflect.String:
		return "text"
	}
	t.Errorf("%s has no name in docs/json.md", typ)
	return ""
}

// TestJSONListed: a command that takes --json is in the list, and so in the
// document.
func TestJSONListed(t *testing.T) {
	t.Parallel()
	n := 0
	for _, c := range tree() {
		if f := c.Flags().Lookup("json"); f == nil || f.Hidden {
			continue
		}
		n++
		name := strings.TrimPrefix(c.CommandPath(), "fob ")
		if !slices.ContainsFunc(printedAsJSON(), func(a printed) bool { return a.command == name }) {
			t.Errorf("fob %s takes --json and is not in printedAsJSON()", name)
		}
	}
	if n < 5 {
		t.Fatalf("found %d commands with --json: this test reads them wrongly", n)
	}
}
