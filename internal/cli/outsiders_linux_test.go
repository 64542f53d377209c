package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// outsider tries what another program may try, as a user, and gives what worked.
func outsider(t *testing.T, user uint32, pid int) (worked []string) {
	t.Helper()
	as := func(argv ...string) (string, error) {
		c := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
		c.Dir, c.Env = "/", []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
		out, err := c.CombinedOutput()
		return string(out), err
	}
	for _, file := range []string{"environ", "mem", "maps", "auxv", "stack", "syscall"} {
		if _, err := as("/bin/sh", "-c", fmt.Sprintf("exec 3</proc/%d/%s && head -c1 <&3 >/dev/null || test %s = mem", pid, file, file)); err == nil {
			worked = append(worked, file)
		}
	}
	for _, dir := range []string{"fd", "map_files"} {
		if out, err := as("ls", fmt.Sprintf("/proc/%d/%s/", pid, dir)); err == nil && out != "" {
			worked = append(worked, dir)
		}
	}
	out, _ := as("gdb", "-nx", "-batch", "-p", strconv.Itoa(pid), "-ex", "print getpid()", "-ex", "detach")
	switch {
	case strings.Contains(out, "ptrace: Operation not permitted"):
	case strings.Contains(out, "detached"):
		worked = append(worked, "gdb")
	default:
		t.Errorf("gdb says neither that it may nor that it may not: %s", out)
	}
	return worked
}

// TestOutsiders: another program of the same user, and one of another user, can
// neither read nor trace either executable, whether it asks or holds a session.
// The command that gets the session belongs to its user again, and to no other:
// that one must be readable, or nothing was tried.
func TestOutsiders(t *testing.T) {
	t.Parallel()
	needRoot(t, "to be two other users")
	needTools(t, "gdb")
	for _, tc := range []struct {
		name   string
		play   func(*vault) *seat
		theirs bool // its user may look
	}{
		{"fob-core asks for the passphrase", func(v *vault) *seat {
			delete(v.env, "FOB_PASSPHRASE")
			s := v.sit(nil, "fob", "unlock")
			s.asked("Passphrase of the store: ")
			return s
		}, false},
		{"fob-core asks for a code", func(v *vault) *seat {
			s := v.sit(nil, "fob", "exec", "dev", "--", "true")
			s.asked("MFA code for")
			return s
		}, false},
		{"fob-core gives a session", func(v *vault) *seat { return v.stuck("fob", "export", "dev", "-t", v.code()) }, false},
		{"fob gives a session", func(v *vault) *seat {
			v.run(v.passphrase, "fob export --check dev -t "+v.code())
			return v.stuck("fob", "export", "dev")
		}, false},
		{"command of fob-core", func(v *vault) *seat {
			s := v.sit(nil, "fob", "exec", "dev", "-t", v.code(), "--", "sh", "-c", "echo here; read x")
			s.asked("here")
			return s
		}, true},
		{"command of fob", func(v *vault) *seat {
			v.run(v.passphrase, "fob export --check dev -t "+v.code())
			s := v.sit(nil, "fob", "exec", "dev", "--", "sh", "-c", "echo here; read x")
			s.asked("here")
			return s
		}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := newVault(t, true)
			s := tc.play(v)
			if worked := outsider(t, strangerID, s.pid()); len(worked) > 0 {
				t.Errorf("another user got at %q", worked)
			}
			worked := outsider(t, ownerID, s.pid())
			if tc.theirs && len(worked) < 6 {
				t.Errorf("its own user got at %q only: nothing was tried", worked)
			}
			if !tc.theirs && len(worked) > 0 {
				t.Errorf("another program of its user got at %q", worked)
			}
		})
	}
}

// stuck is a run whose output nobody takes: it holds the session for as long.
func (v *vault) stuck(argv ...string) *seat {
	v.t.Helper()
	needRoot(v.t, "to be two other users")
	var ends [2]int
	v.must(unix.Pipe2(ends[:], unix.O_CLOEXEC))
	reader, writer := os.NewFile(uintptr(ends[0]), "reader"), os.NewFile(uintptr(ends[1]), "writer")
	v.t.Cleanup(func() { _ = reader.Close() })
	size, err := unix.FcntlInt(uintptr(ends[1]), unix.F_SETPIPE_SZ, 4096)
	v.must(err)
	_, err = writer.Write(make([]byte, size))
	v.must(err)
	s := v.sit(writer, argv...)
	v.must(writer.Close())
	for try := 0; !writes(s.pid()); try++ {
		// Root sees in which system call it waits; no event tells of it.
		if time.Sleep(20 * time.Millisecond); try > 1000 {
			v.t.Fatal("it never comes to write what it holds")
		}
	}
	return s
}

// writes says whether a thread of the process waits in write(2) to its standard
// output.
func writes(pid int) bool {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if strings.HasPrefix(string(text), fmt.Sprintf("%d 0x1 ", unix.SYS_WRITE)) {
			return true
		}
	}
	return false
}
