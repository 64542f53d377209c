package cli

import (
	"context"
	"errors"
	"fmt"

	"fob/internal/cred"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/hygiene"

	"github.com/spf13/cobra"
)

// mostPassphrase is the longest line that is read: more than a passphrase may
// have with its line end, to tell that it is too long.
const mostPassphrase = 4096 + 3

// givenPassphrase is the line that --passphrase-fd gave, if it did.
type givenPassphrase struct {
	given bool
	text  cred.Secret
}

// takePassphrase reads the line before any command runs, needed or not: what is
// left unread would be the child's to read. It takes no byte behind the line,
// since those may be meant for the child. A terminal gives no line: there, a
// person is asked without echo.
func (g *globals) takePassphrase(ctx context.Context, c *cobra.Command) error {
	if !c.Flags().Changed("passphrase-fd") || g.passphrase.given {
		return nil
	}
	text, err := readPassphrase(ctx, g.passphraseFD, "--passphrase-fd")
	if errors.Is(err, errIsTerminal) {
		return nil
	}
	if err != nil {
		return inExec(c, err)
	}
	g.passphrase = givenPassphrase{given: true, text: text}
	return nil
}

// errIsTerminal is a descriptor that is a terminal, at which a person is asked.
var errIsTerminal = errors.New("it is a terminal")

// readPassphrase reads one line from a descriptor that a flag names.
func readPassphrase(ctx context.Context, fd int, flag string) (cred.Secret, error) {
	if launch.Withhold(fd) != nil {
		return noPassphrase(fmt.Errorf("%s %d names no open descriptor", flag, fd))
	}
	if hygiene.IsTerminal(fd) {
		return cred.Secret{}, errIsTerminal
	}
	if fd <= 2 && rereadable(fd) {
		return noPassphrase(fmt.Errorf("descriptor %d is a file, which the command could read from its start again: use a pipe, or a descriptor above 2", fd))
	}
	type result struct {
		line []byte
		err  error
	}
	done := make(chan result, 1)
	go func() { // the other end may never write; then a signal ends us
		line, err := readLine(fd, mostPassphrase)
		done <- result{line, err}
	}()
	select {
	case <-ctx.Done():
		return cred.Secret{}, context.Cause(ctx)
	case r := <-done:
		defer clear(r.line)
		if r.err != nil {
			return noPassphrase(fmt.Errorf("%s %d: %w", flag, fd, r.err))
		}
		return cred.NewSecret(string(r.line)), nil
	}
}

func noPassphrase(why error) (cred.Secret, error) {
	return cred.Secret{}, &fault.Error{What: "cannot read the passphrase", Why: why, Code: fault.Usage}
}

// lineOf collects a line, its end included, from a source of single bytes, which
// says false when it is empty.
func lineOf(next func() (byte, bool, error), most int) ([]byte, error) {
	line := make([]byte, 0, most) // never grown: no copy of a secret is left behind
	for len(line) < most {
		b, ok, err := next()
		if err != nil {
			clear(line)
			return nil, err
		}
		if !ok {
			break
		}
		if line = append(line, b); b == '\n' {
			break
		}
	}
	return line, nil
}
