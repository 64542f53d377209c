//go:build unix

package hygiene

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Limits belong to a whole process, so each test starts this executable anew
// and has it do one of these.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "enter" {
		restore := Enter()
		inside(os.Args[2], restore)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// limits prints what a child sees. A shell cannot say whether it is dumpable.
const limits = `umask; ulimit -S -c; ulimit -H -c; grep -E '^Sig(Blk|Ign)' /proc/self/status; exit 0`

func inside(what string, restore func()) {
	switch what {
	case "look":
		var core unix.Rlimit
		_ = unix.Getrlimit(unix.RLIMIT_CORE, &core)
		fmt.Printf("umask %03o core %d\n", unix.Umask(0o077), core.Cur)
	case "child":
		restore()
		restore()
		fmt.Println(syscall.Exec("/bin/sh", []string{"sh", "-c", limits}, os.Environ()))
	case "again": // as fob and fob-core do
		restore()
		self, _ := os.Executable()
		fmt.Println(syscall.Exec(self, []string{self, "enter", "child"}, os.Environ()))
	case "abort":
		_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
		select {}
	case "write":
		_, err := os.Stdout.Write(make([]byte, 4096))
		fmt.Fprint(os.Stderr, errors.Is(err, syscall.EFBIG))
	case "hold":
		fmt.Println("ready")
		_, _ = os.Stdin.Read(make([]byte, 1))
	case "become cat":
		restore()
		fmt.Println(syscall.Exec("/bin/sh", []string{"sh", "-c", "echo ready; exec cat"}, os.Environ()))
	case "descriptors":
		for fd := range 3 {
			var st unix.Stat_t
			fmt.Fprintln(os.NewFile(3, "out"), fd, unix.Fstat(fd, &st))
		}
	}
}

// run starts this executable under a shell's limits and gives what it wrote.
func run(t *testing.T, limits, what string) (out, err string, state *os.ProcessState) {
	t.Helper()
	self, e := os.Executable()
	if e != nil {
		t.Fatal(e)
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", limits+` exec "$@"`, "sh", self, "enter", what)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr, cmd.Dir = &stdout, &stderr, t.TempDir()
	if failed := (*exec.ExitError)(nil); !errors.As(cmd.Run(), &failed) && cmd.ProcessState == nil {
		t.Fatal("it did not start")
	}
	return stdout.String(), stderr.String(), cmd.ProcessState
}

func TestEnter(t *testing.T) {
	t.Parallel()
	out, _, _ := run(t, "umask 022;", "look")
	if diff := cmp.Diff("umask 077 core 0\n", out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The child has exactly what we were started with, also after two of us.
func TestRestore(t *testing.T) {
	t.Parallel()
	for _, started := range []string{"umask 022;", "umask 027; ulimit -S -c 0;", "umask 0; ulimit -S -c 8;"} {
		want, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", started+" exec sh -c '"+strings.ReplaceAll(limits, "'", `'\''`)+"'").Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, what := range []string{"child", "again"} {
			out, _, _ := run(t, started, what)
			if diff := cmp.Diff(string(want), out); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", started, what, diff)
			}
		}
	}
}

// A crash leaves nothing behind, however much is allowed.
func TestNoCore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, _, state := run(t, "ulimit -c unlimited 2>/dev/null; cd '"+dir+"';", "abort")
	status := state.Sys().(syscall.WaitStatus)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) > 0 || status.CoreDump() || status.Exited() && status.ExitStatus() != 2 {
		t.Errorf("files %v, %v, status %v", files, err, state)
	}
}

// A full quota is an error that can be told, not a crash.
func TestFileSizeLimit(t *testing.T) {
	t.Parallel()
	_, err, state := run(t, "ulimit -f 1; exec > small;", "write") // blocks of 512 bytes
	if err != "true" || !state.Success() {
		t.Errorf("said %q, %v", err, state)
	}
}

// Nothing that is opened later may land on 0, 1 or 2, where a prompt or a log
// would be written into it.
func TestClosedDescriptors(t *testing.T) {
	t.Parallel()
	for _, closed := range []string{"0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"} {
		out, _, state := run(t, "exec 3>&1 "+closed+";", "descriptors")
		if diff := cmp.Diff("0 <nil>\n1 <nil>\n2 <nil>\n", out); diff != "" || !state.Success() {
			t.Errorf("%s: %v (-want +got):\n%s", closed, state, diff)
		}
	}
}
