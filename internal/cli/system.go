package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/hygiene"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/tty"
)

// System is everything outside the process, in one value. Commands see nothing
// else of the world, so a test can hand them another one.
type System struct {
	Args, Environ  []string
	Stdin          *os.File
	Stdout, Stderr io.Writer
	Now            func() time.Time
	// Ahead is how far Now is ahead of the machine's clock: 0, but in tests.
	Ahead time.Duration
	// Sleep waits, or ends early with the context's error.
	Sleep   func(context.Context, time.Duration) error
	OpenTTY func() (tty.TTY, error)
	// Execve replaces this process; it gives the child the limits and the umask
	// that this process started with.
	Execve launch.Exec
	// Run runs a command as a child and waits; for what must outlive it.
	Run func(ctx context.Context, argv, environ []string) (status int, err error)
	// Shell runs a command line by the system's shell with the terminal as its
	// input, and gives its output.
	Shell            func(ctx context.Context, line string) ([]byte, error)
	Browse           func(ctx context.Context, file string) error
	HTTP             func(caBundle string) (*http.Client, error)
	StdoutIsTerminal func() bool
	Version          string
	UID              int
	// CheapStore lets tests make stores whose passphrase costs nothing to try.
	CheapStore bool
	// NoKeyring lets tests leave the kernel's keyrings alone.
	NoKeyring bool
}

// RealSystem is the process we are in.
func RealSystem(version string) System {
	restore := hygiene.Enter()
	return System{
		Args: os.Args, Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Now: time.Now, Sleep: sleep, Version: version, UID: os.Getuid(),
		OpenTTY: func() (tty.TTY, error) { return tty.Open(tty.Options{Stdin: os.Stdin}) },
		Execve: func(path string, argv, environ []string) error {
			restore()
			return launch.Replace(path, argv, environ)
		},
		Run:              runChild(restore),
		Shell:            shell,
		Browse:           browse(os.Environ()),
		HTTP:             func(ca string) (*http.Client, error) { return awsapi.HTTPClient(ca, 0) },
		StdoutIsTerminal: func() bool { return hygiene.IsTerminal(1) },
	}
}

// interruptible ends with the first Ctrl-C, SIGTERM or SIGHUP, so that locks are
// released and the terminal is restored on the way out. Who ignores one of them
// (nohup, a job in the background of a script) means it, for the child too.
func interruptible() (context.Context, context.CancelFunc) {
	var ends []os.Signal
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			ends = append(ends, s)
		}
	}
	return signal.NotifyContext(context.Background(), ends...)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// runChild runs a command that shares our terminal. Ctrl-C reaches it by the
// terminal, once; other signals are passed on.
func runChild(restore func()) func(context.Context, []string, []string) (int, error) {
	return func(ctx context.Context, argv, environ []string) (int, error) {
		path, err := launch.LookPath(argv[0], environ)
		if err != nil {
			return 0, err
		}
		restore()
		c := exec.Command(path, argv[1:]...)
		c.Args, c.Env = argv, environ
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
		if err := c.Start(); err != nil {
			return 0, err
		}
		done := make(chan struct{})
		go func() {
			select {
			case <-ctx.Done():
				if !errors.Is(context.Cause(ctx), context.Canceled) {
					_ = c.Process.Signal(syscall.SIGTERM)
				}
			case <-done:
			}
		}()
		err = c.Wait()
		close(done)
		if state := c.ProcessState; state != nil {
			return statusOf(state), nil
		}
		return 0, err
	}
}

// statusOf is the child's exit status, 128+n where a signal ended it, as shells
// tell it.
func statusOf(state *os.ProcessState) int {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return state.ExitCode()
}

// shell runs mfa_process and the like: the person may have to touch a device or
// answer it, so it gets the terminal and not our standard input, which may be
// the child's data.
func shell(ctx context.Context, line string) ([]byte, error) {
	name, flag := "/bin/sh", "-c"
	if runtime.GOOS == "windows" {
		name, flag = "cmd.exe", "/C"
	}
	c := exec.CommandContext(ctx, name, flag, line)
	c.WaitDelay = time.Second
	if t, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil {
		defer t.Close()
		c.Stdin, c.Stderr = t, t
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	const most = 64 << 10
	text, _ := io.ReadAll(io.LimitReader(out, most))
	_ = out.Close() // or a command that prints for ever would never end
	return text, c.Wait()
}

// browse opens a file with the person's browser. BROWSER may hold a command.
func browse(environ []string) func(context.Context, string) error {
	return func(ctx context.Context, file string) error {
		opener := []string{"xdg-open"}
		switch runtime.GOOS {
		case "darwin":
			opener = []string{"/usr/bin/open"}
		case "windows":
			opener = []string{"rundll32.exe", "url.dll,FileProtocolHandler"}
		}
		if b := front.Lookup(environ, "BROWSER"); b != "" {
			first, _, _ := strings.Cut(b, string(filepath.ListSeparator))
			opener = strings.Fields(strings.ReplaceAll(first, "%s", ""))
		}
		path, err := launch.LookPath(opener[0], environ)
		if err != nil {
			return &fault.Error{What: "cannot open a browser", Why: err, Next: []string{"print the link instead: fob login --stdout"}, Code: fault.Attend}
		}
		return exec.CommandContext(ctx, path, append(opener[1:], file)...).Start()
	}
}

// noTTY stands for the terminal under --no-input.
func noTTY() (tty.TTY, error) {
	return nil, &fault.Error{What: "cannot ask", Why: errors.New("a person is needed, and --no-input forbids asking"), Code: fault.Attend}
}
