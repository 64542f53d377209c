//go:build unix

package profile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string, mode fs.FileMode) {
		t.Helper()
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(at(name), mode); err != nil { // whatever the umask says
			t.Fatal(err)
		}
	}
	write("plain", plain, 0o644)
	write("empty", "", 0o600)
	write("open", plain, 0o666)
	write("wide", "\xff\xfe[\x00", 0o600)
	write("large", strings.Repeat("#\n", maxText/2+1), 0o600)
	write("many", manyText(5000), 0o600)
	for _, err := range []error{
		os.Mkdir(at("directory"), 0o700),
		syscall.Mkfifo(at("fifo"), 0o600),
		os.Symlink(at("plain"), at("link")),
		os.Symlink("nowhere", at("dangling")),
		os.Symlink("circle", at("circle")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		file string
		want string // the number of profiles and the warnings, or the error
	}{
		{"plain", "1 profiles"},
		{"link", "1 profiles"},
		{"empty", "0 profiles"},
		{"many", "5001 profiles"},
		{"absent", "0 profiles"},
		{"dangling", `0 profiles ~/.aws/config: the link leads to "nowhere", which is not there`},
		{"circle", "~/.aws/config: cannot be read: too many levels of symbolic links"},
		{"plain/below", "~/.aws/config: cannot be read: not a directory"},
		{"directory", "~/.aws/config: is a directory, not a file"},
		{"fifo", "~/.aws/config: is no regular file"},
		{"open", "~/.aws/config: every user of this machine can write the file, and so put commands into it"},
		{"wide", "~/.aws/config: the file is in UTF-16"},
		{"large", "~/.aws/config: the file is larger than 8 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			s, err := Load(at(tt.file), display)
			got := ""
			if own := (*Error)(nil); errors.As(err, &own) {
				got = own.Error()
			} else if err == nil {
				got = strings.TrimSpace(strconv.Itoa(len(s.Names())) + " profiles " + strings.Join(s.Warnings(), ", "))
				if s.Path() != at(tt.file) || s.Display() != display {
					t.Errorf("path %q, display %q", s.Path(), s.Display())
				}
			}
			if got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
	if s, err := Load(os.DevNull, display); err != nil || len(s.Names()) != 0 {
		t.Errorf("the null device: %v", err)
	}
	s, err := Load(at("absent"), display)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Profile("t"); err == nil || err.Error() != `no profile "t" in ~/.aws/config: there is no such file` {
		t.Errorf("got %v", err)
	}
	if text, err := s.WithProfile("t", nil); err != nil || string(text) != "[profile t]\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// Nothing of an earlier reading is kept, so that an edit counts which no clock
// and no size tells of: in place, as long, and with the times it had before.
func TestLoadReadsEachTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config")
	when := time.Unix(1_700_000_000, 123_456_789)
	for _, region := range []string{"us-east-1", "eu-west-1", "us-east-1"} {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteString(manyText(3000) + "[profile t]\nregion = " + region + "\n")
		if err := errors.Join(err, f.Close(), os.Chtimes(path, when, when)); err != nil {
			t.Fatal(err)
		}
		for what, load := range map[string]func() (Set, error){
			"whole":    func() (Set, error) { return Load(path, display) },
			"for name": func() (Set, error) { return LoadFor(path, display, "t", nil) },
		} {
			s, err := load()
			if err != nil {
				t.Fatal(err)
			}
			if p, err := s.Profile("t"); err != nil || p.Value("region") != region {
				t.Errorf("%s: %q, %v, want %q", what, p.Value("region"), err, region)
			}
		}
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		facts fileFacts
		me    int
		want  []string // what to do; nil: accepted
	}{
		{"mine", fileFacts{mode: 0o600, owner: 7}, 7, nil},
		{"root's", fileFacts{mode: 0o644, owner: 0}, 7, nil},
		{"another's", fileFacts{mode: 0o644, owner: 8}, 7, []string{`look at it, then make it yours: sudo chown "$(id -u)" '/a b/it'\''s'`}},
		{"another's, as root", fileFacts{mode: 0o644, owner: 8}, 0, nil},
		{"world-writable", fileFacts{mode: 0o602, owner: 7}, 7, []string{`look at it, then: chmod o-w '/a b/it'\''s'`}},
		{"world-writable, as root", fileFacts{mode: 0o602, owner: 0}, 0, []string{`look at it, then: chmod o-w '/a b/it'\''s'`}},
		{"group-writable", fileFacts{mode: 0o660, owner: 7}, 7, nil}, // a warning
		{"no owners", fileFacts{mode: 0o666, owner: -1}, 0, nil},
	}
	for _, tt := range tests {
		var got []string
		if e := (*Error)(nil); errors.As(tt.facts.refusal("/a b/it's", display, tt.me), &e) {
			got = e.Next
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}

func TestGroupWrites(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		facts fileFacts
		want  bool
	}{
		"a group of others": {fileFacts{mode: 0o664, owner: 7, group: 20}, true},
		"root's group":      {fileFacts{mode: 0o664, owner: 7, group: 0}, true},
		"my own group":      {fileFacts{mode: 0o664, owner: 7, group: 7}, false},
		"not writable":      {fileFacts{mode: 0o644, owner: 7, group: 20}, false},
		"no owners":         {fileFacts{mode: 0o666, owner: -1}, false},
	} {
		if got := tt.facts.groupWrites(); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(plain), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to a group of others")
	}
	if err := errors.Join(os.Chown(path, -1, 12345), os.Chmod(path, 0o664)); err != nil {
		t.Fatal(err)
	}
	s, err := Load(path, display)
	want := []string{"~/.aws/config: a group of users can write the file, and so put commands into it; unless you are alone in it: chmod g-w " + path}
	if diff := cmp.Diff(want, s.Warnings()); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// Who can write the directory, or owns a link, decides what the file is.
func TestWayToTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, mode := range map[string]fs.FileMode{"open": 0o777, "sticky": 0o777 | fs.ModeSticky, "group": 0o775, "mine": 0o700} {
		if err := errors.Join(os.Mkdir(at(name), 0o700), os.WriteFile(at(name+"/config"), []byte(plain), 0o600)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(
			os.Symlink("../open/config", at(name+"/to-open")),
			os.Symlink(at("mine/config"), at(name+"/to-mine")),
			os.Symlink("to-open", at(name+"/twice")),
			os.Chmod(at(name), mode),
		); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]string{ // file to the directory that must be mended
		"mine/config": "", "group/config": "", "sticky/config": "", "sticky/to-mine": "", "mine/to-mine": "",
		"open/config": "open", "open/to-mine": "open", "mine/to-open": "open", "mine/twice": "open",
	}
	for file, mend := range tests {
		_, err := Load(at(file), display)
		if mend == "" {
			if err != nil {
				t.Errorf("%s: %v", file, err)
			}
			continue
		}
		e := (*Error)(nil)
		if !errors.As(err, &e) || len(e.Next) != 1 || !strings.HasPrefix(e.Next[0], "look at it, then: chmod o-w ") || !strings.HasSuffix(e.Next[0], "/"+mend) {
			t.Errorf("%s: %#v", file, err)
		}
	}
	if err := checkWay(at("mine/to-mine"), display, os.Geteuid()+1); os.Geteuid() != 0 && err == nil {
		t.Error("a link of another user is followed")
	}
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Lchown(at("mine/to-mine"), 12345, -1); err != nil {
		t.Fatal(err)
	}
	if err := checkWay(at("mine/to-mine"), display, 12346); err == nil {
		t.Error("a link of another user is followed")
	}
	if err := checkWay(at("mine/to-mine"), display, 12345); err != nil {
		t.Errorf("a link of one's own: %v", err)
	}
}
