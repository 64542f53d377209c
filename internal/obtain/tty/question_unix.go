//go:build unix

package tty

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// signalled ends a question.
type signalled struct{ signal unix.Signal }

func (e *signalled) Error() string { return "interrupted by " + e.signal.String() }

// ask puts a question and gives the answer without its line end. It listens to
// signals before it changes the terminal and until it has changed it back, so
// that none can end us in between.
func (t *terminal) ask(ctx context.Context, prompt string, hidden bool) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	signals := make(chan os.Signal, 8)
	for _, s := range []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGABRT, unix.SIGCONT} {
		if !signal.Ignored(s) { // nohup ignores SIGHUP, and means it
			signal.Notify(signals, s)
		}
	}
	q := &question{t: t, prompt: prompt, hidden: hidden, signals: signals}
	answer, err := q.put(ctx)
	signal.Stop(signals)
	end := (*signalled)(nil)
	if !errors.As(err, &end) {
		return answer, err
	}
	leave(ctx, end.signal)
	return nil, context.Canceled
}

// leave lets a signal do what it would have done without us. Who handed us the
// context listens too, and ends it. Where nobody does, SIGTERM and SIGHUP are
// sent again, to end the process here; all others are an interrupted question:
// what Go does with SIGQUIT and SIGABRT is to print its stacks.
func leave(ctx context.Context, s unix.Signal) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(time.Second):
	}
	if s != unix.SIGTERM && s != unix.SIGHUP {
		return
	}
	_ = unix.Kill(unix.Getpid(), s)
	select { // it may reach another thread
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
}

// question is one question while it stands.
type question struct {
	t       *terminal
	prompt  string
	hidden  bool
	signals <-chan os.Signal
	before  *unix.Termios // the terminal's mode without the question
	stop    byte          // what is typed to stop a job (Ctrl-Z), or noKey
}

func (q *question) put(ctx context.Context) (answer []byte, err error) {
	q.stop = q.t.stopKey()
	if err := q.begin(); err != nil {
		return nil, err
	}
	defer func() { // also when something below panics
		q.forget(err != nil)
		_ = unix.IoctlSetTermios(q.t.fd, setTermios, q.before)
	}()
	q.flush()
	if err := q.t.write(ctx.Done(), q.prompt); err != nil {
		return nil, err
	}
	return q.read(ctx)
}

// begin sets the terminal's mode for the question, and keeps what it was.
func (q *question) begin() error {
	before, err := q.t.mode(q.hidden, q.stop)
	if err == nil {
		q.before = before
	}
	return err
}

// suspend is Ctrl-Z, which is a character while a question stands: the terminal
// must be as it was before the shell has it, and not every shell sees to that
// itself (dash). It cannot be done by listening to SIGTSTP: Go does not give the
// signal's default action back afterwards (runtime.sigdisable, Go 1.26). Like
// Ctrl-Z, the signal is for the whole job; where no shell could ever continue
// it, the kernel stops nothing and the question is asked again.
func (q *question) suspend(ctx context.Context) error {
	q.forget(true)
	_ = unix.IoctlSetTermios(q.t.fd, setTermios, q.before)
	_ = unix.Kill(0, unix.SIGTSTP)
	select {
	case s := <-q.signals:
		if s != unix.SIGCONT {
			return &signalled{signal: s.(unix.Signal)}
		}
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
	}
	if err := q.begin(); err != nil {
		return err
	}
	return q.t.write(ctx.Done(), q.prompt)
}

// forget removes what is left of the question. The rest of a text of several
// lines that was pasted is thrown away: it would be shown, or run by the shell.
func (q *question) forget(unanswered bool) {
	q.flush()
	columns, oneLine := q.t.fits(q.prompt)
	switch {
	case q.hidden && oneLine:
		_ = q.t.write(closed(), blank(columns))
	case q.hidden || unanswered:
		_ = q.t.write(closed(), "\n")
	}
}

// closed is for a last word that must not keep anybody waiting.
func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func (q *question) flush() {
	if q.hidden && !q.t.typeAhead {
		flushInput(q.t.fd)
	}
}

// read waits for one line. An answer that ends without a line end (Ctrl-D after
// text) counts, a bare Ctrl-D does not.
func (q *question) read(ctx context.Context) ([]byte, error) {
	buffer := make([]byte, 0, maxAnswer+2) // never grown: no copy of a secret is left behind
	for {
		if err := q.interrupted(ctx); err != nil {
			clear(buffer[:cap(buffer)])
			return nil, err
		}
		n, err := q.t.readReady(buffer[len(buffer):cap(buffer)])
		if err == nil && n < 0 {
			continue
		}
		buffer = buffer[:len(buffer)+max(n, 0)]
		if n > 0 && q.stop != noKey && buffer[len(buffer)-1] == q.stop {
			clear(buffer)
			buffer = buffer[:0]
			if err := q.suspend(ctx); err != nil {
				return nil, err
			}
			continue
		}
		line, _, whole := bytes.Cut(buffer, []byte("\n"))
		switch {
		case err == nil && len(line) > maxAnswer:
			err = attend(errTooLong)
		case err == nil && n == 0 && len(buffer) == 0:
			err = attend(errEnd)
		case err == nil && (whole || n == 0):
			return line, nil
		}
		if err != nil {
			clear(buffer[:cap(buffer)])
			return nil, err
		}
	}
}

// readReady gives -1 when there is nothing to read yet.
func (t *terminal) readReady(into []byte) (int, error) {
	ready, err := wait(t.fd, unix.POLLIN, lookEvery)
	if err != nil {
		return 0, attend(fmt.Errorf("waiting for the terminal: %w", err))
	}
	if !ready {
		return -1, nil
	}
	n, err := unix.Read(t.fd, into)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return -1, nil
	case errors.Is(err, unix.EIO): // hung up, or an orphan in the background
		return 0, attend(errEnd)
	case err != nil:
		return 0, attend(fmt.Errorf("reading the terminal: %w", err))
	}
	return n, nil
}

func (q *question) interrupted(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case s := <-q.signals:
		if s != unix.SIGCONT {
			return &signalled{signal: s.(unix.Signal)}
		}
		// The shell had the terminal while we were stopped (SIGSTOP, fg), and
		// may have turned its echo on.
		if _, err := q.t.mode(q.hidden, q.stop); err != nil {
			return err
		}
		return q.t.write(ctx.Done(), q.prompt)
	default:
		return nil
	}
}
