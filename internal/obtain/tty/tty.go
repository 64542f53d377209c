// Package tty talks with the person at the controlling terminal, whatever
// standard input and output are connected to. It does not know what is asked
// for, or AWS.
package tty

import (
	"context"
	"errors"
	"os"
	"strings"
	"unicode/utf8"

	"fob/internal/cred"
	"fob/internal/fault"
)

// TTY is a person at a terminal. A question ends with context.Canceled on
// Ctrl-C, and with a *fault.Error with code Attend when nobody can answer: the
// terminal is gone, Ctrl-D was pressed, or this process is in the background.
// The terminal is as it was before, on every way out. All text is made
// Printable. It is not for use by several goroutines at once.
type TTY interface {
	// ReadHidden reads a line without showing it and then erases the question.
	// What was typed before the question is not an answer to it.
	ReadHidden(ctx context.Context, prompt string) (cred.Secret, error)
	// ReadLine reads a line that may be seen, without its end.
	ReadLine(ctx context.Context, prompt string) (string, error)
	// Confirm adds " [y/N] " and takes only y and yes for yes.
	Confirm(ctx context.Context, prompt string) (bool, error)
	// Say writes one line.
	Say(text string)
	// Draw writes lines of equal width black on white, whatever the terminal's
	// colours are. Where they do not fit on it, it draws nothing and says so.
	Draw(rows []string) (ok bool)
	// Close lets go of the terminal; standard input stays open.
	Close() error
}

// Options say where the terminal is. The zero value is right but for Stdin.
type Options struct {
	// Stdin is used where there is no controlling terminal and this is one. It
	// may be nil.
	Stdin *os.File
	// DevTTY is the controlling terminal's path, for tests; "" is the system's.
	DevTTY string
	// TypeAhead keeps what was typed before a hidden question, for scripts that
	// type everything at once.
	TypeAhead bool
}

// Open finds the terminal and checks that this process may ask there now. It
// writes nothing. The error is a *fault.Error with code Attend.
func Open(o Options) (TTY, error) { return open(o) }

// Printable is text as it is shown: on one line, with everything that could
// move the cursor or hide a part escaped.
func Printable(text string) string {
	return strings.ReplaceAll(fault.Printable(text), "\n", `\x0a`)
}

// maxAnswer is the longest answer in bytes. A Linux terminal drops what goes
// beyond 4095 bytes of a line without a word (n_tty), so an answer of that
// length may be a part of one.
const maxAnswer = 4094

var (
	errNoTerminal = errors.New("a person is needed, but there is no terminal to ask at")
	errBackground = errors.New("a person is needed, but fob runs in the background")
	errEnd        = errors.New("a person is needed, but the terminal gave no answer (Ctrl-D, or it was closed)")
	errTooLong    = errors.New("the answer is longer than 4094 bytes")
)

func attend(why error, next ...string) error {
	return &fault.Error{What: "cannot ask at the terminal", Why: why, Next: next, Code: fault.Attend}
}

func noTerminal() error { return attend(errNoTerminal, "run the same command in a terminal") }

func yes(answer string) bool {
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}

// drawn is the text of a picture, or nothing where it is wider than a terminal of
// so many columns. A character has one column here.
func drawn(rows []string, columns int, end string) string {
	var b strings.Builder
	for _, row := range rows {
		if utf8.RuneCountInString(row) > columns {
			return ""
		}
		b.WriteString("\x1b[30;47m" + Printable(row) + "\x1b[0m" + end)
	}
	return b.String()
}

// blank covers a question of so many columns, without escape sequences: they
// would be text on a dumb terminal.
func blank(columns int) string { return "\r" + strings.Repeat(" ", columns) + "\r" }
