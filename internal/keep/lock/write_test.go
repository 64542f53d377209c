//go:build unix

package lock

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWriteFile(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	tests := []struct {
		name  string
		old   string // "" is an absent file
		mode  fs.FileMode
		o     WriteOptions
		want  map[string]string // afterwards
		perm  fs.FileMode
		err   error
		typed any
	}{
		{name: "new", want: map[string]string{"f": "new"}, perm: 0o600},
		{name: "replaced", old: "old", mode: 0o600, want: map[string]string{"f": "new"}, perm: 0o600},
		{name: "mode", old: "old", mode: 0o600, o: WriteOptions{Mode: 0o400}, want: map[string]string{"f": "new"}, perm: 0o400},
		{name: "the person's own file keeps its mode", old: "old", mode: 0o644, o: WriteOptions{FollowLink: true}, want: map[string]string{"f": "new"}, perm: 0o644},
		{name: "previous", old: "old", mode: 0o600, o: WriteOptions{Previous: "f.prev"}, want: map[string]string{"f": "new", "f.prev": "old"}, perm: 0o600},
		{name: "previous of nothing", o: WriteOptions{Previous: "f.prev"}, want: map[string]string{"f": "new"}, perm: 0o600},
		{name: "verify refuses", old: "old", mode: 0o600, o: WriteOptions{Previous: "f.prev", Verify: func(string) error { return boom }}, want: map[string]string{"f": "old"}, perm: 0o600, err: boom},
		{name: "compare holds", old: "old", mode: 0o600, o: WriteOptions{Compare: true, Expect: []byte("old")}, want: map[string]string{"f": "new"}, perm: 0o600},
		{name: "compare holds for nothing", o: WriteOptions{Compare: true}, want: map[string]string{"f": "new"}, perm: 0o600},
		{name: "compare refuses", old: "edited", mode: 0o600, o: WriteOptions{Compare: true, Expect: []byte("old"), Previous: "f.prev"}, want: map[string]string{"f": "edited"}, perm: 0o600, typed: new(*ChangedError)},
		{name: "compare refuses a removed file", o: WriteOptions{Compare: true, Expect: []byte("old")}, want: map[string]string{}, typed: new(*ChangedError)},
		{name: "create", o: WriteOptions{Create: true}, want: map[string]string{"f": "new"}, perm: 0o600},
		{name: "create refuses", old: "old", mode: 0o600, o: WriteOptions{Create: true}, want: map[string]string{"f": "old"}, perm: 0o600, err: fs.ErrExist},
		{name: "open to others", old: "old", mode: 0o640, want: map[string]string{"f": "old"}, perm: 0o640, typed: new(*UnsafeError)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			if tt.old != "" {
				put(t, path, []byte(tt.old), tt.mode)
			}
			err := WriteFile(path, []byte("new"), tt.o)
			if tt.typed != nil && !errors.As(err, tt.typed) || tt.typed == nil && !errors.Is(err, tt.err) {
				t.Errorf("got error %v, want %v %T", err, tt.err, tt.typed)
			}
			got := map[string]string{}
			for _, name := range names(t, dir) {
				text, err := os.ReadFile(filepath.Join(dir, name))
				must(t, err)
				got[name] = string(text)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if text, ok := tt.want["f"]; ok {
				wantFile(t, path, []byte(text), tt.perm)
			}
		})
	}
}

func TestVerifyReadsTheNewFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	err := WriteFile(path, newContent(), WriteOptions{Verify: func(temp string) error {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file is there before it is verified: %v", err)
		}
		return wantNew(temp)
	}})
	must(t, err)
	wantFile(t, path, newContent(), 0o600)
}

func TestFollowLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dotfiles := filepath.Join(dir, "dotfiles")
	must(t, os.Mkdir(dotfiles, 0o755))
	real, link, chain := filepath.Join(dotfiles, "config"), filepath.Join(dir, "config"), filepath.Join(dir, "chain")
	put(t, real, []byte("old"), 0o640)
	must(t, os.Symlink(filepath.Join("dotfiles", "config"), link))
	must(t, os.Symlink("config", chain))

	if unsafe := (*UnsafeError)(nil); !errors.As(WriteFile(link, []byte("new"), WriteOptions{}), &unsafe) {
		t.Error("a link was written through without being asked to")
	}
	wantFile(t, real, []byte("old"), 0o640)

	must(t, WriteFile(chain, []byte("new"), WriteOptions{FollowLink: true, Previous: "config.bak", Compare: true, Expect: []byte("old")}))
	wantFile(t, real, []byte("new"), 0o640)
	if to, err := os.Readlink(link); err != nil || to != filepath.Join("dotfiles", "config") {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if diff := cmp.Diff([]string{"config", "config.bak"}, names(t, dotfiles)); diff != "" {
		t.Error(diff)
	}

	dangling := filepath.Join(dir, "dangling")
	must(t, os.Symlink("nowhere", dangling))
	if unsafe := (*UnsafeError)(nil); !errors.As(WriteFile(dangling, nil, WriteOptions{FollowLink: true}), &unsafe) {
		t.Error("a dangling link was written through")
	}
	if slices.Contains(names(t, dir), "nowhere") {
		t.Error("the link's target was made")
	}
}

