//go:build unix

package launch

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fob/internal/fault"
)

// TestMain lets the test's own executable be the program that calls Run: what
// a successful execve does can only be seen from outside.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "run-in-place" {
		err := Run(Replace, os.Args[2:], os.Environ())
		fault.Render(os.Stderr, "fob", err)
		os.Exit(int(fault.CodeOf(err)))
	}
	if len(os.Args) > 2 && os.Args[1] == "run-waiting" {
		err := waitAsFob(os.Args[2:])
		if done := (*Exited)(nil); errors.As(err, &done) {
			os.Exit(done.Status)
		}
		os.Exit(int(fault.CodeOf(err)))
	}
	if len(os.Args) > 1 && os.Args[1] == "count-signals" {
		countSignals()
		return
	}
	os.Exit(m.Run())
}

// write makes files by name: "x" runs, "-" does not, "d" is a directory.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, kind := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		err := error(nil)
		switch kind {
		case "d":
			err = os.Mkdir(path, 0o755)
		case "-":
			err = os.WriteFile(path, nil, 0o644)
		default:
			err = os.WriteFile(path, []byte(kind), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func rendered(err error) string {
	if err == nil {
		return ""
	}
	var b bytes.Buffer
	fault.Render(&b, "fob", err)
	return fmt.Sprintf("%d %s", fault.CodeOf(err), b.String())
}

func TestLookPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"a/tool": "x", "b/tool": "x", "b/other": "x", "a/other": "-", "a/plain": "-", "a/folder": "d", "a/file/x": "x",
	})
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	const absent = "127 fob: cannot run %q\n  because: there is no such command\n"
	for _, tt := range []struct {
		name, find string
		environ    []string
		want, err  string
	}{
		{name: "the first on PATH", find: "tool", environ: []string{"PATH=" + a + ":" + b}, want: a + "/tool"},
		{name: "the first PATH counts", find: "tool", environ: []string{"X=1", "PATH=" + b, "PATH=" + a}, want: b + "/tool"},
		{name: "one that cannot be run is passed over", find: "other", environ: []string{"PATH=" + a + ":" + b}, want: b + "/other"},
		{name: "a path is the file itself", find: a + "/tool", want: a + "/tool"},
		{name: "entries that are files or absent", find: "tool", environ: []string{"PATH=" + a + "/tool:/absent:" + b + "/"}, want: b + "/tool"},
		{name: "no PATH at all", find: "sh", want: "/usr/bin/sh"},
		{name: "not there", find: "nothing", environ: []string{"PATH=" + a}, err: fmt.Sprintf(absent, "nothing")},
		{name: "a path that is not there", find: "/absent/x", err: fmt.Sprintf(absent, "/absent/x")},
		{name: "through a file", find: a + "/tool/x", err: fmt.Sprintf(absent, a+"/tool/x")},
		{name: "the empty name", find: "", environ: []string{"PATH=" + a}, err: fmt.Sprintf(absent, "")},
		{name: "a whole line as one word", find: "aws s3 ls", environ: []string{"PATH=" + a},
			err: fmt.Sprintf(absent, "aws s3 ls") + "  try: give the command and its arguments as words of their own: -- aws s3 ls\n"},
		{name: "no right to run it", find: "plain", environ: []string{"PATH=" + a},
			err: "126 fob: cannot run \"plain\"\n  because: the file may not be executed: permission denied\n"},
		{name: "a directory", find: a, err: fmt.Sprintf("126 fob: cannot run %q\n  because: it is a directory\n", a)},
		{name: "a directory on PATH", find: "folder", environ: []string{"PATH=" + a}, err: "126 fob: cannot run \"folder\"\n  because: it is a directory\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS != "linux" && tt.find == "sh" {
				t.Skip("sh is in /usr/bin on Linux only")
			}
			got, err := LookPath(tt.find, tt.environ)
			if got != tt.want || rendered(err) != tt.err {
				t.Errorf("got %q\n%s\nwant %q\n%s", got, rendered(err), tt.want, tt.err)
			}
		})
	}
}

