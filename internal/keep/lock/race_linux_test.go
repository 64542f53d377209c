package lock

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/cryptotest"

	"golang.org/x/sys/unix"
)

// racer swaps a directory and a link of another user, which leads outside, for
// as long as the test runs, and counts.
type racer struct {
	dir, outside string
	swaps        atomic.Int64
}

func newRacer(t *testing.T) *racer {
	t.Helper()
	needRoot(t)
	top, err := os.MkdirTemp("/dev/shm", "fob-race") // where flushing costs nothing
	if err != nil {
		top = t.TempDir()
	}
	r := &racer{dir: filepath.Join(top, "dir"), outside: filepath.Join(top, "outside")}
	link := filepath.Join(top, "link")
	must(t, os.Mkdir(r.dir, 0o700))
	must(t, os.Mkdir(r.outside, 0o700))
	must(t, os.Symlink(r.outside, link))
	must(t, os.Lchown(link, 12345, 12345))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				if unix.Renameat2(unix.AT_FDCWD, r.dir, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE) == nil {
					r.swaps.Add(1)
				}
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
		_ = os.RemoveAll(top)
	})
	return r
}

// tries lets something be written often while the directory is swapped, and
// says how often it went outside and how often it went well.
func (r *racer) tries(t *testing.T, n int, write func(dir string) error) (escapes, done int) {
	t.Helper()
	before := r.swaps.Load()
	for range n {
		if write(r.dir) == nil {
			done++
		}
		for _, name := range names(t, r.outside) {
			escapes++
			must(t, os.RemoveAll(filepath.Join(r.outside, name)))
		}
	}
	t.Logf("%d escapes, %d went well, %d swaps", escapes, done, r.swaps.Load()-before)
	if swaps := r.swaps.Load() - before; swaps < int64(n)/10 {
		t.Errorf("%d swaps in %d tries: nothing was proved", swaps, n)
	}
	return escapes, done
}

// Between the look at a directory and its opening, another user puts a link in
// its place: nothing of ours goes where it leads.
func TestRacedDirectory(t *testing.T) {
	t.Parallel()
	const often = 10_000
	for name, write := range map[string]func(dir string) error{
		"file": func(dir string) error {
			return WriteFile(filepath.Join(dir, "f"), []byte("secret"), WriteOptions{NoDirSync: true})
		},
		"lock": func(dir string) error {
			f, err := openLock(filepath.Join(dir, "lock"))
			if err == nil {
				err = f.Close()
			}
			return err
		},
		"directory": func(dir string) error { return errors.Join(MakeDir(dir), Clean(dir)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRacer(t)
			escapes, done := r.tries(t, often, write)
			if escapes > 0 || done == 0 {
				t.Errorf("%d of %d went outside, %d went well", escapes, often, done)
			}
		})
	}
	// The same race must catch one who looks first and then goes by the name.
	t.Run("naive", func(t *testing.T) {
		t.Parallel()
		escapes, _ := newRacer(t).tries(t, often, func(dir string) error {
			if err := CheckDir(dir); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "f"), []byte("secret"), 0o600)
		})
		if escapes == 0 {
			t.Error("a writer that goes by the name went unnoticed")
		}
	})
}

// Somebody who knew the name of the next temporary file plants a link there: it
// is not followed, and the file gets another name. Not parallel: the chance is
// the whole program's.
func TestPlantedTemp(t *testing.T) {
	for _, target := range []string{"victim", "absent"} {
		t.Run(target, func(t *testing.T) {
			dir := t.TempDir()
			victim := filepath.Join(dir, "victim")
			put(t, victim, []byte("keep"), 0o600)
			cryptotest.SetGlobalRandom(t, 1)
			planted, next := tempName("f"), tempName("f")
			cryptotest.SetGlobalRandom(t, 1) // the same names once more
			must(t, os.Symlink(target, filepath.Join(dir, planted)))
			root, err := os.OpenRoot(dir)
			must(t, err)
			defer root.Close()
			s, err := stage(root, "f", []byte("new"), 0o600)
			must(t, err)
			defer s.end()
			if s.name != next {
				t.Errorf("%s was made, want %s after %s", s.name, next, planted)
			}
			wantFile(t, victim, []byte("keep"), 0o600)
			if _, err := os.Lstat(filepath.Join(dir, "absent")); err == nil {
				t.Error("what the link leads to was made")
			}
		})
	}
}
