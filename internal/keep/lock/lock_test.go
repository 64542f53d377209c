//go:build unix

package lock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFiftyGoroutines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, counter := filepath.Join(dir, "lock"), filepath.Join(dir, "counter")
	put(t, counter, []byte("0"), 0o600)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := countOnce(path, counter); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	wantFile(t, counter, []byte("50"), 0o600)
}

func TestProcessesExclude(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, counter := filepath.Join(dir, "lock"), filepath.Join(dir, "counter")
	put(t, counter, []byte("0"), 0o600)
	var wg sync.WaitGroup
	for range 5 {
		c := roleCommand(t, nil, "count", path, counter)
		wg.Go(func() {
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	wantFile(t, counter, []byte("100"), 0o600)
	wantFile(t, path, fmt.Appendf(nil, beatForm, 0, 0, 0), 0o600)
}

// A holder that is killed without a chance to clean up makes way at once.
func TestKilledHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	best := time.Hour
	for range 5 { // a busy machine can delay one run, not five
		c := holder(t, path)
		freed := make(chan time.Time)
		go func() {
			l, err := Acquire(t.Context(), path, Options{Now: time.Now, After: 150 * time.Millisecond, Notice: func(h Holder) {
				if h.PID != c.Process.Pid {
					t.Errorf("waits for %v, want %d", h, c.Process.Pid)
				}
				_ = c.Process.Kill()
				freed <- time.Now()
			}})
			if err != nil {
				t.Error(err)
			} else {
				_ = l.Release()
			}
			freed <- time.Now()
		}()
		killed := <-freed
		best = min(best, (<-freed).Sub(killed))
		if best < 100*time.Millisecond {
			return
		}
	}
	t.Errorf("the waiter went on %v after the kill, want under 100ms", best)
}

// A stopped holder keeps the lock. Waiters say whom they wait for and give up.
func TestStoppedHolder(t *testing.T) {
	if testing.Short() {
		t.Skip("waits ten seconds of real time")
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	c := holder(t, path)
	if err := c.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	noticed := 0
	begin := time.Now()
	_, err := Acquire(t.Context(), path, Options{Now: time.Now, Wait: time.Minute, Notice: func(h Holder) { noticed = h.PID }})
	stuck := (*StuckError)(nil)
	if !errors.As(err, &stuck) || stuck.Holder.PID != c.Process.Pid || stuck.Holder.Started == 0 {
		t.Fatalf("got %v, want StuckError naming %d", err, c.Process.Pid)
	}
	if !strings.Contains(err.Error(), strconv.Itoa(c.Process.Pid)) {
		t.Errorf("%q does not name process %d", err, c.Process.Pid)
	}
	if noticed != c.Process.Pid {
		t.Errorf("noticed %d, want %d", noticed, c.Process.Pid)
	}
	if took := time.Since(begin); took < 8*time.Second || took > 15*time.Second {
		t.Errorf("took %v, want about ten seconds", took)
	}
}

// flocked holds the lock at path without a heartbeat other than text.
func flocked(t *testing.T, path, text string) *os.File {
	t.Helper()
	f, err := openLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := tryLock(f); !ok {
		t.Fatal("not locked", err)
	}
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		beat  func(now time.Time) string // of a holder that does not beat again
		clock bool
		wait  time.Duration
		want  error
		least time.Duration
		most  time.Duration
	}{
		{name: "busy: the wait is shorter than the silence that makes a holder stuck",
			beat: beatAt(0), clock: true, wait: 5 * time.Second, want: &BusyError{}, least: 5 * time.Second, most: 5 * time.Second},
		{name: "stuck: silent for ten seconds of ours",
			beat: beatAt(0), clock: true, wait: time.Minute, want: &StuckError{}, least: 10 * time.Second, most: 11 * time.Second},
		{name: "stuck: an old heartbeat needs only the time for one more beat",
			beat: beatAt(-time.Hour), clock: true, wait: time.Minute, want: &StuckError{}, least: 3 * time.Second, most: 4 * time.Second},
		{name: "stuck: a heartbeat from the future, the clock was set back",
			beat: beatAt(24 * time.Hour), clock: true, wait: time.Minute, want: &StuckError{}, least: 10 * time.Second, most: 11 * time.Second},
		{name: "stuck: no clock",
			beat: beatAt(-time.Hour), wait: time.Minute, want: &StuckError{}, least: 10 * time.Second, most: 11 * time.Second},
		{name: "stuck: a lock file that is no heartbeat",
			beat: func(time.Time) string { return "hello" }, clock: true, wait: time.Minute, want: &StuckError{}, least: 10 * time.Second, most: 11 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "lock")
				f := flocked(t, path, tt.beat(time.Now()))
				defer f.Close()
				o := Options{Wait: tt.wait}
				if tt.clock {
					o.Now = time.Now
				}
				begin := time.Now()
				_, err := Acquire(t.Context(), path, o)
				if fmt.Sprintf("%T", err) != fmt.Sprintf("%T", tt.want) {
					t.Errorf("got %T %v, want %T", err, err, tt.want)
				}
				if took := time.Since(begin); took < tt.least || took > tt.most {
					t.Errorf("took %v, want %v to %v", took, tt.least, tt.most)
				}
			})
		})
	}
}

func beatAt(off time.Duration) func(time.Time) string {
	return func(now time.Time) string { return fmt.Sprintf(beatForm, 4242, 7, now.Add(off).UnixNano()) }
}

