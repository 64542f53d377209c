package tty

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/windows"
	"golang.org/x/term"

	"fob/internal/cred"
)

// console is Windows's terminal, which has two files and no jobs.
type console struct {
	in, out   *os.File
	owned     bool
	typeAhead bool
}

func open(o Options) (TTY, error) {
	name := o.DevTTY
	if name == "" {
		name = "CONIN$"
	}
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		return nil, noTerminal()
	}
	c := &console{in: o.Stdin, out: out, typeAhead: o.TypeAhead}
	if in, err := os.OpenFile(name, os.O_RDWR, 0); err == nil {
		c.in, c.owned = in, true
	}
	if c.in == nil || !term.IsTerminal(int(c.in.Fd())) {
		_ = c.Close()
		return nil, noTerminal()
	}
	return c, nil
}

func (c *console) Close() error {
	err := c.out.Close()
	if c.owned {
		c.owned = false
		err = errors.Join(err, c.in.Close())
	}
	return err
}

func (c *console) Say(text string) { _, _ = io.WriteString(c.out, Printable(text)+"\r\n") }

// Draw needs a console that knows escape sequences, as those since Windows 10 do.
func (c *console) Draw(rows []string) bool {
	handle := windows.Handle(c.out.Fd())
	var before uint32
	if windows.GetConsoleMode(handle, &before) != nil || windows.SetConsoleMode(handle, before|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) != nil {
		return false
	}
	defer func() { _ = windows.SetConsoleMode(handle, before) }()
	width, _, err := term.GetSize(int(c.out.Fd()))
	if err != nil {
		return false
	}
	text := drawn(rows, width, "\r\n")
	_, err = io.WriteString(c.out, text)
	return text != "" && err == nil
}

func (c *console) ReadHidden(ctx context.Context, prompt string) (cred.Secret, error) {
	prompt = Printable(prompt)
	if !c.typeAhead {
		_ = windows.FlushConsoleInputBuffer(windows.Handle(c.in.Fd()))
	}
	answer, err := c.ask(ctx, prompt, func() ([]byte, error) { return term.ReadPassword(int(c.in.Fd())) })
	defer clear(answer)
	_, _ = io.WriteString(c.out, blank(len(prompt)))
	if err != nil {
		return cred.Secret{}, err
	}
	return cred.NewSecret(string(answer)), nil
}

func (c *console) ReadLine(ctx context.Context, prompt string) (string, error) {
	answer, err := c.ask(ctx, Printable(prompt), c.line)
	return string(answer), err
}

func (c *console) Confirm(ctx context.Context, prompt string) (bool, error) {
	answer, err := c.ReadLine(ctx, prompt+" [y/N] ")
	return err == nil && yes(answer), err
}

// ask puts a question. A read of the console cannot be called off: when the
// context ends first, the terminal's mode is put back and the reader is left
// behind for the moments until the process ends.
func (c *console) ask(ctx context.Context, prompt string, read func() ([]byte, error)) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	before, err := term.GetState(int(c.in.Fd()))
	if err != nil {
		return nil, attend(fmt.Errorf("reading the terminal's mode: %w", err))
	}
	if _, err := io.WriteString(c.out, prompt); err != nil {
		return nil, attend(fmt.Errorf("writing to the terminal: %w", err))
	}
	type result struct {
		line []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		line, err := read()
		done <- result{line, err}
	}()
	select {
	case <-ctx.Done():
		_ = term.Restore(int(c.in.Fd()), before)
		return nil, ctx.Err()
	case r := <-done:
		switch {
		case errors.Is(r.err, io.EOF):
			return nil, attend(errEnd)
		case r.err != nil:
			return nil, attend(fmt.Errorf("reading the terminal: %w", r.err))
		case len(r.line) > maxAnswer:
			return nil, attend(errTooLong)
		}
		return r.line, nil
	}
}

func (c *console) line() ([]byte, error) {
	buffer := make([]byte, maxAnswer+4)
	n, err := c.in.Read(buffer)
	if n == 0 && err == nil {
		err = io.EOF
	}
	for n > 0 && (buffer[n-1] == '\n' || buffer[n-1] == '\r') {
		n--
	}
	return buffer[:n], err
}
