// Package fault is the error that is written for a person: what could not be
// done, why, and what to try next. Its code chooses the exit status. It knows
// nothing of what can go wrong.
package fault

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Code says which kind of help is needed; as a number it is the exit status.
type Code int

// The exit statuses, as `fob help exit-status` prints them.
const (
	Failed  Code = 1 // nothing more specific
	Usage   Code = 2 // the command line is wrong
	Config  Code = 3 // a profile is wrong: edit the file
	Attend  Code = 4 // a person is needed: code, browser, passphrase
	Refused Code = 5 // AWS said no
	Locked  Code = 6 // the secret store cannot be opened

	// The next three belong to exec, as env(1), chroot(1) and docker run have them.
	Launcher    Code = 125 // a failure of fob's own inside exec
	CannotRun   Code = 126 // the command is there and cannot be run
	NotFound    Code = 127 // there is no such command
	Interrupted Code = 130 // ended by Ctrl-C
)

// Statuses explains each status in the words of the help topic, in order.
func Statuses() []struct {
	Code Code
	Text string
} {
	return []struct {
		Code Code
		Text string
	}{
		{0, "done"},
		{Failed, "failed, nothing more specific"},
		{Usage, "the command line is wrong"},
		{Config, "a profile is wrong: edit the file that the message names"},
		{Attend, "a person is needed: an MFA code, a passphrase, a browser"},
		{Refused, "AWS said no"},
		{Locked, "the secret store cannot be opened"},
		{Launcher, "in exec: any failure of fob's own, so that it cannot be taken for the command's"},
		{CannotRun, "in exec: the command was found and cannot be run"},
		{NotFound, "in exec: there is no such command"},
		{Interrupted, "interrupted"},
	}
}

// Error is one failure, told once. What is in the words the person used; Why is
// the cause as it was; Next holds at most three things to try, likeliest first.
type Error struct {
	What string
	Why  error
	Next []string
	Code Code
}

// Error gives What and Why on one line, for logs and wrapping.
func (e *Error) Error() string {
	if e.Why == nil {
		return e.What
	}
	return e.What + ": " + e.Why.Error()
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Why }

// CodeOf is the exit status that err asks for: 0 for nil, 130 for an
// interrupted run, the fault's own code where there is one, else Failed.
func CodeOf(err error) Code {
	if err == nil {
		return 0
	}
	if f := (*Error)(nil); errors.As(err, &f) && f.Code != 0 {
		return f.Code
	}
	if errors.Is(err, context.Canceled) {
		return Interrupted
	}
	return Failed
}

// Scarce gives err the advice that helps where this process, or the machine, had
// no file descriptor left: nothing that was being done is to blame.
func Scarce(err error) error {
	if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
		return err
	}
	f := &Error{What: "cannot go on", Why: err}
	if told := (*Error)(nil); errors.As(err, &told) {
		*f = *told
	}
	f.Next = []string{"allow more open files: ulimit -n 1024"}
	if f.Code < Launcher {
		f.Code = Failed
	}
	return f
}

// Render writes err for a person, in the name of the program they called.
func Render(w io.Writer, program string, err error) {
	var b strings.Builder
	f := (*Error)(nil)
	if !errors.As(err, &f) {
		f = &Error{What: err.Error()}
	}
	b.WriteString(program + ": " + Line(f.What) + "\n")
	if f.Why != nil {
		b.WriteString("  because: " + indent(Printable(f.Why.Error())) + "\n")
	}
	for _, n := range f.Next {
		b.WriteString("  try: " + Line(n) + "\n")
	}
	_, _ = io.WriteString(w, b.String())
}

func indent(s string) string { return strings.ReplaceAll(s, "\n", "\n    ") }

// Line is Printable for what has one line, so that a name with a line feed in it
// cannot forge a second one.
func Line(s string) string { return strings.ReplaceAll(Printable(s), "\n", `\n`) }

// Word makes one word of a shell command line, for commands that a person is
// told to try.
func Word(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Operand is Word for what a command is to take for no flag, whatever it begins
// with. Nothing but other operands may follow it.
func Operand(s string) string {
	if strings.HasPrefix(s, "-") {
		return "-- " + Word(s)
	}
	return Word(s)
}

// NoCredentials is what could not be done where a profile's are not to be had.
func NoCredentials(profile string) string {
	return "cannot get credentials for profile " + strconv.Quote(profile)
}

// Lasting writes 8h0m0s as people do.
func Lasting(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Printable escapes everything that could move a terminal's cursor or forge a
// line: text in a message may come from a config file, a peer or AWS. Line
// feeds stay, for causes of several lines; Render indents them.
func Printable(s string) string {
	bad := func(r rune) bool {
		return r != '\n' && (r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0xfffd || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff)
	}
	if strings.IndexFunc(s, bad) < 0 {
		return s
	}
	const hex = "0123456789abcdef"
	var b strings.Builder
	for _, r := range s {
		switch {
		case !bad(r):
			b.WriteRune(r)
		case r < 0x100:
			b.WriteString(`\x` + string(hex[r>>4]) + string(hex[r&15]))
		default:
			b.WriteString(`\u` + string(hex[r>>12&15]) + string(hex[r>>8&15]) + string(hex[r>>4&15]) + string(hex[r&15]))
		}
	}
	return b.String()
}
