package sealkey

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
)

// files gives a Rest of the two file places only.
func files(t *testing.T, runtimeDir, shared string) *Rest {
	t.Helper()
	o := Options{DataDir: t.TempDir(), RuntimeDir: runtimeDir, UID: os.Geteuid(), Now: time.Now, Boot: sinceBoot, AnyDisk: true}
	seal, _ := placesIn(o, shared)
	return &Rest{o: o, seal: seal[2:]}
}

func mkdir(t *testing.T, mode os.FileMode) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "d")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, mode)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFilePlaces(t *testing.T) {
	t.Parallel()
	link := func(t *testing.T) string {
		path := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(mkdir(t, 0o700), path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := func(t *testing.T) string {
		dir := mkdir(t, 0o700)
		if os.Geteuid() != 0 || os.Chown(dir, 12345, 12345) != nil {
			t.Skip("needs root to make another user's directory")
		}
		return dir
	}
	taken := func(t *testing.T) string { // somebody made our directory first
		dir := mkdir(t, 0o777)
		ours := filepath.Join(dir, "fob-"+uid())
		if err := errors.Join(os.Mkdir(ours, 0o700), os.Chmod(ours, 0o755)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	occupied := func(t *testing.T) string { // another user made it first
		dir := mkdir(t, os.ModeSticky|0o777)
		ours := filepath.Join(dir, "fob-"+uid())
		if err := os.Mkdir(ours, 0o700); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() != 0 || os.Chown(ours, 12345, 12345) != nil {
			t.Skip("needs root to make another user's directory")
		}
		return dir
	}
	planted := func(t *testing.T) string { // another user's link to a directory of ours
		dir := mkdir(t, os.ModeSticky|0o777)
		ours := filepath.Join(dir, "fob-"+uid())
		if err := os.Symlink(mkdir(t, 0o700), ours); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() != 0 || os.Lchown(ours, 12345, 12345) != nil {
			t.Skip("needs root to make another user's link")
		}
		return dir
	}
	private := func(t *testing.T) string { return mkdir(t, 0o700) }
	shared := func(t *testing.T) string { return mkdir(t, os.ModeSticky|0o777) }
	open := func(t *testing.T) string { return mkdir(t, 0o755) }
	none := func(*testing.T) string { return "" }
	absent := func(*testing.T) string { return "/nonexistent/fob" }
	tests := []struct {
		name            string
		runtime, shared func(*testing.T) string
		want            string // "runtime", "shared", or what the error says
	}{
		{"runtime directory", private, shared, "runtime"},
		{"no runtime directory", none, shared, "shared"},
		{"runtime directory absent", absent, shared, "shared"},
		{"runtime directory open to others", open, shared, "shared"},
		{"runtime directory is a link", link, shared, "shared"},
		{"runtime directory of somebody else", foreign, shared, "shared"},
		{"nothing there", none, absent, "/nonexistent/fob does not exist"},
		{"shared memory: our directory is open to others", none, taken, "other users may use it"},
		{"shared memory: our directory is another user's", none, occupied, "it belongs to user 12345"},
		{"shared memory: our directory is another user's link", none, planted, "it is a symbolic link"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			runtimeDir, shared := tt.runtime(t), tt.shared(t)
			want := map[string]string{
				"runtime": "file in " + filepath.Join(runtimeDir, "fob"),
				"shared":  "file in " + filepath.Join(shared, "fob-"+uid()),
			}[tt.want]
			r := files(t, runtimeDir, shared)
			place, err := r.Save(cred.NewSecret(canary))
			if want == "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, ErrNone) {
					t.Errorf("got %q, %v; want an error with %q", place, err, tt.want)
				}
				return
			}
			if err != nil || place != want {
				t.Fatalf("got %q, %v; want %q", place, err, want)
			}
			wantRest(t, r, strings.TrimPrefix(want, "file in "))
		})
	}
}

// wantRest checks a saved key: who may read it, that it loads and shows, and
// that nothing of it stays.
func wantRest(t *testing.T, r *Rest, dir string) {
	t.Helper()
	path := filepath.Join(dir, "seal-"+homeHash(r.o.DataDir))
	modes := []os.FileMode{}
	for _, p := range []string{dir, path} {
		info, err := os.Lstat(p)
		if err != nil {
			t.Fatal(err)
		}
		modes = append(modes, info.Mode())
	}
	if diff := cmp.Diff([]os.FileMode{os.ModeDir | 0o700, 0o600}, modes); diff != "" {
		t.Error(diff)
	}
	if got, err := r.Load(); err != nil || got.Reveal() != canary {
		t.Errorf("not loaded: %v", err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := r.Forget(); err != nil {
		t.Error(err)
	}
	if left, err := io.ReadAll(f); err != nil || strings.Trim(string(left), "\x00") != "" {
		t.Errorf("the forgotten file still holds %d bytes, %v", len(left), err)
	}
	if _, err := r.Load(); !errors.Is(err, ErrNone) {
		t.Errorf("loaded after it was forgotten: %v", err)
	}
	for _, p := range r.Places() {
		if p.Holds != "" {
			t.Errorf("%+v", p)
		}
	}
}

// A file of another run of the machine, or a damaged one, is none.
func TestForeignFile(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func([]byte) []byte{
		"another boot": func(b []byte) []byte { b[0] ^= 1; return b },
		"magic":        func(b []byte) []byte { b[8] ^= 1; return b },
		"empty":        func([]byte) []byte { return nil },
		"cut":          func(b []byte) []byte { return b[:20] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := mkdir(t, 0o700)
			r := files(t, dir, "/nonexistent/fob")
			if _, err := r.Save(cred.NewSecret(canary)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "fob", "seal-"+homeHash(r.o.DataDir))
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, change(data), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Load(); !errors.Is(err, ErrNone) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Two homes share neither keys nor the knowledge of each other.
func TestTwoHomes(t *testing.T) {
	t.Parallel()
	dir := mkdir(t, 0o700)
	one, two := files(t, dir, "/nonexistent/fob"), files(t, dir, "/nonexistent/fob")
	if _, err := one.Save(cred.NewSecret(canary)); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Load(); !errors.Is(err, ErrNone) {
		t.Errorf("the other home's key was found: %v", err)
	}
	if err := two.Forget(); err != nil {
		t.Error(err)
	}
	if _, err := one.Load(); err != nil {
		t.Errorf("the other home's key was forgotten: %v", err)
	}
}
