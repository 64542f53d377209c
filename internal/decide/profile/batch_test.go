package profile

import (
	"strings"
	"testing"
)

// Edits made at once say what they say one after the other, and cost no more
// bytes.
func TestWithEdits(t *testing.T) {
	t.Parallel()
	const text = "# head\n[profile a]\nregion = x\n\n[profile b]\n region =\n output = json # o\n\n[profile c]\nregion = z\n\n# of d\n[profile d]\nregion = q"
	set := func(name string, pairs ...string) Edit {
		e := Edit{Name: name}
		for i := 0; i < len(pairs); i += 2 {
			e.Settings = append(e.Settings, Setting{Key: pairs[i], Value: pairs[i+1]})
		}
		return e
	}
	for _, row := range []struct {
		name, want string
		edits      []Edit
	}{
		{"nothing", text, nil},
		{"one", strings.Replace(text, "= x", "= y", 1), []Edit{set("a", "Region", "y")}},
		{"an empty value", strings.Replace(text, " region =\n", " region = y\n", 1), []Edit{set("b", "region", "y")}},
		{"several, in another order than the file's", strings.NewReplacer("= q", "= d\noutput = text\nrole_arn = r\n", "# o\n", "# o\n role_arn = r\n", "= x", "= ").Replace(text),
			[]Edit{set("d", "region", "d", "output", "text", "role_arn", "r"), set("b", "role_arn", "r"), set("a", "region", "")}},
		{"neighbours removed", "# head\n\n# of d\n[profile d]\nregion = q", []Edit{{Name: "b", Remove: true}, {Name: "a", Remove: true}, {Name: "c", Remove: true}}},
		{"the last removed, and one before", "# head\n[profile a]\nregion = x\n\n[profile b]\n region =\n output = json # o\n\n# of d\n", []Edit{{Name: "d", Remove: true}, {Name: "c", Remove: true}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(t, text).WithEdits(row.edits)
			if err != nil || string(got) != row.want {
				t.Errorf("got %q, %v\nwant %q", got, err, row.want)
			}
		})
	}
	for want, edits := range map[string][]Edit{
		`no profile "x" in ~/.aws/config`:                                                                         {set("x", "region", "y")},
		`~/.aws/config: profile "a": cannot be written: it is given twice`:                                        {set("a", "region", "y"), {Name: "a", Remove: true}},
		`~/.aws/config: profile "a": cannot be written: output is given twice`:                                    {set("a", "output", "y", "Output", "z")},
		`~/.aws/config: profile "a": cannot be written: the value of region holds a line end`:                     {set("b", "region", "x"), set("a", "region", "y\n")},
		`~/.aws/config: profile "a": cannot be written: a part of the value of region would be read as a comment`: {set("a", "region", "x #y")},
	} {
		if text, err := parse(t, text).WithEdits(edits); err == nil || err.Error() != want {
			t.Errorf("got %q, %v, want %s", text, err, want)
		}
	}
}