func TestForeignLink(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := t.TempDir()
	put(t, filepath.Join(dir, "real"), []byte("old"), 0o600)
	link := filepath.Join(dir, "link")
	must(t, os.Symlink("real", link))
	must(t, os.Lchown(link, 12345, 12345))
	if unsafe := (*UnsafeError)(nil); !errors.As(WriteFile(link, nil, WriteOptions{FollowLink: true}), &unsafe) {
		t.Error("somebody else's link was followed")
	}
	wantFile(t, filepath.Join(dir, "real"), []byte("old"), 0o600)
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, size := range []int{0, 1, 511, 512, 513, 1 << 20} {
		path := filepath.Join(dir, fmt.Sprint(size))
		data := bytes.Repeat([]byte("x"), size)
		put(t, path, data, 0o600)
		got, err := ReadFile(path, int64(size))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
		if unsafe := (*UnsafeError)(nil); size > 0 && !func() bool { _, err := ReadFile(path, int64(size-1)); return errors.As(err, &unsafe) }() {
			t.Errorf("%d bytes are not too large for %d", size, size-1)
		}
	}
	if _, err := ReadFile(filepath.Join(dir, "absent"), 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

// A reader during a thousand writes sees one of the two contents, whole. The same
// reader sees torn ones of a writer in place; otherwise it would see nothing.
func TestNoTornReads(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		write func(path string, data []byte) error
		torn  bool
	}{
		"ours":     {write: func(path string, data []byte) error { return WriteFile(path, data, WriteOptions{NoDirSync: true}) }},
		"in place": {write: func(path string, data []byte) error { return os.WriteFile(path, data, 0o600) }, torn: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reads, torn := tornReads(t, tt.write)
			if (torn > 0) != tt.torn {
				t.Errorf("%d of %d reads were torn", torn, reads)
			}
		})
	}
}

// tornReads reads while another goroutine writes a thousand times.
func tornReads(t *testing.T, write func(path string, data []byte) error) (reads, torn int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	put(t, path, oldContent(), 0o600)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 1000 {
			data := oldContent()
			if i%2 == 0 {
				data = newContent()
			}
			if err := write(path, data); err != nil {
				t.Error(err)
			}
		}
	}()
	for {
		select {
		case <-done:
			return reads, torn
		default:
		}
		got, err := ReadFile(path, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if reads++; !bytes.Equal(got, oldContent()) && !bytes.Equal(got, newContent()) {
			torn++
		}
	}
}