// A holder that lives is waited for as long as the caller likes, whatever the
// clocks of the two say.
func TestLiveHolderIsNeverStuck(t *testing.T) {
	t.Parallel()
	epoch := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, off := range []time.Duration{-240 * time.Hour, 0, 240 * time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "lock")
				held, err := Acquire(t.Context(), path, Options{Now: func() time.Time { return epoch }})
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					time.Sleep(4 * time.Minute) // synctest's clock: the holder is at work
					_ = held.Release()
				}()
				l, err := Acquire(t.Context(), path, Options{Wait: 5 * time.Minute, Now: func() time.Time { return epoch.Add(off) }})
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(l.Release(), l.Release()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestInterruptedWait(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	flocked(t, path, "")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Acquire(ctx, path, Options{After: time.Millisecond, Notice: func(Holder) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if _, err := Acquire(ctx, filepath.Join(t.TempDir(), "free"), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("free lock: got %v, want %v", err, context.Canceled)
	}
}

// Somebody removes or replaces the lock file while it is held: the holder can
// find out, and the next one locks what is there now.
func TestReplacedLockFile(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(path string) error{
		"removed":  os.Remove,
		"replaced": func(path string) error { return WriteFile(path, nil, WriteOptions{}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "lock")
			first, err := Acquire(t.Context(), path, Options{Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			defer first.Release()
			if err := first.Check(); err != nil {
				t.Errorf("untouched: %v", err)
			}
			if err := replace(path); err != nil {
				t.Fatal(err)
			}
			if unsafe := (*UnsafeError)(nil); !errors.As(first.Check(), &unsafe) {
				t.Error("the holder was not told")
			}
			second, err := Acquire(t.Context(), path, Options{Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(second.Check(), second.Release()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusedLockFiles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		make func(t *testing.T, path string)
	}{
		{"symbolic link", func(t *testing.T, path string) {
			victim := filepath.Join(filepath.Dir(path), "victim")
			put(t, victim, []byte("keep"), 0o644)
			must(t, os.Symlink(victim, path))
			t.Cleanup(func() { wantFile(t, victim, []byte("keep"), 0o644) })
		}},
		{"dangling link", func(t *testing.T, path string) { must(t, os.Symlink("nowhere", path)) }},
		{"directory", func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) }},
		{"fifo", func(t *testing.T, path string) { must(t, syscall.Mkfifo(path, 0o600)) }},
		{"hard link", func(t *testing.T, path string) {
			put(t, path+"2", nil, 0o600)
			must(t, os.Link(path+"2", path))
		}},
		{"foreign owner", func(t *testing.T, path string) {
			needRoot(t)
			put(t, path, nil, 0o600)
			must(t, os.Chown(path, 12345, 12345))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "lock")
			tt.make(t, path)
			_, err := Acquire(t.Context(), path, Options{})
			if unsafe := (*UnsafeError)(nil); !errors.As(err, &unsafe) {
				t.Errorf("got %v, want UnsafeError", err)
			}
		})
	}
}

// A child that is started while the lock is held gets nothing of it, and does
// not keep it.
func TestChildHoldsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "lock")
	l, err := Acquire(t.Context(), path, Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "ls -l /proc/$$/fd").CombinedOutput()
	if err != nil {
		t.Skipf("no /proc or no sh: %v", err)
	}
	if strings.Contains(string(out), dir) {
		t.Errorf("the child has our descriptors:\n%s", out)
	}
	sleeper := exec.CommandContext(t.Context(), "sleep", "60")
	must(t, sleeper.Start())
	defer func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() }()
	must(t, l.Release())
	again, err := Acquire(t.Context(), path, Options{Wait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	must(t, again.Release())
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	beat := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	good := fmt.Sprintf(beatForm, 123, 456, beat.UnixNano())
	tests := []struct {
		name, text string
		want       Holder
	}{
		{"whole", good, Holder{PID: 123, Started: 456, Beat: beat}},
		{"empty", "", Holder{}},
		{"free", fmt.Sprintf(beatForm, 0, 0, 0), Holder{}},
		{"cut", good[:20], Holder{}},
		{"longer", good + "x", Holder{}},
		{"text", strings.Repeat("x ", beatSize/2), Holder{}},
		{"negative", fmt.Sprintf("%010d %020d %020d\n", -5, 1, 1), Holder{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, parseBeat(tt.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if len(good) != beatSize {
		t.Errorf("a heartbeat has %d bytes, want %d", len(good), beatSize)
	}
}

func FuzzParseBeat(f *testing.F) {
	f.Add(fmt.Sprintf(beatForm, 1, 2, 3))
	f.Fuzz(func(t *testing.T, text string) {
		if h := parseBeat(text); h.PID < 0 || (h.PID == 0 && h != Holder{}) {
			t.Errorf("%q gives %#v", text, h)
		}
	})
}

func TestCommand(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"/home/ann/.aws/config": "chmod 600 /home/ann/.aws/config",
		"/home/a b/it's":        `chmod 600 '/home/a b/it'\''s'`,
		"":                      "chmod 600 ''",
		"/x;rm -rf $HOME":       "chmod 600 '/x;rm -rf $HOME'",
	}
	for path, want := range tests {
		if got := command("chmod", "600", path); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Whoever moves the directory of a lock away makes no waiting run fail.
func TestAcquireIn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "locks")
	held, err := AcquireIn(t.Context(), dir, "lock", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Release() }()
	move := func(Holder) {
		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Error(err)
		}
	}
	waited, err := AcquireIn(t.Context(), dir, "lock", Options{After: time.Millisecond, Wait: time.Minute, Notice: move})
	if err != nil {
		t.Fatal(err)
	}
	if err := waited.Release(); err != nil {
		t.Error(err)
	}
	put(t, filepath.Join(dir, "file"), nil, 0o600)
	unsafe := (*UnsafeError)(nil)
	if _, err := AcquireIn(t.Context(), filepath.Join(dir, "file"), "lock", Options{}); !errors.As(err, &unsafe) {
		t.Errorf("a directory that is a file: %v", err)
	}
}
