package mfa

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"fob/internal/fault"
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

func (d processDriver) Ready() bool { return true }

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
	err = noCode(q, &ProcessError{Program: "mfa_process (" + d.env.ProcessFrom + ")", Err: err},
		"correct mfa_process at "+d.env.ProcessFrom, byHand)
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		f.Code = fault.Config
	}
	return "", err
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

// ProcessError is a program that gave no code. It says which one it was and how
// it ended, never what it printed.
type ProcessError struct {
	Program string // mfa_process (~/.aws/config:9), or zenity
	Err     error
}

// Error says the program and its exit status.
func (e *ProcessError) Error() string {
	return e.Program + ": " + e.how()
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