// Writers without a common lock do not remove each other's files, and of many
// that create one wins.
func TestFiftyWriters(t *testing.T) {
	t.Parallel()
	for _, create := range []bool{false, true} {
		t.Run(fmt.Sprintf("create=%v", create), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			var wg sync.WaitGroup
			var mu sync.Mutex
			won := []string{}
			for i := range 50 {
				wg.Go(func() {
					text := fmt.Sprintf("writer %d", i)
					err := WriteFile(path, []byte(text), WriteOptions{Create: create, NoDirSync: true})
					if create && errors.Is(err, fs.ErrExist) {
						return
					}
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					won = append(won, text)
				})
			}
			wg.Wait()
			got, err := ReadFile(path, 100)
			must(t, err)
			if !slices.Contains(won, string(got)) {
				t.Errorf("%q was written by no winner", got)
			}
			if create && len(won) != 1 {
				t.Errorf("%d writers created the file", len(won))
			}
			if diff := cmp.Diff([]string{"f"}, names(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLeftovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mine, other := ".f.0123456789abcdef.tmp", ".g.0123456789abcdef.tmp"
	alike := []string{".f.tmp", ".f.0123456789abcdeX.tmp", "f.0123456789abcdef.tmp", ".f.0123.tmp", ".f.x.0123456789abcdef.tmp"}
	for _, name := range append([]string{mine, other}, alike...) {
		put(t, filepath.Join(dir, name), []byte("left"), 0o600)
	}
	link := ".f.fedcba9876543210.tmp"
	victim := filepath.Join(t.TempDir(), "victim")
	put(t, victim, []byte("keep"), 0o600)
	must(t, os.Symlink(victim, filepath.Join(dir, link)))
	busy := ".f.00000000deadbeef.tmp"
	put(t, filepath.Join(dir, busy), []byte("busy"), 0o600)
	f, err := os.Open(filepath.Join(dir, busy))
	must(t, err)
	defer f.Close()
	release, held := hold(f)
	if !held {
		t.Fatal("not held")
	}

	must(t, WriteFile(filepath.Join(dir, "f"), []byte("new"), WriteOptions{}))
	want := append([]string{"f", other, busy}, alike...)
	slices.Sort(want)
	if diff := cmp.Diff(want, names(t, dir)); diff != "" {
		t.Error(diff)
	}
	wantFile(t, victim, []byte("keep"), 0o600)

	release()
	must(t, f.Close())
	must(t, Clean(dir))
	want = []string{"f", ".f.tmp", ".f.0123456789abcdeX.tmp", "f.0123456789abcdef.tmp", ".f.0123.tmp"}
	slices.Sort(want)
	if diff := cmp.Diff(want, names(t, dir)); diff != "" {
		t.Error(diff)
	}
	must(t, Clean(filepath.Join(dir, "absent")))
}

// What Clean would remove is named without being touched; what is new, or held, may
// belong to a writer.
func TestAbandoned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const left, fresh, busy, other = ".f.0000000000000001.tmp", ".f.0000000000000002.tmp", ".f.0000000000000003.tmp", ".g.0000000000000004.tmp"
	now := time.Now()
	for _, name := range []string{left, fresh, busy, other, "f"} {
		put(t, filepath.Join(dir, name), nil, 0o600)
		if name != fresh {
			must(t, os.Chtimes(filepath.Join(dir, name), now, now.Add(-time.Hour)))
		}
	}
	f, err := os.Open(filepath.Join(dir, busy))
	must(t, err)
	defer f.Close()
	release, held := hold(f)
	if !held {
		t.Fatal("not held")
	}
	defer release()
	before := names(t, dir)
	if diff := cmp.Diff([]string{left}, Abandoned(dir, now.Add(-time.Minute), "f")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{left, other}, Abandoned(dir, now.Add(-time.Minute))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, names(t, dir)); diff != "" {
		t.Error(diff)
	}
	if got := Abandoned(filepath.Join(dir, "absent"), now); got != nil {
		t.Errorf("%q in a folder that is not there", got)
	}
}

// What is written under a new name each time is cleaned up with the file that
// it counts as.
func TestLeftoversOfANewName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := WriteOptions{Create: true, CountAs: "f"}
	seen := ""
	o.Verify = func(path string) error { seen = tempFor(filepath.Base(path)); return nil }
	must(t, WriteFile(filepath.Join(dir, "f.1"), []byte("one"), o))
	if seen != "f" {
		t.Errorf("the temporary file was for %q", seen)
	}
	left := func() { put(t, filepath.Join(dir, ".f.0123456789abcdef.tmp"), []byte("left"), 0o600) }
	for name, write := range map[string]func() error{
		"f.2":  func() error { return WriteFile(filepath.Join(dir, "f.2"), []byte("two"), o) },
		"f":    func() error { return WriteFile(filepath.Join(dir, "f"), []byte("f"), WriteOptions{}) },
		"none": func() error { return Clean(dir, "g", "f") },
	} {
		left()
		must(t, write())
		for _, there := range names(t, dir) {
			if tempFor(there) != "" {
				t.Errorf("%s: %s outlived the write", name, there)
			}
		}
	}
	left()
	must(t, Clean(dir, "g"))
	if !slices.Contains(names(t, dir), ".f.0123456789abcdef.tmp") {
		t.Error("what was left for another file is gone")
	}
}

// A directory that is swapped for a link while files are written never lets a
// write out of the directory that was opened.
func TestSwappedDirectory(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir, away, outside := filepath.Join(top, "dir"), filepath.Join(top, "away"), filepath.Join(top, "outside")
	must(t, os.Mkdir(dir, 0o700))
	must(t, os.Mkdir(outside, 0o700))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.Rename(dir, away)
			_ = os.Symlink(outside, dir)
			_ = os.Remove(dir)
			_ = os.Rename(away, dir)
		}
	})
	for range 2000 {
		if err := CheckDir(dir); err != nil {
			continue
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			continue
		}
		if info, err := root.Stat("."); err == nil {
			if out, err := os.Stat(outside); err == nil && os.SameFile(info, out) {
				_ = root.Close() // swapped between the check and the opening
				continue
			}
		}
		if s, err := stage(root, "f", []byte("secret"), 0o600); err == nil {
			_ = s.rename("f", false)
			s.end()
		}
		_ = root.Close()
	}
	close(stop)
	wg.Wait()
	if got := names(t, outside); len(got) > 0 {
		t.Errorf("written outside: %v", got)
	}
}
