package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"fob/internal/deliver/launch"
	"fob/internal/hygiene"
	"fob/internal/keep/unlock"
)

// processes starts the programs beside which fob goes on, unlike the command of
// exec, which takes its place.
type processes struct {
	environ               []string // that fob was started with
	stdin, stdout, stderr *os.File
	restore               func() // of hygiene.Enter
	mu                    sync.Mutex
}

// start gives a program the limits and the umask that fob was started with, and
// takes fob's own again. They belong to a whole process, so what another
// goroutine writes in these moments has the person's umask; but every file of
// fob's is made with a mode that is private under any.
func (p *processes) start(c *exec.Cmd) error { return p.guarded(c.Start) }

func (p *processes) guarded(start func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restore()
	err := start()
	hygiene.Enter()
	return err
}

// stay is the Execve of a fob that goes on beside the command: what it serves ends
// with it.
func (p *processes) stay(path string, argv, environ []string) error {
	return p.beside(p.guarded, path, argv, environ)
}

// confined is stay for a command that must not have what rests in the keyring of
// this login.
func (p *processes) confined(path string, argv, environ []string) error {
	return p.beside(func(start func() error) error {
		return p.guarded(func() error { return apart(start) })
	}, path, argv, environ)
}

func (p *processes) beside(guarded func(func() error) error, path string, argv, environ []string) error {
	signals, children := make(chan os.Signal, 64), make(chan os.Signal, 1)
	listen(signals, launch.Forwarded()...)
	defer signal.Stop(signals)
	notifyChildren(children)
	defer signal.Stop(children)
	return launch.Wait(launch.Beside{Guarded: guarded, Signals: signals, Children: children})(path, argv, environ)
}

// run runs a command that shares our terminal, whose keys reach it by
// themselves; other signals are passed on, and end it, not us.
func (p *processes) run(ctx context.Context, argv, environ []string) (int, error) {
	path, err := launch.LookPath(argv[0], environ)
	if err != nil {
		return 0, err
	}
	c := exec.Command(path, argv[1:]...)
	c.Args, c.Env = argv, environ
	c.Stdin, c.Stdout, c.Stderr = p.stdin, p.stdout, p.stderr
	signals := make(chan os.Signal, 16)
	listen(signals, os.Interrupt, syscall.SIGQUIT)
	listen(signals, passedOn()...)
	defer signal.Stop(signals)
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if err := p.start(c); err != nil {
		return 0, err
	}
	done := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				if s != os.Interrupt && s != syscall.SIGQUIT {
					_ = c.Process.Signal(s)
				}
			case <-done:
				return
			}
		}
	}()
	err = c.Wait()
	close(done)
	if state := c.ProcessState; state != nil {
		return statusOf(state), nil
	}
	return 0, err
}

// listen is signal.Notify without what this process was started to ignore.
func listen(to chan<- os.Signal, signals ...os.Signal) {
	for _, s := range signals {
		if !signal.Ignored(s) {
			signal.Notify(to, s)
		}
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

// shellTime is how long a command may take that gives a code: a person may have
// to find a key to touch.
const shellTime = 2 * time.Minute

// shell runs mfa_process and the like: the person may have to touch a device or
// answer it, so it gets the terminal and not our standard input, which may be
// the child's data. What it leaves running in the background is not waited for.
//
// With a terminal it stays in our job, or it could not read there; only without
// one is it a group of its own, of which nothing is left when it is called off.
func (p *processes) shell(ctx context.Context, line string, more ...string) ([]byte, error) {
	return p.ask(ctx, unlock.Command{Args: byShell(line), More: more}, &little{text: make([]byte, 0, 4<<10)}, nil)
}

// program is shell for a program that is not a command line.
func (p *processes) program(ctx context.Context, argv []string, more ...string) ([]byte, error) {
	return p.ask(ctx, unlock.Command{Args: argv, More: more}, &little{text: make([]byte, 0, 4<<10)}, nil)
}

// byShell is how the system's shell is told to run a command line.
func byShell(line string) []string {
	if runtime.GOOS == "windows" {
		return []string{"cmd.exe", "/C", line}
	}
	return []string{"/bin/sh", "-c", line}
}

// credentials is shell for credential_process and the like. What the program
// says on standard error is for the person, at the terminal where there is one,
// and in the error when it fails.
func (p *processes) credentials(ctx context.Context, line string, more ...string) ([]byte, error) {
	return p.keeper(ctx, unlock.Command{Args: byShell(line), More: more})
}

// keeper is credentials for a program that is not a command line, and that may
// be given something to keep.
func (p *processes) keeper(ctx context.Context, run unlock.Command) ([]byte, error) {
	last := &ending{}
	out, err := p.ask(ctx, run, &little{text: make([]byte, 0, 64<<10)}, last)
	if err != nil {
		err = &programError{err: err, said: last.text()}
	}
	return out, err
}

// ask runs a program. Its output goes to out, and what it says on standard error
// to said, too, where that is not nil.
func (p *processes) ask(ctx context.Context, run unlock.Command, out *little, said io.Writer) ([]byte, error) {
	path, err := launch.LookPath(run.Args[0], p.environ)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, shellTime)
	defer cancel()
	c := exec.CommandContext(ctx, path, run.Args[1:]...)
	c.Env, c.Stdout, c.Stderr, c.WaitDelay = append(launch.Bare(p.environ), run.More...), out, said, time.Second
	t, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	alone := err != nil
	if alone {
		ownGroup(c)
	} else {
		defer t.Close()
		c.Stdin, c.Stderr = p.named(t), t
		if said != nil {
			c.Stderr = io.MultiWriter(t, said)
		}
	}
	if run.Stdin != nil {
		c.Stdin = bytes.NewReader(run.Stdin)
	}
	c.Cancel = func() error { return terminate(c.Process, alone) }
	if err := p.start(c); err != nil {
		return nil, err
	}
	err = c.Wait()
	if ctx.Err() != nil {
		err = ctx.Err()
		if alone {
			killGroup(c.Process)
		}
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if out.over {
		err = errTooMuch // and not how it took the closed pipe
	}
	return out.text, err
}

// named is the terminal as one of our own streams, where one is it: such a
// stream knows the terminal's name. gpg hands that name to its agent, to which
// /dev/tty would be no terminal at all.
func (p *processes) named(terminal *os.File) *os.File {
	for fd, f := range []*os.File{p.stdin, p.stdout, p.stderr} {
		if f != nil && hygiene.IsTerminal(fd) {
			return f
		}
	}
	return terminal
}

// little keeps what fits and then fails, which ends the command that writes: it
// is printing something else than a code.
type little struct {
	text []byte
	over bool
}

func (l *little) Write(p []byte) (int, error) {
	if len(l.text)+len(p) > cap(l.text) {
		l.over = true
		return 0, errTooMuch
	}
	l.text = append(l.text, p...)
	return len(p), nil
}

var errTooMuch = errors.New("it printed more than was asked of it")
