package lock

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// These tests kill a writer, or fail its system calls, at every point in turn.
// The tracer counts calls; the sweep ends with the first run that had fewer.

func needTracer(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("needs strace")
	}
	out, err := exec.CommandContext(t.Context(), "strace", "-qq", "-e", "trace=none", "true").CombinedOutput()
	if err != nil {
		t.Skipf("strace may not trace here: %v: %s", err, out)
	}
}

// injected runs a role under the tracer. It says how the role ended and
// whether the fault was put in; a fault that was not is no proof of anything.
type injected struct {
	hit    bool
	killed bool
	status int
	log    string
	output string
}

func inject(t *testing.T, call, fault, role string, args ...string) injected {
	t.Helper()
	log := filepath.Join(t.TempDir(), "strace")
	tracer := []string{"strace", "-f", "-qq", "-o", log, "-e", "trace=fsync,flock,renameat,renameat2,unlinkat," + call, "-e", "inject=" + call + ":" + fault}
	c := roleCommand(t, tracer, role, args...)
	out, err := c.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	text, err := os.ReadFile(log)
	must(t, err)
	ws, _ := c.ProcessState.Sys().(syscall.WaitStatus)
	r := injected{killed: ws.Signaled() && ws.Signal() == syscall.SIGKILL, status: ws.ExitStatus(), log: string(text), output: string(out)}
	r.hit = r.killed || strings.Contains(r.log, "(INJECTED)")
	return r
}

// oldFile is a directory with a file to be replaced.
func oldFile(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	must(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "f")
	put(t, path, oldContent(), 0o600)
	return path
}

// aftermath is what a reader and the next writer find.
func aftermath(path string) error {
	data, err := ReadFile(path, 1<<20)
	if err != nil {
		return err
	}
	if !bytes.Equal(data, oldContent()) && !bytes.Equal(data, newContent()) {
		return fmt.Errorf("the file holds %d bytes that are neither the old nor the new ones", len(data))
	}
	prev, err := os.ReadFile(filepath.Join(filepath.Dir(path), "prev"))
	if err == nil && !bytes.Equal(prev, oldContent()) {
		return fmt.Errorf("the previous file holds %d other bytes", len(prev))
	}
	if err != nil && bytes.Equal(data, newContent()) {
		return errors.New("the new file is there and the previous one is not")
	}
	return nil
}

// sweep kills a writer at the first, second, ... call of a kind and gives what
// the aftermaths complain of, and the number of kills.
func sweep(t *testing.T, role, call string, check func(path string) error) (kills int, complaints []error) {
	t.Helper()
	for n := 1; ; n++ {
		path := oldFile(t)
		r := inject(t, call, fmt.Sprintf("signal=KILL:when=%d", n), role, path)
		if err := check(path); err != nil {
			complaints = append(complaints, fmt.Errorf("%s %d: %w", call, n, err))
		}
		if !r.killed {
			if r.status != roleDone {
				t.Fatalf("%s %d: the run without a kill ended with %d: %s", call, n, r.status, r.output)
			}
			return kills, complaints
		}
		kills++
		if err := afterNextWrite(path); err != nil {
			complaints = append(complaints, fmt.Errorf("%s %d: %w", call, n, err))
		}
	}
}

// afterNextWrite checks that at most one temporary file was left, and that the
// next writer removes it.
func afterNextWrite(path string) error {
	dir := filepath.Dir(path)
	temps := func() (n int) {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if tempFor(e.Name()) != "" {
				n++
			}
		}
		return n
	}
	if n := temps(); n > 2 { // one for the file, one for the previous one
		return fmt.Errorf("%d temporary files were left", n)
	}
	if err := WriteFile(path, newContent(), WriteOptions{Previous: "prev"}); err != nil {
		return err
	}
	if n := temps(); n > 0 {
		return fmt.Errorf("%d temporary files outlived the next write", n)
	}
	return nil
}

func TestKilledWriter(t *testing.T) {
	t.Parallel()
	needTracer(t)
	least := map[string]int{"openat": 4, "write": 2, "fsync": 3, "renameat": 2, "close": 3, "fchmod": 2}
	for call, want := range least {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			kills, complaints := sweep(t, "write", call, aftermath)
			for _, err := range complaints {
				t.Error(err)
			}
			if kills < want {
				t.Errorf("%d kills at %s, want at least %d: nothing was proved", kills, call, want)
			}
		})
	}
}

