package profile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEdits(t *testing.T) {
	t.Parallel()
	set := func(name, key, value string) func(Set) ([]byte, error) {
		return func(s Set) ([]byte, error) { return s.WithSetting(name, key, value) }
	}
	unset := func(name, key string) func(Set) ([]byte, error) {
		return func(s Set) ([]byte, error) { return s.WithoutSetting(name, key) }
	}
	add := func(name string, settings ...Setting) func(Set) ([]byte, error) {
		return func(s Set) ([]byte, error) { return s.WithProfile(name, settings) }
	}
	remove := func(name string) func(Set) ([]byte, error) {
		return func(s Set) ([]byte, error) { return s.WithEdits([]Edit{{Name: name, Remove: true}}) }
	}
	region := Setting{Key: "Region", Value: "x"}
	tests := []struct {
		name, text string
		edit       func(Set) ([]byte, error)
		want       string // the new text, or the error
	}{
		{"set", "# a\n[profile t]\nregion=a # why\n\n[profile u]\nregion=a\n", set("t", "Region", "bc"), "# a\n[profile t]\nregion=bc # why\n\n[profile u]\nregion=a\n"},
		{"set in default", "[default]\nregion = a\n", set("default", "region", "b"), "[default]\nregion = b\n"},
		{"set an empty value", "[profile t]\nregion =\nx =  # c\n", set("t", "region", "b"), "[profile t]\nregion = b\nx =  # c\n"},
		{"set an empty value before a comment", "[profile t]\nx =  # c\n", set("t", "x", "b"), "[profile t]\nx = b  # c\n"},
		{"set to nothing", "[profile t]\nregion = a\n", set("t", "region", ""), "[profile t]\nregion = \n"},
		{"set to the same", "[profile t]\n\tregion\t=\ta\t\n", set("t", "region", "a"), "[profile t]\n\tregion\t=\ta\t\n"},
		{"set in CRLF", "[profile t]\r\nregion = a\r\n", set("t", "region", "b"), "[profile t]\r\nregion = b\r\n"},
		{"set behind a BOM", "\xef\xbb\xbf[profile t]\nregion = a\n", set("t", "region", "b"), "\xef\xbb\xbf[profile t]\nregion = b\n"},
		{"set in the last line without an end", "[profile t]\nregion = a", set("t", "region", "b"), "[profile t]\nregion = b"},
		{"add a key", "[profile t]\nregion = a\n# end\n\n[profile u]\n", set("t", "output", "b"), "[profile t]\nregion = a\noutput = b\n# end\n\n[profile u]\n"},
		{"add a key behind nested lines", "[profile t]\ns3 =\n  a = b\n\n[profile u]\n", set("t", "output", "b"), "[profile t]\ns3 =\n  a = b\noutput = b\n\n[profile u]\n"},
		{"add a key to an indented section", "[profile t]\n  region = a\n[profile u]\n", set("t", "output", "b"), "[profile t]\n  region = a\n  output = b\n[profile u]\n"},
		{"add a key to an empty section", "[profile t]\n\n[profile u]\n", set("t", "output", "b"), "[profile t]\noutput = b\n\n[profile u]\n"},
		{"add a key to a last line without an end", "[profile t]\nregion = a", set("t", "output", "b"), "[profile t]\nregion = a\noutput = b\n"},
		{"add a key to a header without an end", "[profile t]", set("t", "output", "b"), "[profile t]\noutput = b\n"},
		{"add a key in CRLF", "[profile t]\r\nregion = a", set("t", "output", "b"), "[profile t]\r\nregion = a\r\noutput = b\r\n"},
		{"add a key in CR", "[profile t]\rregion = a\r", set("t", "output", "b"), "[profile t]\rregion = a\routput = b\r"},
		{"add a key that default has", "[default]\nregion = a\n[profile t]\n", set("t", "region", "b"), "[default]\nregion = a\n[profile t]\nregion = b\n"},
		{"remove a key", "[profile t]\nregion = a\noutput = b\n", unset("t", "Region"), "[profile t]\noutput = b\n"},
		{"remove a nested key", "[profile t]\ns3 =\n  a = b\n\n  # c\n  d = e\n\n# f\noutput = b\n", unset("t", "s3"), "[profile t]\n\n# f\noutput = b\n"},
		{"remove a key that is not there", "[profile t]\n", unset("t", "x"), "[profile t]\n"},
		{"add a profile", "[profile u]\n", add("t", region, Setting{Key: "output"}), "[profile u]\n\n[profile t]\nregion = x\noutput =\n"},
		{"add a profile to nothing", "", add("t", region), "[profile t]\nregion = x\n"},
		{"add a profile to a BOM", "\xef\xbb\xbf", add("t", region), "\xef\xbb\xbf[profile t]\nregion = x\n"},
		{"add a profile in CRLF", "[profile u]\r\na = b", add("t", region), "[profile u]\r\na = b\r\n\r\n[profile t]\r\nregion = x\r\n"},
		{"add default", "", add("default", region), "[default]\nregion = x\n"},
		{"add a name with a space", "", add("a b"), "[profile \"a b\"]\n"},
		{"add a name with quotes", "", add(`a"b\c'd`), `[profile "a\"b\\c'd"]` + "\n"},
		{"add a name with a comment sign", "", add("a #b"), "[profile \"a #b\"]\n"},
		{"remove a profile", "[profile a]\n# x\nb = c\n# of u\n[profile u]\n", remove("a"), "# of u\n[profile u]\n"},
		{"remove a profile in the middle", "[profile a]\n\n[profile b]\nx = y\n\n[profile c]\n", remove("b"), "[profile a]\n\n[profile c]\n"},
		{"remove the first profile", "[profile a]\n\n[profile b]\n", remove("a"), "[profile b]\n"},
		{"remove the last profile", "[profile a]\r\n\r\n[profile b]\r\nx = y", remove("b"), "[profile a]\r\n"},
		{"remove the only profile", "[profile a]", remove("a"), ""},
		{"remove a profile with a bad line", "[profile a]\njunk\n[profile b]\n", remove("a"), `~/.aws/config:2: profile "a": "junk" has no =`},

		{"add a profile that is there", "[profile \"t\"]\n", add("t"), `~/.aws/config:1: profile "t": the profile is there already`},
		{"add default that is there", "[profile default]\n", add("default"), `~/.aws/config:1: profile "default": the profile is there already`},
		{"add a key twice", "", add("t", region, region), `~/.aws/config: profile "t": cannot be written: region is given twice`},
		{"set in an unknown profile", "[profile u]\n", set("t", "a", "b"), `no profile "t" in ~/.aws/config`},
		{"set a nested value", "[profile t]\ns3 =\n a = b\n", set("t", "s3", "b"), `~/.aws/config:2: profile "t": the value of s3 goes over several lines`},
		{"set in a section with a bad line", "[profile t]\njunk\n", set("t", "a", "b"), `~/.aws/config:2: profile "t": "junk" has no =`},
		{"line end in a value", "[profile t]\n", set("t", "a", "b\nrole_arn = c"), `~/.aws/config: profile "t": cannot be written: the value of a holds a line end`},
		{"NUL in a value", "[profile t]\n", set("t", "a", "b\x00"), `~/.aws/config: profile "t": cannot be written: the value of a holds a NUL byte`},
		{"comment in a value", "[profile t]\n", set("t", "a", "b #c"), `~/.aws/config: profile "t": cannot be written: a part of the value of a would be read as a comment`},
		{"comment as a value", "[profile t]\n", set("t", "a", "#c"), `~/.aws/config: profile "t": cannot be written: a part of the value of a would be read as a comment`},
		{"white space around a value", "[profile t]\n", set("t", "a", " b"), `~/.aws/config: profile "t": cannot be written: the value of a starts or ends with white space`},
		{"bad key", "[profile t]\n", set("t", "a = b", "c"), `~/.aws/config: profile "t": cannot be written: the key "a = b" is not made of letters, digits, _ - and .`},
		{"bracket in a name", "", add("a]b"), `~/.aws/config: profile "a]b": cannot be written: the name holds a bracket`},
		{"line end in a name", "", add("a\nb"), `~/.aws/config: profile "a\nb": cannot be written: the name holds the control character '\n'`},
		{"no name", "", add(""), `~/.aws/config: cannot be written: the name is empty`},
		{"long name", "", add(strings.Repeat("x", 4097)), `~/.aws/config: profile "` + strings.Repeat("x", 60) + `"... (4097 bytes): cannot be written: the name has 4097 bytes, at most 4096 are read`},
		{"remove a profile that stands twice", "[profile t]\n[profile t]\n", remove("t"), `~/.aws/config:2: profile "t": the section stands twice, first on line 1`},
		{"remove a profile that is not there", "", remove("t"), `no profile "t" in ~/.aws/config: the file is empty`},
		{"a name no reader gives back", "", add(" a "), "[profile \" a \"]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := parse(t, tt.text)
			got, err := tt.edit(s)
			if err != nil {
				got = []byte(err.Error())
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if string(s.Text()) != tt.text {
				t.Error("the set changed")
			}
		})
	}
}

