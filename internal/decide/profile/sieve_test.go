package profile

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// from reads a text as a file is read.
func from(text []byte) func([]byte, int) (int, error) {
	return func(into []byte, at int) (int, error) { return copy(into, text[min(at, len(text)):]), nil }
}

// What is kept of a file must say of a profile what the whole file says.
func checkSieve(t interface{ Fatalf(string, ...any) }, text []byte, names []string) {
	whole, err := Parse(display, text)
	if err != nil {
		return
	}
	for _, name := range names {
		for _, block := range []int{1, 7, 64, 4096} {
			s := newSieve(name, nil)
			s.block = block
			part, err := s.read(from(text))
			if errors.Is(err, errUnsieved) {
				continue
			}
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			kept, err := Parse(display, part)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if want, got := told(whole, name), told(kept, name); want != got {
				t.Fatalf("%q, read in blocks of %d: profile %q is %s, of the whole file it is %s", text, block, name, got, want)
			}
		}
	}
}

// told is all that a profile and the one that it starts from say.
func told(s Set, name string) string {
	var b strings.Builder
	for seen := 0; name != "" && seen < 4; seen++ {
		p, err := s.Profile(name)
		if err != nil {
			return b.String() + "an error"
		}
		for _, key := range p.Keys() {
			b.WriteString(key + "=" + p.Value(key) + "\n")
		}
		url, _ := p.ServiceSetting("sts", "endpoint_url")
		b.WriteString(url.Value + "\n")
		name = p.Value("source_profile")
	}
	return b.String()
}

func TestSieve(t *testing.T) {
	t.Parallel()
	chain := "a = 1\n[default]\nregion = r\n[profile t]\nsource_profile = u # so\ninclude_profile = i\n[profile other]\nx = y\n[profile i]\ninclude_profile = j\nservices = s\n" +
		"[services s]\nsts =\n  endpoint_url = https://s\n[services t]\n[profile u]\nsource_profile = v\n[profile \"j\"]\nk = l\n  [profile v]\nmfa_serial = m\n"
	for _, text := range []string{
		"", plain, servicesText, manyText(9), chain, strings.ReplaceAll(chain, "\n", "\r\n"), "\xef\xbb\xbf" + chain,
		"[profile t]\nx = " + strings.Repeat("long ", 2000) + "\n[profile u]\n[profile t]\n",
		"[profile t\n[profile u]\na =\n  [profile t]\nsource_profile = t\n[profile 't' ]\n", "[profile t]\nsource_profile =\n  u\n[profile u]\n",
	} {
		checkSieve(t, []byte(text), []string{"t", "u", "i", "default", "other", "team-3", "absent", ""})
	}
}

// A large file is read block by block, and again only where a name that nobody
// could guess is met.
func TestLoadFor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config")
	text := madeFrom + "/other\n" + manyText(5000) + "[profile base]\nmfa_serial = s\n[profile alone]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	const base = "[profile base]\nmfa_serial = s\n"
	head, _, _ := strings.Cut(text, "[profile team-0]")
	team := "[profile team-4321]\nrole_arn = arn:aws:iam::000000004321:role/admin\nsource_profile = base\n\n"
	for _, tt := range []struct{ name, want string }{
		{"team-4321", head + team + base}, {"base", head + base}, {"alone", head + "[profile alone]\n"}, {"absent", head},
	} {
		s, err := LoadFor(path, display, tt.name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, string(s.Text())); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if got := s.Origin(); got != "/other" {
			t.Errorf("made from %q", got)
		}
	}
	for want, likely := range map[int][]string{2: nil, 1: {"unused", "base"}} {
		reads := 0
		s := newSieve("team-4321", likely)
		s.block = len(text) + 1
		if _, err := s.read(func(into []byte, at int) (int, error) {
			if at == 0 {
				reads++
			}
			return from([]byte(text))(into, at)
		}); err != nil || reads != want {
			t.Errorf("with %q: read %d times, not %d (%v)", likely, reads, want, err)
		}
	}
}

// A file that is changed between two readings is told as it was in the last one.
func TestSieveReadsOneFile(t *testing.T) {
	t.Parallel()
	before := "[profile t]\nsource_profile = u\nrole_arn = old\n[profile u]\nmfa_serial = old\n"
	after := strings.ReplaceAll(before, "old", "new")
	reads := 0
	s := newSieve("t", nil)
	text, err := s.read(func(into []byte, at int) (int, error) {
		if at == 0 {
			reads++
		}
		if reads == 1 {
			return from([]byte(before))(into, at)
		}
		return from([]byte(after))(into, at)
	})
	if err != nil || string(text) != after {
		t.Errorf("%q, %v", text, err)
	}
}

// Text that no reading can end, and a chain that goes on and on, are left to who
// reads the whole.
func TestSieveGivesUp(t *testing.T) {
	t.Parallel()
	var long strings.Builder
	for i := range mostPasses + 1 {
		long.WriteString("[profile " + strings.Repeat("x", i+1) + "]\nsource_profile = " + strings.Repeat("x", i+2) + "\n")
	}
	endless := func(into []byte, _ int) (int, error) { return len(into), nil }
	for what, at := range map[string]func([]byte, int) (int, error){"a long chain": from([]byte(long.String())), "endless": endless} {
		if _, err := newSieve("x", nil).read(at); !errors.Is(err, errUnsieved) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The sum is that of the whole file, whatever of it is kept and however often it
// was read.
func TestLoadForSum(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config")
	for name, text := range map[string]string{
		"none":   "",
		"small":  plain,
		"large":  manyText(5000),
		"passes": manyText(5000) + "[profile t]\nsource_profile = u\n[profile u]\nsource_profile = team-7\n",
	} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		whole, err := Load(path, display)
		if err != nil {
			t.Fatal(err)
		}
		set, sum, err := LoadForSum(path, display, "t", nil)
		if err != nil || sum != whole.Sum() || sum != sha256.Sum256([]byte(text)) {
			t.Errorf("%s: %x, %v", name, sum, err)
		}
		if kept := len(set.Text()); name == "passes" && kept > 1000 {
			t.Errorf("%s: %d bytes are kept", name, kept)
		}
	}
}
