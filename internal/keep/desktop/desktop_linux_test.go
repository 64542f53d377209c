package desktop

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const listenVar = "FOB_DESKTOP_TEST_LISTEN"

// TestMain makes the test program a bus of somebody else's, which takes
// connections and says nothing.
func TestMain(m *testing.M) {
	path := os.Getenv(listenVar)
	if path == "" {
		os.Exit(m.Run())
	}
	l, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o777)
	}
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString("ready\n")
	for {
		if _, err := l.Accept(); err != nil {
			return
		}
	}
}

// A bus that another user listens on is no desktop of ours. The rest of the
// package is tested by its users, unlock and takeover.
func TestBusOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("root is missing: the test is two other users")
	}
	for _, c := range []struct {
		name string
		uid  uint32
		want string
	}{
		{"another user's", 65534, "the D-Bus session belongs to another user"},
		{"root's", 0, "the D-Bus session cannot be reached: it does not answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp("/tmp", "fob-bus-") // the name of a socket is short
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			self := filepath.Join(dir, "bus.test")
			if err := exec.CommandContext(t.Context(), "cp", os.Args[0], self).Run(); err != nil {
				t.Fatal(err)
			}
			socket := filepath.Join(dir, "bus")
			cmd := exec.CommandContext(t.Context(), self)
			cmd.Env = []string{listenVar + "=" + socket}
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.uid, Gid: c.uid}}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cmd.Wait() })
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			if _, err := out.Read(make([]byte, 8)); err != nil {
				t.Fatal(err)
			}
			lookup := func(name string) (string, bool) {
				return map[string]string{"DBUS_SESSION_BUS_ADDRESS": "unix:path=" + socket}[name], true
			}
			_, err = Connect(context.Background(), lookup, Limits{Call: 200 * time.Millisecond})
			if absent := AbsentError(""); !errors.As(err, &absent) || err.Error() != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
