package profile

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plain is a profile that no bad line below may take away.
const plain = "[profile plain]\nregion = us-east-1\nendpoint_url = http://127.0.0.1:1\n"

var plainWant = []string{"endpoint_url=http://127.0.0.1:1 @3", "region=us-east-1 @2"}

// TestBadInput holds config files as people, editors and attackers leave them.
// For each: what asking for a profile gives, that profile plain still works
// where it is in the file, and that a warning names the bad line.
func TestBadInput(t *testing.T) {
	t.Parallel()
	all256 := make([]byte, 256)
	for i := range all256 {
		all256[i] = byte(i)
	}
	rest := "role_arn = R\nsource_profile = plain\n"
	longName := strings.Repeat("n", 64<<10)
	tests := []struct {
		name, text, ask string
		want            []string // one error, or settings
		warning         string   // "": none; otherwise the only or first one
	}{
		{name: "empty file", text: "", ask: "t", want: []string{`error: no profile "t" in ~/.aws/config: the file is empty`}},
		{
			name: "binary junk", text: strings.Repeat(string(all256), 20), ask: "t",
			want:    []string{`error: no profile "t" in ~/.aws/config: the setting on line 1 stands before any section`},
			warning: "~/.aws/config:1: a setting before any section",
		},
		{
			name: "NUL bytes", text: plain + "[profile t]\nregion = us\x00east\n", ask: "t",
			want:    []string{`error: ~/.aws/config:5: profile "t": the line holds a NUL byte`},
			warning: `~/.aws/config:5: profile "t": the line holds a NUL byte`,
		},
		{name: "byte order mark", text: "\xef\xbb\xbf" + plain, ask: "plain", want: plainWant},
		{name: "CRLF", text: strings.ReplaceAll(plain, "\n", "\r\n"), ask: "plain", want: plainWant},
		{name: "CR only", text: strings.ReplaceAll(plain, "\n", "\r"), ask: "plain", want: plainWant},
		{
			name: "unclosed section", text: plain + "[profile t\nregion = x\n", ask: "t",
			want:    []string{`error: ~/.aws/config:4: profile "t": the section header has no closing ]`},
			warning: `~/.aws/config:4: profile "t": the section header has no closing ]`,
		},
		{
			name: "key without value", text: plain + "[profile t]\nmfa_serial\n", ask: "t",
			want:    []string{`error: ~/.aws/config:5: profile "t": "mfa_serial" has no =`},
			warning: `~/.aws/config:5: profile "t": "mfa_serial" has no =`,
		},
		{
			name: "text without =", text: plain + "[profile t]\nthis is no setting\n", ask: "t",
			want:    []string{`error: ~/.aws/config:5: profile "t": "this is no setting" has no =`},
			warning: `~/.aws/config:5: profile "t": "this is no setting" has no =`,
		},
		{
			name: "no section header", text: "# note\nregion = us-east-1\n", ask: "t",
			want:    []string{`error: no profile "t" in ~/.aws/config: the setting on line 2 stands before any section`},
			warning: "~/.aws/config:2: a setting before any section",
		},
		{
			name: "duplicate section", text: plain + "[profile t]\nrole_arn = R\n[profile \"t\"]\nregion = x\n", ask: "t",
			want:    []string{`error: ~/.aws/config:6: profile "t": the section stands twice, first on line 4`},
			warning: `~/.aws/config:6: profile "t": the section stands twice, first on line 4`,
		},
		{
			name: "duplicate key", text: plain + "[profile t]\nregion = a\nRegion = b\n" + rest, ask: "t",
			want:    []string{`error: ~/.aws/config:6: profile "t": "region" stands twice, first on line 5`},
			warning: `~/.aws/config:6: profile "t": "region" stands twice, first on line 5`,
		},
		{name: "spaces in section", text: plain + "[  profile   t  ]\nregion = x\n", ask: "t", want: []string{"region=x @5"}},
		{name: "tab in section", text: plain + "[profile\tt]\nregion = x\n", ask: "t", want: []string{"region=x @5"}},
		{name: "quoted section", text: plain + "[profile \"t\"]\nregion = x\n", ask: "t", want: []string{"region=x @5"}},
		{
			name: "include cycle", text: plain + "[profile t]\ninclude_profile = t2\n[profile t2]\ninclude_profile = t\n", ask: "t",
			want: []string{`error: ~/.aws/config:7: profile "t2": include_profile goes round in a circle: "t" (on line 5) -> "t2" (on line 7) -> "t"`},
		},
		{
			name: "include cycle that does not come back to t", text: "[profile t]\ninclude_profile = a\n[profile a]\ninclude_profile = a\n", ask: "t",
			want: []string{`error: ~/.aws/config:4: profile "a": include_profile goes round in a circle: "a" (on line 4) -> "a"`},
		},
		{name: "value of 1 MiB", text: plain + "[profile t]\nexternal_id = " + strings.Repeat("x", 1<<20) + "\n", ask: "t", want: []string{"external_id=" + strings.Repeat("x", 1<<20) + " @5"}},
		{
			name: "name of 64 KiB", text: plain + "[profile " + longName + "]\nregion = x\n", ask: longName,
			want:    []string{`error: ~/.aws/config:4: profile "` + longName[:60] + `"... (65536 bytes): the name has 65536 bytes, at most 4096 are read`},
			warning: `~/.aws/config:4: profile "` + longName[:60] + `"... (65536 bytes): the name has 65536 bytes, at most 4096 are read`,
		},
		{
			name: "interpolation", text: plain + "[profile t]\nx = %(y)s\ny = %(x)s\nregion = %(x)s\n", ask: "t",
			want: []string{"region=%(x)s @7", "x=%(y)s @5", "y=%(x)s @6"},
		},
		{name: "profile absent", text: plain, ask: "plian", want: []string{`error: no profile "plian" in ~/.aws/config`}},
		{name: "section without profile", text: plain + "[t]\nregion = x\n", ask: "t", want: []string{`error: no profile "t" in ~/.aws/config: the section on line 4 must be called [profile NAME]`}},
		{name: "path in the name", text: plain + "[profile ../../x]\nregion = x\n", ask: "../../x", want: []string{"region=x @5"}},
		{name: "newline in the name", text: plain, ask: "a\nb", want: []string{`error: no profile "a\nb" in ~/.aws/config`}},
		{
			name: "escape sequence in the name", text: plain + "[profile a\x1b[2J]\nregion = x\n", ask: "a\x1b[2J",
			want:    []string{`error: ~/.aws/config:4: profile "a\x1b[2J": the name holds the control character '\x1b'`},
			warning: `~/.aws/config:4: profile "a\x1b[2J": the name holds the control character '\x1b'`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := parse(t, tt.text)
			if diff := cmp.Diff(tt.want, effective(s.Profile(tt.ask))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if s.Has("plain") {
				if diff := cmp.Diff(plainWant, effective(s.Profile("plain"))); diff != "" {
					t.Errorf("plain (-want +got):\n%s", diff)
				}
			}
			var want []string
			if tt.warning != "" {
				want = []string{tt.warning}
			}
			if diff := cmp.Diff(want, s.Warnings()); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	wide := func(mark string, big bool) string {
		var b strings.Builder
		b.WriteString(mark)
		for _, c := range []byte(plain) {
			if big {
				b.Write([]byte{0, c})
			} else {
				b.Write([]byte{c, 0})
			}
		}
		return b.String()
	}
	for name, tt := range map[string]struct{ text, want string }{
		"UTF-16 little":     {wide("\xff\xfe", false), "~/.aws/config: the file is in UTF-16"},
		"UTF-16 big":        {wide("\xfe\xff", true), "~/.aws/config: the file is in UTF-16"},
		"UTF-16, no mark":   {wide("", false), "~/.aws/config: the file is in UTF-16"},
		"UTF-16BE, no mark": {wide("", true), "~/.aws/config: the file is in UTF-16"},
		"UTF-32":            {"\xff\xfe\x00\x00[\x00\x00\x00", "~/.aws/config: the file is in UTF-32"},
		"9 MiB":             {strings.Repeat("x", 9<<20), "~/.aws/config: the file is larger than 8 MiB"},
	} {
		if _, err := Parse(display, []byte(tt.text)); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	s := parse(t, "stray = 1\n[default]\nregion = a\n[profile default]\nregion = b\n[u\n[other]\njunk\n")
	want := []string{
		"~/.aws/config:1: a setting before any section",
		`~/.aws/config:4: profile "default": there are [default] and [profile default]; the first is ignored, as the SDKs do (the other is on line 2)`,
		"~/.aws/config:6: the section header has no closing ]",
	}
	if diff := cmp.Diff(want, s.Warnings()); diff != "" {
		t.Error(diff)
	}
	many := parse(t, "[profile t]\n"+strings.Repeat("junk\n", 1000)).Warnings()
	if len(many) != maxWarnings+1 || !strings.HasSuffix(many[maxWarnings], "mistakes more") {
		t.Errorf("%d warnings, the last: %s", len(many), many[len(many)-1])
	}
}

// Texts that make a careless reader slow: each takes a careful one well under
// the five seconds that a test of this package may take.
func TestHostileTextsAreQuick(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"CR lines":               strings.Repeat("a=b\r", 2<<20),
		"indented brackets":      "[profile t]\na =\n" + strings.Repeat("  [b\n", 1<<20),
		"brackets in one line":   "[profile t" + strings.Repeat("] ", 3<<20),
		"open brackets":          strings.Repeat(" [", 4<<20),
		"white space":            "[profile t]\n" + strings.Repeat(" ", 7<<20) + "[",
		"continuation lines":     "[profile t]\nx =\n" + strings.Repeat(" a=b\n", 1<<20),
		"one section many times": strings.Repeat("[profile t]\n", 600<<10),
		"one key many times":     "[profile t]\n" + strings.Repeat("a=b\n", 1<<20),
		"blank lines in a value": "[profile t]\nx =\n" + strings.Repeat("\n", 6<<20) + " a = b\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := parse(t, text)
			_, _ = s.Profile("t")
			_, _ = s.Profile("unknown")
			s.Names()
			s.Warnings()
		})
	}
	t.Run("include chain", func(t *testing.T) {
		t.Parallel()
		var b strings.Builder
		for i := range 10000 {
			b.WriteString("[profile p" + strconv.Itoa(i) + "]\ninclude_profile = p" + strconv.Itoa(i+1) + "\n")
		}
		_, err := parse(t, b.String()).Profile("p0")
		want := `~/.aws/config:202: profile "p0": include_profile goes on for more than 100 profiles`
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}
