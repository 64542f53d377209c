package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"fob/internal/decide/guard"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/hygiene"
	"fob/internal/keep/unlock"
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
	// Terminal tells the terminal session of this process from every other one; ""
	// where there is none.
	Terminal func() string
	// Execve replaces this process; it gives the child the limits and the umask
	// that this process started with.
	Execve launch.Exec
	// Stay is Execve for a fob that must go on beside the command, as launch.Wait
	// has it.
	Stay launch.Exec
	// Confined is Stay for a command in a session keyring of its own. CanConfine says
	// whether that can be, and what is wrong with it.
	Confined   launch.Exec
	CanConfine func() (able bool, err error)
	// Run runs a command as a child and waits; for what must outlive it.
	Run func(ctx context.Context, argv, environ []string) (status int, err error)
	// Shell runs a command line by the system's shell with the terminal as its
	// input, with more variables in its environment, and gives its output.
	Shell func(ctx context.Context, line string, more ...string) ([]byte, error)
	// Program is Shell for a program with its arguments.
	Program func(ctx context.Context, argv []string, more ...string) ([]byte, error)
	// Credentials is Shell for a program that prints credentials, with more
	// variables in its environment. What it says on standard error stands in the
	// error too.
	Credentials func(ctx context.Context, line string, more ...string) ([]byte, error)
	// Browse opens a file or an address with a command for browsers (empty: the
	// person's own), and gives how the program ends that was started for it.
	Browse func(browser, target string) (ended <-chan error, err error)
	HTTP   func(caBundle string) (*http.Client, error)
	// Keeper is Program for a program that keeps secrets: it may be given one, its
	// output may be larger, and its last words stand in the error.
	Keeper func(context.Context, unlock.Command) ([]byte, error)
	// Getwd gives the working directory without the links that led to it.
	Getwd func() (string, error)
	// Executable is the path of this program, fob-core.
	Executable       func() (string, error)
	StdoutIsTerminal func() bool
	StderrIsTerminal func() bool
	Version          string
	UID              int
	// CheapStore lets tests make stores whose passphrase costs nothing to try.
	CheapStore bool
	// NoKeyring lets tests leave the kernel's keyrings alone.
	NoKeyring bool
	// AnyDisk lets tests have a runtime directory on a disk.
	AnyDisk bool

	// Kin gives what is known of the processes above this one, from the nearest up;
	// whole says that their environments could be looked at.
	Kin func() (kin []Ancestor, whole bool)

	// clock is what all calls of a run learn of AWS's clock.
	clock *awsapi.Clock
	// agent is for whom this run works, and starting says that a person starts
	// that agent here.
	agent    guard.Agent
	starting bool
}

// RealSystem is the process we are in.
func RealSystem(version string) System {
	restore := hygiene.Enter()
	p := &processes{environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, restore: restore}
	return System{
		Args: os.Args, Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Now: time.Now, Sleep: sleep, Version: version, UID: os.Getuid(),
		OpenTTY: func() (tty.TTY, error) { return tty.Open(tty.Options{Stdin: os.Stdin}) },
		Execve: func(path string, argv, environ []string) error {
			restore()
			return launch.Replace(path, argv, environ)
		},
		Terminal: sync.OnceValue(tty.Session),
		Stay:     p.stay, Confined: p.confined, CanConfine: canApart, Run: p.run, Shell: p.shell, Program: p.program, Credentials: p.credentials, Browse: p.browse,
		Keeper: p.keeper, Executable: os.Executable, Getwd: syscall.Getwd,
		HTTP:             func(ca string) (*http.Client, error) { return awsapi.HTTPClient(ca, 0) },
		StdoutIsTerminal: func() bool { return hygiene.IsTerminal(1) },
		StderrIsTerminal: func() bool { return hygiene.IsTerminal(2) },
		Kin:              func() ([]Ancestor, bool) { return kin(os.Getppid()) },
	}
}

// interruptible ends with the first Ctrl-C, SIGTERM or another signal that asks
// for an end, so that locks are released and the terminal is restored on the way
// out. A second Ctrl-C or SIGTERM ends the process at once, whatever hangs. Who
// ignores one of them (nohup, a job in the background of a script) means it, for
// the child too.
func interruptible() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	once, always := make(chan os.Signal, 1), make(chan os.Signal, 1)
	listen(once, os.Interrupt, syscall.SIGTERM)
	// What Go does with the last two is to print its stacks.
	listen(always, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGABRT)
	go func() {
		var s os.Signal
		select {
		case s = <-once:
		case s = <-always:
		case <-ctx.Done():
			return
		}
		cancel(&signalled{s})
		signal.Stop(once)
	}()
	return ctx, func() {
		cancel(nil)
		signal.Stop(once)
		signal.Stop(always)
	}
}

// signalled is the signal that ended a run early. It counts as an interruption.
type signalled struct{ signal os.Signal }

func (e *signalled) Error() string { return "interrupted by " + e.signal.String() }
func (e *signalled) Unwrap() error { return context.Canceled }

// interrupted is the status of a run that a signal has ended: 128+n, as a shell
// tells it, so 130 for Ctrl-C.
func interrupted(ctx context.Context) int {
	if by := (*signalled)(nil); errors.As(context.Cause(ctx), &by) {
		if n, ok := by.signal.(syscall.Signal); ok {
			return 128 + int(n)
		}
	}
	return int(fault.Interrupted)
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

// noTTY stands for the terminal under --no-input.
func noTTY() (tty.TTY, error) {
	return nil, &fault.Error{What: "cannot ask", Why: errors.New("a person is needed, and --no-input forbids asking"), Code: fault.Attend}
}
