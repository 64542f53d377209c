// Package mfa gives the current code of an MFA device: one file per way to get
// one. It does not know profiles, what a code opens, or how it is sent.
package mfa

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/fault"
	"fob/internal/obtain/tty"
)

// Question is what a person must know to answer it. Serial is the device's ARN
// or number; the code is for this device and no other.
type Question struct {
	Serial  string
	Profile string // as the person typed it; may be empty
	Why     string // what the code opens
	Host    string // where the code is sent; empty when that is AWS's own
	Attempt int    // 0 and 1 are the first
	Problem string // why the last code was no good; empty on the first attempt
}

// Env is what drivers work with.
type Env struct {
	// OpenTTY opens the terminal; it is called when a person must be asked.
	OpenTTY func() (tty.TTY, error)
	// Process is the command line of mfa_process, ProcessFrom its position
	// (~/.aws/config:9).
	Process, ProcessFrom string
	// Code is what --mfa-token gave.
	Code cred.Secret
	// RunShell runs a command line as the shell does and gives its standard
	// output. Its error has the exit status as ExitCode() int, as
	// *exec.ExitError has it, and never holds output in its text.
	RunShell func(ctx context.Context, command string) (stdout []byte, err error)
	// RunProgram is RunShell for a program with its arguments and more variables.
	RunProgram func(ctx context.Context, argv []string, more ...string) (stdout []byte, err error)
	Installed  func(program string) bool
	// Named is the kind that --prompt names, empty for the one that fits.
	Named string
	// NoInput forbids to ask a person.
	NoInput bool
	// System is the operating system, as GOOS has it.
	System string
	Lookup func(variable string) string
	Now    func() time.Time
}

// Driver gives a code that CheckCode took. Errors are a *fault.Error, or the
// context's. Interactive says whether it asks a person, who may be asked again;
// Ready, whether there is anybody or anything to answer here and now.
type Driver interface {
	Code(ctx context.Context, q Question) (string, error)
	Interactive() bool
	Ready() bool
}

// Kind is one way to get a code.
type Kind struct {
	Name, Help string
	// Named says that --prompt may name it; the others follow from what is given.
	Named  bool
	Wanted func(Env) bool
	Open   func(Env) Driver
}

// Kinds is every way, the one that was asked for most plainly first.
func Kinds() []Kind {
	kinds := []Kind{given(), process(), terminal()}
	for _, p := range programs() {
		kinds = append(kinds, p.kind())
	}
	return kinds
}

// Choose opens the first kind that env wants, else the terminal, which says that
// it is not there.
func Choose(env Env) Driver {
	for _, k := range Kinds() {
		if k.Wanted(env) {
			return k.Open(env)
		}
	}
	return terminal().Open(env)
}

// CodeError is text that is no code. It does not hold the text, which may be a
// passphrase typed at the wrong question.
type CodeError struct {
	Digits int // how many, where there is nothing but digits
}

// Error says what a code is and what was wrong with this one.
func (e *CodeError) Error() string {
	if e.Digits > 0 {
		return "an MFA code has six digits, not " + strconv.Itoa(e.Digits)
	}
	return "an MFA code is six digits and nothing else"
}

// CheckCode gives text without its spaces when that is six ASCII digits, which
// is all that AWS takes (TokenCode of AssumeRole). Else the error is a
// *CodeError.
func CheckCode(text string) (string, error) {
	code := strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\u00a0', '\u2009', '\u202f': // authenticators show 123 456
			return -1
		}
		return r
	}, text)
	for _, r := range code {
		if r < '0' || r > '9' {
			return "", &CodeError{}
		}
	}
	if len(code) != 6 {
		return "", &CodeError{Digits: len(code)}
	}
	return code, nil
}

// noCode is the fault for a question that got no answer. A fault of the
// terminal's becomes this one, since the person asked for a code and not for a
// terminal.
func noCode(q Question, why error, next ...string) error {
	if errors.Is(why, context.Canceled) {
		return why
	}
	what := "cannot get an MFA code for " + q.Serial
	if q.Profile != "" {
		what += " (profile " + strconv.Quote(q.Profile) + ")"
	}
	f := &fault.Error{What: what, Why: why, Next: next, Code: fault.Attend}
	if asked := (*fault.Error)(nil); errors.As(why, &asked) {
		f.Why, f.Next = asked.Why, append(slices.Clone(asked.Next), next...)
	}
	return f
}

// byHand is the advice that helps against any driver.
const byHand = "give the code on the command line: --mfa-token CODE"