// The same sweep must complain of a writer that overwrites in place; otherwise
// it would complain of nothing.
func TestKilledNaiveWriter(t *testing.T) {
	t.Parallel()
	needTracer(t)
	oldOrNew := func(path string) error {
		data, err := os.ReadFile(path)
		if err == nil && !bytes.Equal(data, oldContent()) && !bytes.Equal(data, newContent()) {
			err = fmt.Errorf("%d bytes are neither the old nor the new ones", len(data))
		}
		return err
	}
	if _, complaints := sweep(t, "naive", "write", oldOrNew); len(complaints) == 0 {
		t.Error("a writer in place went unnoticed")
	}
}

func TestFailingCalls(t *testing.T) {
	t.Parallel()
	needTracer(t)
	calls := map[string][]string{
		"write":    {"ENOSPC", "EDQUOT", "EIO"},
		"renameat": {"EXDEV", "EACCES", "EBUSY", "ENOSPC"},
		"fsync":    {"EIO", "ENOSPC"},
		"close":    {"EIO"},
		"fchmod":   {"EPERM"},
	}
	for call, faults := range calls {
		for _, fault := range faults {
			t.Run(call+" "+fault, func(t *testing.T) {
				t.Parallel()
				for n := 1; failOnce(t, call, fault, n); n++ {
				}
			})
		}
	}
}

// failOnce fails the n-th call and says whether there was one.
func failOnce(t *testing.T, call, fault string, n int) bool {
	t.Helper()
	path := oldFile(t)
	r := inject(t, call, fmt.Sprintf("error=%s:when=%d", fault, n), "write", path)
	data, err := os.ReadFile(path)
	must(t, err)
	want := oldContent()
	if r.status == roleDone || r.status == roleNotDurable {
		want = newContent()
	}
	if !bytes.Equal(data, want) {
		t.Errorf("%s %s %d: status %d and the wrong content: %s", call, fault, n, r.status, r.output)
	}
	for _, name := range names(t, filepath.Dir(path)) {
		if tempFor(name) != "" {
			t.Errorf("%s %s %d: %s was left", call, fault, n, name)
		}
	}
	if call == "fsync" && r.hit {
		wantFsync(t, n, r)
	}
	return r.hit
}

// wantFsync checks the order of flushes: the new file, the previous one, the
// directory. None is tried again.
func wantFsync(t *testing.T, n int, r injected) {
	t.Helper()
	got := []int{strings.Count(r.log, "fsync("), r.status}
	want := []int{n, roleFailed}
	if n == 3 {
		want[1] = roleNotDurable
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flush %d: flushes and status differ: %s\n%s", n, diff, r.log)
	}
}

func TestFailingLock(t *testing.T) {
	t.Parallel()
	needTracer(t)
	tests := []struct {
		fault  string
		status int
		text   string
	}{
		{"error=ENOLCK", roleFailed, "move the data directory to a local disk"},
		{"error=EOPNOTSUPP", roleFailed, "move the data directory to a local disk"},
		{"error=EINTR:when=1", roleDone, ""},
		{"error=EINTR:when=2", roleDone, ""}, // when it is given back
		{"error=EINTR", roleFailed, "is held by"},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "lock")
			r := inject(t, "flock", tt.fault, "acquire", path)
			if !r.hit || r.status != tt.status || !strings.Contains(r.output, tt.text) {
				t.Errorf("hit %v, status %d, output %q", r.hit, r.status, r.output)
			}
			if tt.status == roleFailed {
				wantFile(t, path, nil, 0o600)
			}
		})
	}
}

// A system that writes less than it was asked to is not taken for one that
// wrote everything.
func TestShortWrite(t *testing.T) {
	t.Parallel()
	path := oldFile(t)
	out, err := roleCommand(t, nil, "limit", path).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "file too large") {
		t.Errorf("got %v: %s", err, out)
	}
	wantFile(t, path, oldContent(), 0o600)
	if diff := cmp.Diff([]string{"f"}, names(t, filepath.Dir(path))); diff != "" {
		t.Error(diff)
	}
}

// Full file systems, of blocks and of names.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]string{"blocks": "size=16k", "names": "nr_inodes=2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := syscall.Mount("fob-test", dir, "tmpfs", 0, option+",mode=0700"); err != nil {
				t.Skipf("needs the right to mount: %v", err)
			}
			t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
			path := filepath.Join(dir, "f")
			put(t, path, []byte("old"), 0o600)
			if err := WriteFile(path, newContent(), WriteOptions{}); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("got %v, want %v", err, syscall.ENOSPC)
			}
			wantFile(t, path, []byte("old"), 0o600)
			if diff := cmp.Diff([]string{"f"}, names(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
