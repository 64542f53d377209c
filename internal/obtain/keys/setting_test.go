package keys

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"fob/internal/decide/profile"
	"fob/internal/fault"

	"github.com/google/go-cmp/cmp"
)

// A person's file keeps its mode, its link, its line ends and every other byte.
func TestWriteSetting(t *testing.T) {
	t.Parallel()
	const serial = "arn:aws:iam::123456789012:mfa/ann"
	for _, tt := range []struct{ name, before, after, err string }{
		{name: "added", before: "# mine\r\n[profile a]\r\nregion=x ; why\r\n\r\n[profile b]\r\n", after: "# mine\r\n[profile a]\r\nregion=x ; why\r\nmfa_serial = " + serial + "\r\n\r\n[profile b]\r\n"},
		{name: "replaced", before: "[profile a]\nmfa_serial=old # phone\n", after: "[profile a]\nmfa_serial=" + serial + " # phone\n"},
		{name: "no last line end", before: "[profile a]", after: "[profile a]\nmfa_serial = " + serial + "\n"},
		{name: "changed meanwhile", before: "[profile a]\n", after: "[profile a]\n# by hand\n", err: "1 cannot set mfa_serial of profile \"a\" in "},
		{name: "broken", before: "[profile a]\n[profile a]\n", after: "[profile a]\n[profile a]\n", err: "1 cannot set mfa_serial"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file, link := filepath.Join(dir, "real"), filepath.Join(dir, "config")
			must(t, os.WriteFile(file, []byte(tt.before), 0o644), os.Symlink("real", link))
			set, err := profile.Load(link, link)
			must(t, err)
			if tt.name == "changed meanwhile" {
				must(t, os.WriteFile(file, []byte(tt.after), 0o644))
			}
			err = WriteSetting(set, "a", "mfa_serial", serial)
			got := ""
			if err != nil {
				got = strconv.Itoa(int(fault.CodeOf(err))) + " " + err.Error()
			}
			if (err != nil) != (tt.err != "") || !strings.HasPrefix(got, tt.err) {
				t.Errorf("got %s, want %s", got, tt.err)
			}
			text, err := os.ReadFile(file)
			must(t, err)
			info, err := os.Stat(file)
			must(t, err)
			if diff := cmp.Diff(tt.after, string(text)); diff != "" || info.Mode().Perm() != 0o644 {
				t.Errorf("mode %v, -want +got:\n%s", info.Mode(), diff)
			}
			if to, err := os.Readlink(link); err != nil || to != "real" {
				t.Errorf("the link leads to %q, %v", to, err)
			}
		})
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
