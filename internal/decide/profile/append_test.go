package profile

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Sections are appended together, with the file's own line ends, and a note is
// found again in the section that it stands in, and in no other.
func TestWithProfiles(t *testing.T) {
	t.Parallel()
	before := parse(t, "[profile a]\r\nregion = x\r\n# by fob\r\noutput = json\r\n# of b\r\n[profile b]\r\n# behind the last")
	text, err := before.WithProfiles([]Addition{
		{Name: "c", Note: "by fob", Settings: []Setting{{Key: "Region", Value: "y"}}},
		{Name: "d e"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := string(before.Text()) + "\r\n\r\n[profile c]\r\n# by fob\r\nregion = y\r\n\r\n[profile \"d e\"]\r\n"
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Fatal(diff)
	}
	after := parse(t, string(text))
	noted := map[string]bool{}
	for _, name := range append(after.Names(), "nobody") {
		noted[name] = after.Noted(name, "by fob")
	}
	if diff := cmp.Diff(map[string]bool{"a": true, "b": false, "c": true, "d e": false, "nobody": false}, noted); diff != "" {
		t.Error(diff)
	}
	if after.Noted("a", "of b") || after.Noted("b", "behind the last") {
		t.Error("a comment behind the last setting is taken for one of the section")
	}
	if same, err := before.WithProfiles(nil); err != nil || string(same) != string(before.Text()) {
		t.Errorf("nothing to append gives %q, %v", same, err)
	}
}

func TestWithProfilesRefuses(t *testing.T) {
	t.Parallel()
	before := parse(t, "[profile a]\n")
	for want, all := range map[string][]Addition{
		`~/.aws/config: profile "b": cannot be written: it is given twice`:                            {{Name: "b"}, {Name: "b"}},
		`~/.aws/config:1: profile "a": the profile is there already`:                                  {{Name: "b"}, {Name: "a"}},
		`~/.aws/config: profile "b": cannot be written: its comment holds the control character '\n'`: {{Name: "b", Note: "x\n[profile c]"}},
		`~/.aws/config: profile "b": cannot be written: region is given twice`:                        {{Name: "b", Settings: []Setting{{Key: "region"}, {Key: "Region"}}}},
		`~/.aws/config: profile "b]": cannot be written: the name holds a bracket`:                    {{Name: "b]"}},
		`~/.aws/config: profile "b": cannot be written: the value of region holds a line end`:         {{Name: "b", Settings: []Setting{{Key: "region", Value: "x\ny"}}}},
	} {
		if text, err := before.WithProfiles(all); err == nil || err.Error() != want {
			t.Errorf("got %q, %v, want %s", text, err, want)
		}
	}
}
