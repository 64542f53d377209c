package mfa

import (
	"context"
	"errors"
	"strconv"
	"strings"
)

func process() Kind {
	return Kind{
		Name: "process", Help: "what the command of mfa_process prints",
		Wanted: func(e Env) bool { return e.Process != "" },
		Open:   func(e Env) Driver { return processDriver{env: e} },
	}
}

type processDriver struct{ env Env }

func (d processDriver) Interactive() bool { return false }

func (d processDriver) Code(ctx context.Context, q Question) (string, error) {
	out, err := d.env.RunShell(ctx, d.env.Process)
	defer clear(out)
	if ended := ctx.Err(); ended != nil {
		err = ended
	}
	code := ""
	if err == nil {
		code, err = printed(out)
	}
	if err == nil {
		return code, nil
	}
	return "", noCode(q, &ProcessError{From: d.env.ProcessFrom, Err: err},
		"correct mfa_process at "+d.env.ProcessFrom, byHand)
}

var errNothing = errors.New("it printed nothing")

// printed reads the command's output: one line, the code.
func printed(out []byte) (string, error) {
	text := strings.TrimSpace(string(out))
	if text == "" {
		return "", errNothing
	}
	return CheckCode(text)
}

// ProcessError is an mfa_process that gave no code. It says where the command
// stands and how it ended, never what it printed or what it is.
type ProcessError struct {
	From string // ~/.aws/config:9
	Err  error
}

// Error says the position and the exit status.
func (e *ProcessError) Error() string {
	return "mfa_process (" + e.From + "): " + e.how()
}

func (e *ProcessError) how() string {
	var exited interface{ ExitCode() int }
	var code *CodeError
	switch {
	case errors.As(e.Err, &code):
		return "what it printed is no code: " + code.Error()
	case errors.Is(e.Err, context.DeadlineExceeded):
		return "it took too long"
	case errors.As(e.Err, &exited) && exited.ExitCode() < 0:
		return "it was ended by a signal"
	case errors.As(e.Err, &exited):
		return "exit status " + strconv.Itoa(exited.ExitCode())
	}
	return e.Err.Error()
}

// Unwrap gives the cause.
func (e *ProcessError) Unwrap() error { return e.Err }
