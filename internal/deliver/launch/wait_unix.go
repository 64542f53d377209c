//go:build unix

package launch

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Forwarded are the signals that Wait passes on. Those that Go's runtime and the
// kernel send to this process for themselves are not there: SIGURG, SIGCHLD, and
// SIGPIPE, which tells of our own output. SIGTTIN and SIGTTOU stop the whole
// group.
func Forwarded() []os.Signal {
	return []os.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGUSR1, syscall.SIGUSR2,
		syscall.SIGALRM, syscall.SIGTERM, syscall.SIGCONT, syscall.SIGTSTP, syscall.SIGWINCH,
	}
}

// Wait gives an Exec that runs the program as a child and returns *Exited when
// that ends, with 128+n where signal n has ended it. The child is in our process
// group and has our terminal, so keys reach it as if it were alone; what comes to
// this process and not to the group is passed on. When the child stops, so do we:
// the shell then sees the whole job stopped. Where it is stopped and continued
// faster than this process looks, the child may get a second SIGCONT.
//
// The child outlives this process if that is killed: PR_SET_PDEATHSIG would also
// kill it when the thread ends that started it, which the Go runtime decides.
func Wait(b Beside) Exec {
	return func(path string, argv, environ []string) error {
		c := child{group: watchGroup()} // before there is a child that a signal could find
		defer c.group.close()
		err := b.Guarded(func() (err error) {
			c.pid, err = syscall.ForkExec(path, argv, &syscall.ProcAttr{Env: environ, Files: []uintptr{0, 1, 2}})
			return err
		})
		if err != nil {
			return err
		}
		letGo()
		for {
			select {
			case s := <-b.Signals:
				// The child is not reaped before this loop ends, so its number
				// is no other process's.
				c.pass(queued(s, b.Signals))
			case <-b.Children:
				if status, ended := c.look(); ended {
					return &Exited{Status: status}
				}
			}
		}
	}
}

// letGo gives up our standard input and output, which are the child's alone from
// now on: who is at their other end must see when it closes them.
func letGo() {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(null)
	for fd := range 2 {
		_ = unix.Dup2(null, fd)
	}
}

// child is a process that Wait has started.
type child struct {
	pid   int
	group *witness
	// suspended says that SIGTSTP has come to us since the child last went on.
	suspended bool
}

// queued is first and all that has come since: a signal that comes again before it
// was looked at is one signal, as for any process.
func queued(first os.Signal, more <-chan os.Signal) (all uint64) {
	for s := first; ; {
		if n, ok := s.(syscall.Signal); ok {
			all |= bit(n)
		}
		select {
		case s = <-more:
		default:
			return all
		}
	}
}

// bit is where a signal stands in a set of them, as the kernel shows it.
func bit(s syscall.Signal) uint64 { return 1 << (s - 1) }

// pass passes on what the child has not got by itself.
func (c *child) pass(signals uint64) {
	c.suspended = c.suspended || signals&bit(syscall.SIGTSTP) != 0
	signals &^= c.group.got(signals)
	for n := syscall.Signal(1); signals != 0; n++ {
		if signals&bit(n) != 0 {
			_ = syscall.Kill(c.pid, n)
			signals &^= bit(n)
		}
	}
}

// look asks what has become of the child without waiting. While it is stopped,
// this process is, too.
func (c *child) look() (status int, ended bool) {
	for {
		var state syscall.WaitStatus
		got, err := syscall.Wait4(c.pid, &state, syscall.WNOHANG|syscall.WUNTRACED, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil: // ECHILD: somebody else has reaped it
			return 1, true
		case got != c.pid:
			return 0, false
		case state.Stopped():
			_ = syscall.Kill(syscall.Getpid(), syscall.SIGSTOP)
			// Ctrl-Z has stopped the child before we were told of the same key:
			// what is yet to come must not stop it once more.
			if state.StopSignal() == syscall.SIGTSTP && !c.suspended {
				c.group.expect(syscall.SIGTSTP)
			}
			c.suspended = false
		case state.Signaled():
			return 128 + int(state.Signal()), true
		case state.Exited():
			return state.ExitStatus(), true
		}
	}
}

// byKey is those of signals that may come from the terminal, which sends them to
// the whole group in the foreground. It is for systems and moments without a
// witness.
func byKey(signals uint64) uint64 {
	signals &= bit(syscall.SIGINT) | bit(syscall.SIGQUIT) | bit(syscall.SIGTSTP) | bit(syscall.SIGWINCH)
	if signals == 0 {
		return 0
	}
	fd, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	if foreground, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err != nil || foreground != unix.Getpgrp() {
		return 0
	}
	return signals
}
