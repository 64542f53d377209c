package cli

import (
	"os"
	"path/filepath"
	"testing"

	"fob/internal/front"
	"fob/internal/keep/lock"
)

// A directory for a child is private, and what ended processes left is cleared
// away, but nothing else.
func TestChildDir(t *testing.T) {
	t.Parallel()
	home := front.Home{Data: filepath.Join(t.TempDir(), "data"), Runtime: t.TempDir()}
	if err := os.Chmod(home.Runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(home.Runtime, childPrefix+"1-1-LEFT")
	kept := []string{filepath.Join(home.Runtime, childPrefix+lock.Mark()+"-OTHER"), filepath.Join(home.Runtime, childPrefix+"odd"), filepath.Join(home.Runtime, "other")}
	for _, dir := range append(kept, left) {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	d, err := System{}.childDir(home)
	if err != nil {
		t.Fatal(err)
	}
	file, err := d.write("config", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{d.path: 0o700 | os.ModeDir, file: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want || filepath.Dir(d.path) != home.Runtime {
			t.Errorf("%s: %v %v", path, info, err)
		}
	}
	if _, err := d.write("config", nil); err == nil {
		t.Error("a file was written over")
	}
	d.remove()
	for _, gone := range []string{d.path, left} {
		if _, err := os.Lstat(gone); err == nil {
			t.Errorf("%s is still there", gone)
		}
	}
	for _, dir := range kept {
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
	}
	// One that others may enter is not used.
	if err := os.Chmod(home.Runtime, 0o755); err != nil {
		t.Fatal(err)
	}
	if d, err = (System{}).childDir(home); err != nil || filepath.Dir(d.path) != home.Data {
		t.Errorf("%v %v", d, err)
	}
}
