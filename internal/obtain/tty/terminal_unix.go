//go:build unix

package tty

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"fob/internal/cred"
)

// lookEvery is how long a cancelled context or a signal may go unseen while
// nothing is typed.
const lookEvery = 50 * time.Millisecond

// terminal is line by line: the system's own line editing (backspace, Ctrl-U)
// stays on, only the echo goes.
type terminal struct {
	fd        int
	owned     bool
	typeAhead bool
}

func open(o Options) (TTY, error) {
	path := o.DevTTY
	if path == "" {
		path = "/dev/tty"
	}
	t := &terminal{typeAhead: o.TypeAhead}
	// NONBLOCK belongs to this opening alone, so no read can hang when another
	// process of the terminal took the line that poll promised.
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	switch {
	case err == nil:
		t.fd, t.owned = fd, true
	case o.Stdin != nil:
		t.fd = int(o.Stdin.Fd())
	default:
		return nil, noTerminal()
	}
	if err := t.check(); err != nil {
		_ = t.Close()
		return nil, err
	}
	return t, nil
}

// check refuses what is no terminal, and a terminal whose foreground is another
// job: to write there would stop us without a word.
func (t *terminal) check() error {
	if !term.IsTerminal(t.fd) {
		return noTerminal()
	}
	group, err := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP)
	if err == nil && group != unix.Getpgrp() { // an error: it is not our session's terminal, which has no jobs of ours
		return attend(errBackground, "bring it to the foreground: fg")
	}
	return nil
}

func (t *terminal) Close() error {
	if !t.owned {
		return nil
	}
	t.owned = false
	return unix.Close(t.fd)
}

func (t *terminal) Say(text string) { _ = t.write(nil, Printable(text)+"\n") }

func (t *terminal) Draw(rows []string) bool {
	text := drawn(rows, t.width(), "\n")
	return text != "" && t.write(nil, text) == nil
}

func (t *terminal) ReadHidden(ctx context.Context, prompt string) (cred.Secret, error) {
	answer, err := t.ask(ctx, Printable(prompt), true)
	defer clear(answer)
	if err != nil {
		return cred.Secret{}, err
	}
	return cred.NewSecret(string(answer)), nil
}

func (t *terminal) ReadLine(ctx context.Context, prompt string) (string, error) {
	answer, err := t.ask(ctx, Printable(prompt), false)
	return string(answer), err
}

func (t *terminal) Confirm(ctx context.Context, prompt string) (bool, error) {
	answer, err := t.ReadLine(ctx, prompt+" [y/N] ")
	return err == nil && yes(answer), err
}

// write gives up when done is closed, since Ctrl-S can stop a terminal for
// hours. A nil channel is never closed.
func (t *terminal) write(done <-chan struct{}, text string) error {
	rest := []byte(text)
	for len(rest) > 0 {
		n, err := unix.Write(t.fd, rest)
		if n > 0 {
			rest = rest[n:]
		}
		if err == nil || errors.Is(err, unix.EINTR) {
			continue
		}
		if !errors.Is(err, unix.EAGAIN) {
			return attend(fmt.Errorf("writing to the terminal: %w", err))
		}
		select {
		case <-done:
			return context.Canceled
		default:
		}
		if _, err := wait(t.fd, unix.POLLOUT, lookEvery); err != nil {
			return attend(fmt.Errorf("waiting for the terminal: %w", err))
		}
	}
	return nil
}

// stopKey is the key that stops a job of this terminal, Ctrl-Z if nobody has
// changed it. A terminal that is not our session's has no jobs of ours.
func (t *terminal) stopKey() byte {
	mode, err := unix.IoctlGetTermios(t.fd, getTermios)
	if _, foreign := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP); err != nil || foreign != nil {
		return noKey
	}
	return mode.Cc[unix.VSUSP]
}

// mode makes the terminal edit lines, with or without echo, and gives back what
// it was. The key stop ends a line in place of stopping the job.
func (t *terminal) mode(hidden bool, stop byte) (before *unix.Termios, err error) {
	before, err = unix.IoctlGetTermios(t.fd, getTermios)
	if err != nil {
		return nil, attend(fmt.Errorf("reading the terminal's mode: %w", err))
	}
	mode := *before
	mode.Iflag |= unix.ICRNL
	mode.Lflag |= unix.ICANON | unix.ISIG | unix.ECHO
	if hidden {
		mode.Lflag &^= unix.ECHO | unix.ECHONL
	}
	if stop != noKey {
		mode.Cc[unix.VSUSP], mode.Cc[unix.VEOL] = noKey, stop
	}
	if err := unix.IoctlSetTermios(t.fd, setTermios, &mode); err != nil {
		return nil, attend(fmt.Errorf("setting the terminal's mode: %w", err))
	}
	return before, nil
}

// fits says whether the prompt stands on one line, and how many columns it can
// have at most. A character outside of ASCII may take two.
func (t *terminal) fits(prompt string) (columns int, ok bool) {
	for _, r := range prompt {
		columns++
		if r >= utf8.RuneSelf {
			columns++
		}
	}
	return columns, columns < t.width()
}

// width is how many columns there are.
func (t *terminal) width() int {
	width, _, err := term.GetSize(t.fd)
	if err != nil || width <= 0 {
		return 80
	}
	return width
}