// A project directory must not choose what runs: not by an empty entry of
// PATH, not by ".", not by a relative one.
func TestLookPathHere(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"evil": "x", "sub/evil": "x"})
	t.Chdir(dir)
	for path, found := range map[string]string{"": "./evil", ":/bin": "./evil", ".:/bin": "./evil", "/bin:": "./evil", "sub": "sub/evil", "./": "./evil"} {
		want := "126 fob: cannot run \"evil\"\n  because: " + found + " was found through a relative entry of PATH, " +
			"where anyone who can write to this directory decides what runs\n  try: if you mean that file: -- " + found + "\n"
		if got, err := LookPath("evil", []string{"PATH=" + path}); got != "" || rendered(err) != want {
			t.Errorf("PATH=%q: got %q\n%s\nwant\n%s", path, got, rendered(err), want)
		}
	}
	if got, err := LookPath("./evil", nil); got != "./evil" || err != nil {
		t.Errorf("a path that was typed: %q %v", got, err)
	}
	if got, err := LookPath("sh", []string{"PATH=:/bin"}); got != "/bin/sh" || err != nil {
		t.Errorf("an empty entry without the file: %q %v", got, err)
	}
}

// call is what an Exec was asked to do.
type call struct {
	Path          string
	Argv, Environ []string
}

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"tool": "exit 3", "foreign": "\x7fELF\x00\x01", "empty": "", "late": "echo a\n\x00"})
	environ := []string{"PATH=" + dir, "BIG=CANARY" + strings.Repeat("x", 100)}
	at := func(name string, argv ...string) call {
		return call{Path: filepath.Join(dir, name), Argv: argv, Environ: environ}
	}
	script := func(name string, rest ...string) call {
		return call{Path: "/bin/sh", Argv: append([]string{"/bin/sh", filepath.Join(dir, name)}, rest...), Environ: environ}
	}
	for _, tt := range []struct {
		name   string
		argv   []string
		answer error
		calls  []call
		want   string
	}{
		{name: "argv stays as typed", argv: []string{"tool", "-x", ""}, answer: syscall.EIO, calls: []call{at("tool", "tool", "-x", "")},
			want: "126 fob: cannot run \"tool\"\n  because: input/output error\n"},
		{name: "no command", want: "126 fob: cannot run a command\n  because: none was given\n"},
		{name: "too big", argv: []string{"tool", "arg"}, answer: syscall.E2BIG, calls: []call{at("tool", "tool", "arg")},
			want: fmt.Sprintf("126 fob: cannot run \"tool\"\n  because: the arguments and the environment are more than the system takes: %d bytes, "+
				"the largest is the variable \"BIG\" (110 bytes)\n  try: remove large variables from the environment, or give the command a file in place of long arguments\n",
				size([]string{"tool", "arg"})+size(environ))},
		{name: "one argument too big", argv: []string{"tool", strings.Repeat("CANARY", 20000)}, answer: syscall.E2BIG,
			calls: []call{at("tool", "tool", strings.Repeat("CANARY", 20000))},
			want: fmt.Sprintf("126 fob: cannot run \"tool\"\n  because: the arguments and the environment are more than the system takes: %d bytes, "+
				"the largest is argument 1 (120000 bytes)\n  try: remove large variables from the environment, or give the command a file in place of long arguments\n",
				5+120001+size(environ))},
		{name: "interpreter missing", argv: []string{"tool"}, answer: syscall.ENOENT, calls: []call{at("tool", "tool")},
			want: "127 fob: cannot run \"tool\"\n  because: the file is there, but the interpreter that its first line names is not\n"},
		{name: "zero byte", argv: []string{"tool", "a\x00b"}, answer: syscall.EINVAL, calls: []call{at("tool", "tool", "a\x00b")},
			want: "126 fob: cannot run \"tool\"\n  because: an argument or a variable holds a zero byte, which no program can be given\n"},
		{name: "a script without a first line", argv: []string{"tool", "a"}, answer: syscall.ENOEXEC,
			calls: []call{at("tool", "tool", "a"), script("tool", "a")}, want: "126 fob: cannot run \"tool\"\n  because: exec format error\n"},
		{name: "an empty script", argv: []string{"empty"}, answer: syscall.ENOEXEC,
			calls: []call{at("empty", "empty"), script("empty")}, want: "126 fob: cannot run \"empty\"\n  because: exec format error\n"},
		{name: "a script with data after it", argv: []string{"late"}, answer: syscall.ENOEXEC,
			calls: []call{at("late", "late"), script("late")}, want: "126 fob: cannot run \"late\"\n  because: exec format error\n"},
		{name: "a program for another machine", argv: []string{"foreign"}, answer: syscall.ENOEXEC, calls: []call{at("foreign", "foreign")},
			want: "126 fob: cannot run \"foreign\"\n  because: it is neither a script nor a program for this kind of machine\n"},
		{name: "a child that was waited for", argv: []string{"tool"}, answer: &Exited{Status: 7}, calls: []call{at("tool", "tool")},
			want: "1 fob: the command ended with status 7\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var calls []call
			err := Run(func(path string, argv, environ []string) error {
				calls = append(calls, call{path, argv, environ})
				return tt.answer
			}, tt.argv, environ)
			if diff := cmp.Diff(tt.calls, calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, rendered(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if strings.Contains(rendered(err), "CANARY") {
				t.Error("a value is in the error")
			}
		})
	}
}

