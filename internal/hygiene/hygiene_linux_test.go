package hygiene

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Another program of the same user can read a process of theirs, as malware
// and debuggers do. Not this one; but the child, which is theirs again.
func TestSameUserIsRefused(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]bool{"hold": false, "become cat": true} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			user := notRoot()
			cmd := exec.CommandContext(t.Context(), reachable(t), "enter", what)
			cmd.SysProcAttr = user
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
				t.Fatal(line, err)
			}
			for _, file := range []string{"environ", "mem", "maps", "auxv"} {
				other := exec.CommandContext(t.Context(), "/bin/sh", "-c", fmt.Sprintf("exec 3</proc/%d/%s", cmd.Process.Pid, file))
				other.SysProcAttr = user
				if read := other.Run() == nil; read != want {
					t.Errorf("%s: could be opened: %v, want %v", file, read, want)
				}
			}
			_ = in.Close()
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// notRoot is nobody when the test is root, whom nothing is refused.
func notRoot() *syscall.SysProcAttr {
	if os.Geteuid() != 0 {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}

// reachable is this executable where any user may run it.
func reachable(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "hygiene.test")
	// Not written by this process: another test's fork would hold it open for
	// writing, and execve would refuse it (golang/go#22315).
	if err := exec.CommandContext(t.Context(), "cp", self, path).Run(); err != nil {
		t.Fatal(err)
	}
	return path
}
