//go:build unix

package lock

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roleVar makes the test program play a role instead of testing: a process
// that can be killed, stopped and traced.
const roleVar = "FOB_LOCK_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		runtime.LockOSThread() // the tracer counts system calls per thread
		os.Exit(play(role, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// The statuses of a role.
const (
	roleDone       = 0
	roleFailed     = 3
	roleNotDurable = 4
)

func play(role string, args []string) int {
	var err error
	switch role {
	case "hold":
		err = playHold(args[0])
	case "count":
		err = playCount(args[0], args[1])
	case "acquire":
		err = playAcquire(args[0])
	case "write":
		err = WriteFile(args[0], newContent(), WriteOptions{Verify: wantNew, Previous: "prev"})
	case "naive":
		err = naiveWrite(args[0])
	case "umask":
		err = playUmask(args[0], args[1])
	case "limit":
		err = playLimit(args[0])
	default:
		err = errors.New("no such role")
	}
	if err == nil {
		return roleDone
	}
	fmt.Fprintln(os.Stderr, err)
	if d := (*NotDurableError)(nil); errors.As(err, &d) {
		return roleNotDurable
	}
	return roleFailed
}

func playHold(path string) error {
	l, err := Acquire(context.Background(), path, Options{Now: time.Now})
	if err != nil {
		return err
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent closes it, or kills us
	return l.Release()
}

// playCount adds one to a number in a file twenty times, reading and writing
// apart, so that only the lock keeps the sum right.
func playCount(path, counter string) error {
	for range 20 {
		if err := countOnce(path, counter); err != nil {
			return err
		}
	}
	return nil
}

func countOnce(path, counter string) error {
	l, err := Acquire(context.Background(), path, Options{Now: time.Now, Wait: time.Minute})
	if err != nil {
		return err
	}
	text, err := ReadFile(counter, 100)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(text))
	if err != nil {
		return err
	}
	if err := WriteFile(counter, []byte(strconv.Itoa(n+1)), WriteOptions{NoDirSync: true}); err != nil {
		return err
	}
	return l.Release()
}

func playAcquire(path string) error {
	l, err := Acquire(context.Background(), path, Options{Now: time.Now, Wait: 200 * time.Millisecond})
	if err != nil {
		return err
	}
	return l.Release()
}

func playUmask(mask, dir string) error {
	m, err := strconv.ParseUint(mask, 8, 32)
	if err != nil {
		return err
	}
	syscall.Umask(int(m))
	if err := MakeDir(filepath.Join(dir, "a", "b")); err != nil {
		return err
	}
	if err := WriteFile(filepath.Join(dir, "a", "b", "file"), nil, WriteOptions{}); err != nil {
		return err
	}
	l, err := Acquire(context.Background(), filepath.Join(dir, "a", "b", "lock"), Options{})
	if err != nil {
		return err
	}
	return l.Release()
}

// playLimit makes the system write less than it was asked to.
func playLimit(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 12288, Max: 12288}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	return WriteFile(path, newContent(), WriteOptions{})
}

// naiveWrite is what WriteFile must not be; the crash tests have to notice it.
func naiveWrite(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(newContent()); err != nil {
		return err
	}
	return f.Close()
}

func oldContent() []byte { return bytes.Repeat([]byte("old line of the vault\n"), 300) }
func newContent() []byte { return bytes.Repeat([]byte("the new line, which is longer\n"), 700) }

func wantNew(path string) error {
	got, err := ReadFile(path, 1<<20)
	if err == nil && !bytes.Equal(got, newContent()) {
		return errors.New("what was written is not what was meant")
	}
	return err
}

// roleCommand is a process that plays a role, behind a tracer if one is given.
func roleCommand(t *testing.T, tracer []string, role string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := append(append(append([]string{}, tracer...), self), args...)
	c := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	c.Env = append(os.Environ(), roleVar+"="+role, "GOMAXPROCS=1")
	return c
}

// holder starts a process that holds the lock at path.
func holder(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	c := roleCommand(t, nil, "hold", path)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); strings.TrimSpace(line) != "held" {
		t.Fatalf("holder said %q: %v", line, err)
	}
	return c
}

// put writes a fixture.
func put(t *testing.T, path string, data []byte, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// wantFile compares a file's bytes and mode.
func wantFile(t *testing.T, path string, data []byte, mode os.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, data) {
		t.Errorf("%s holds %d bytes %.40q, want %d bytes %.40q", path, len(got), got, len(data), data)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != mode {
		t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), mode)
	}
}

// names lists a directory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to make another user's file")
	}
}
