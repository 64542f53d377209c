package mfa

import (
	"context"
	"errors"

	"fob/internal/cred"
	"fob/internal/fault"
)

func given() Kind {
	return Kind{
		Name: "given", Help: "the code that --mfa-token gives, once",
		Wanted: func(e Env) bool { return !e.Code.IsZero() },
		Open:   func(e Env) Driver { return &givenDriver{code: e.Code} },
	}
}

// givenDriver forgets its code when it hands it out: AWS takes a code once.
type givenDriver struct{ code cred.Secret }

func (d *givenDriver) Interactive() bool { return false }

func (d *givenDriver) Ready() bool { return true }

func (d *givenDriver) Code(ctx context.Context, q Question) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if d.code.IsZero() {
		const once = "the code of --mfa-token can be used once"
		why := errors.New(once + ", and another one is needed")
		if q.Problem != "" {
			why = errors.New(q.Problem + "; " + once)
		}
		return "", noCode(q, why, "leave --mfa-token out, to be asked for each code")
	}
	code, err := CheckCode(d.code.Reveal())
	if err != nil {
		return "", &fault.Error{What: "cannot use the code of --mfa-token", Why: err, Code: fault.Usage}
	}
	d.code = cred.Secret{}
	return code, nil
}