// drawText makes a config as people write it: most lines are fine.
func drawText(t *rapid.T) string {
	nl := rapid.SampledFrom([]string{"\n", "\r\n", "\r"}).Draw(t, "nl")
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"", "", "\xef\xbb\xbf"}).Draw(t, "bom"))
	for i := range rapid.IntRange(0, 5).Draw(t, "sections") {
		b.WriteString(rapid.SampledFrom([]string{"", nl, "# note" + nl, " " + nl}).Draw(t, "gap"))
		b.WriteString(fmt.Sprintf(rapid.SampledFrom([]string{"[profile p%d]", "[ profile  p%d ]", "[profile 'p%d']", "[profile p%d] # c", "[other%d]", "  [profile p%d]", "[profile p%d"}).Draw(t, "header"), i) + nl)
		for range rapid.IntRange(0, 5).Draw(t, "lines") {
			b.WriteString(rapid.SampledFrom([]string{
				"region = a", "output=b # c", " x = y", "  s3 =", "  n = 1", "", "# note", "role_arn = arn:aws:iam::1:role/x",
				"empty =", "key: v", "\tq = 1", "credential_process = a ; b", "   ", "junk",
			}).Draw(t, "line") + nl)
		}
	}
	return b.String()
}

// Setting a key and setting it back, adding and removing it, adding and removing
// a profile: each gives the same bytes, and no other profile reads otherwise.
func TestEditAndUndo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := drawText(t)
		s, err := Parse(display, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		name := rapid.SampledFrom([]string{"p0", "p1", "p2", "new", "a b"}).Draw(t, "name")
		key := rapid.SampledFrom([]string{"region", "output", "new_key"}).Draw(t, "key")
		value := rapid.SampledFrom([]string{"v", "a b", "a=b", "[x]"}).Draw(t, "value")

		var next []byte
		var undo func(Set) ([]byte, error)
		if p, err := s.Profile(name); err == nil {
			next, err = s.WithSetting(name, key, value)
			// A header that is indented would become a part of the value above it.
			if err != nil && strings.Contains(text, "  [profile") {
				t.Skip("refused: " + err.Error())
			}
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			undo = func(s Set) ([]byte, error) { return s.WithoutSetting(name, key) }
			if old, ok := p.Setting(key); ok {
				undo = func(s Set) ([]byte, error) { return s.WithSetting(name, key, old.Value) }
			}
		} else if unknown := (*UnknownError)(nil); errors.As(err, &unknown) {
			next, err = s.WithProfile(name, []Setting{{Key: key, Value: value}})
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			undo = func(s Set) ([]byte, error) { return s.WithEdits([]Edit{{Name: name, Remove: true}}) }
		} else {
			return
		}
		after, err := Parse(display, next)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := after.Profile(name); err != nil || p.Value(key) != value {
			t.Fatalf("%q became %q, which reads %q, %v", text, next, p.Value(key), err)
		}
		for _, n := range s.Names() {
			if n != name && !cmp.Equal(values(s, n), values(after, n)) {
				t.Fatalf("%q became %q, and %q changed", text, next, n)
			}
		}
		back, err := undo(after)
		if err != nil || string(back) != text {
			t.Fatalf("%q became %q, and back %q, %v", text, next, back, err)
		}
	})
}