// The real thing: this process becomes the command.
func TestReplace(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"plain": "echo \"$0 $1\"", "orphan": "#!/absent/interpreter\n"})
	for _, tt := range []struct {
		name   string
		argv   []string
		env    string
		out    string
		status int
	}{
		{name: "its status is ours", argv: []string{"sh", "-c", "exit 41"}, status: 41},
		{name: "a signal ends us as it ends it", argv: []string{"sh", "-c", "kill -TERM $$"}, status: -1},
		{name: "argv[0] as typed", argv: []string{"sh", "-c", "echo $0"}, out: "sh\n"},
		{name: "no first line", argv: []string{"plain", "a b"}, out: dir + "/plain a b\n"},
		{name: "not found", argv: []string{"nothing"}, status: 127},
		{name: "no interpreter", argv: []string{"orphan"}, status: 127},
		{name: "not executable", argv: []string{"/etc/passwd"}, status: 126},
		{name: "too big", argv: []string{"sh", "-c", ":", strings.Repeat("a", 100_000)}, env: "X=" + strings.Repeat("b", 100_000), status: 126},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// The limit on a stack is also the limit on arguments: a quarter of it.
			shell := []string{"-c", `[ -z "$X" ] || ulimit -S -s 640; exec "$@"`, "sh", self, "run-in-place"}
			cmd := exec.CommandContext(t.Context(), "/bin/sh", append(shell, tt.argv...)...)
			cmd.Env = append(os.Environ(), "PATH="+dir+":/usr/bin:/bin", tt.env)
			out, err := cmd.Output()
			failed := (*exec.ExitError)(nil)
			if err != nil && !errors.As(err, &failed) {
				t.Fatal(err)
			}
			if string(out) != tt.out || cmd.ProcessState.ExitCode() != tt.status {
				t.Errorf("got %q, status %d; want %q, status %d; %v", out, cmd.ProcessState.ExitCode(), tt.out, tt.status, failed)
			}
		})
	}
}

func TestShell(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ environ, want []string }{
		{[]string{"SHELL=/bin/zsh"}, []string{"/bin/zsh"}},
		{[]string{"SHELL=/opt/my shell", "SHELL=/bin/zsh"}, []string{"/opt/my shell"}},
		{[]string{"SHELL="}, []string{"/bin/sh"}},
		{nil, []string{"/bin/sh"}},
	} {
		if diff := cmp.Diff(tt.want, Shell(tt.environ)); diff != "" {
			t.Errorf("Shell(%q) (-want +got):\n%s", tt.environ, diff)
		}
	}
}
