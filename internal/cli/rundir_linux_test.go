package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fob/internal/front"
	"fob/internal/keep/lock"
)

// A run's directory is private, and what ended processes left is cleared away
// wherever it was, but nothing else.
func TestRunDir(t *testing.T) {
	t.Parallel()
	home := front.Home{Data: filepath.Join(t.TempDir(), "data"), Runtime: t.TempDir()}
	if err := os.Chmod(home.Runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	place, other := filepath.Join(home.Runtime, "fob"), filepath.Join(home.Data, "run")
	left := []string{filepath.Join(place, runPrefix+"1-1-LEFT"), filepath.Join(other, runPrefix+"1-1-LEFT")}
	kept := []string{filepath.Join(place, runPrefix+lock.Mark()+"-OTHER"), filepath.Join(place, runPrefix+"odd"), filepath.Join(place, "seal-x")}
	for _, dir := range slices.Concat(kept, left) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	d, err := newRunDir(home)
	if err != nil {
		t.Fatal(err)
	}
	file, err := d.write("config", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{d.path: 0o700 | os.ModeDir, file: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want || filepath.Dir(d.path) != place {
			t.Errorf("%s: %v %v", path, info, err)
		}
	}
	if _, err := d.write("config", nil); err == nil {
		t.Error("a file was written over")
	}
	d.remove()
	for _, gone := range append(left, d.path) {
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
	if d, err = newRunDir(home); err != nil || filepath.Dir(d.path) != other {
		t.Errorf("%v %v", d, err)
	}
}