// values are a profile's settings without their lines.
func values(s Set, name string) []string {
	p, err := s.Profile(name)
	if err != nil {
		return []string{"error"}
	}
	var all []string
	for _, k := range p.Keys() {
		all = append(all, k+"="+p.Value(k))
	}
	return all
}

// The quick scan for headers must find what reading line by line finds.
func checkScan(t interface{ Fatalf(string, ...any) }, text []byte) {
	var want, got []int
	w := walker{text: text, pos: markLen(text)}
	for l, ok := w.next(); ok; l, ok = w.next() {
		if l.class == header {
			want = append(want, l.start)
		}
	}
	sc := newScanner(text)
	for start, _, ok := sc.next(); ok; start, _, ok = sc.next() {
		got = append(got, start)
	}
	if !slices.Equal(want, got) {
		t.Fatalf("%q: headers at %v, the scan finds %v", text, want, got)
	}
}

func TestScanFindsHeaders(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		checkScan(t, []byte(rapid.StringOf(rapid.SampledFrom([]rune("[[[]a= \t\n\n\r#\u00a0"))).Draw(t, "text")))
	})
}

// Looking for one name must find what reading every header finds, whatever was
// looked for before.
func checkFind(t interface{ Fatalf(string, ...any) }, text []byte) {
	for _, parse := range []func(string, []byte) (Set, error){Parse, ParseCredentials} {
		s, err := parse(display, text)
		if err != nil {
			return
		}
		all := s.heads()
		want := map[ident][]head{{profiles, "default"}: nil, {profiles, "t"}: nil, {services, "t"}: nil}
		for _, h := range all {
			want[ident{h.kind, h.name}] = nil
		}
		if len(want) > 12 {
			return // an index, which is made by reading every header
		}
		for _, h := range all {
			id := ident{h.kind, h.name}
			want[id] = append(want[id], h)
		}
		for id := range want {
			fresh, _ := parse(display, text)
			if got := fresh.find(id.kind, id.name); !slices.Equal(got, want[id]) {
				t.Fatalf("%q: %v is at %v, looked for first it is at %v", text, id, want[id], got)
			}
			if got := s.find(id.kind, id.name); !slices.Equal(got, want[id]) {
				t.Fatalf("%q: %v is at %v, looked for later it is at %v", text, id, want[id], got)
			}
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", plain, servicesText, manyText(4), "[t]\n[default]\n[profile default]\n[profile t]\n[profile \"t\"]\n[profile t\n[profile  t]\n",
		"\xef\xbb\xbf[profile t]\r\n[default]\r[profile d]\r\n\n[profile default] # and\n  [profile t]\n",
		"[profile team]\na =\n  [profile t]\n[services t]\n[profile tea]\n[sso-session t]\n[profile 't'] ; or\n[profile \\t]\n[ profile t]\n[profile\tt]\n",
	} {
		checkFind(t, []byte(text))
	}
}
