package front

import (
	"errors"
	"io"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/deliver/export"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
)

// Child is the command that gets a session: the environment that fob itself
// has, the words, and the chain that the session is the end of.
type Child struct {
	Environ, Argv []string
	Chain         chain.Chain
	// ByName gives the child the profile's name in the place of the session.
	ByName bool
	// Endpoint, if it is not nil, is what the child gets in the place of the
	// session.
	Endpoint *launch.Endpoint
}

// Replacing says that a nested run gives a command the credentials of by in the
// place of the outer ones; "" where there are none, or the same.
func Replacing(environ []string, by string) string {
	outer := Lookup(environ, "AWS_VAULT")
	if outer == "" || outer == by {
		return ""
	}
	return "replacing the credentials of profile " + profile.Shown(outer) + " by those of " + profile.Shown(by)
}

// Launch puts the command in fob's place. A nested run says that it replaces
// the outer credentials: they are not mixed with the inner ones, they are gone.
func Launch(exec launch.Exec, stderr io.Writer, child Child, session cred.Session) error {
	c := child.Chain
	if text := Replacing(child.Environ, c.Profile); text != "" {
		_, _ = io.WriteString(stderr, "fob: "+text+"\n")
	}
	if child.ByName {
		session = cred.Session{}
	}
	settings := launch.Settings{Profile: c.Profile, Region: c.Region, Endpoint: c.Endpoint, ByName: child.ByName}
	if child.Endpoint != nil {
		return launch.Run(exec, child.Argv, launch.ServedEnviron(child.Environ, settings, *child.Endpoint))
	}
	environ := launch.Environ(child.Environ, settings, session)
	return launch.Run(exec, child.Argv, environ)
}

// Print writes the session for another program to read.
func Print(w io.Writer, format export.Format, c chain.Chain, session cred.Session) error {
	err := format.Write(w, export.Output{Profile: c.Profile, Region: c.Region, Session: session})
	if f := (*fault.Error)(nil); err == nil || errors.As(err, &f) {
		return err
	}
	return &fault.Error{What: "cannot write the credentials", Why: err, Code: fault.Failed}
}

// mostEarly is how long before its end an SDK is told at most that a session ends.
const mostEarly = time.Minute

// ForProcess is session as the SDK behind a credential_process line is told it: with
// an end a little before the true one. The Go SDK uses it to the second that it is
// told, and with a call that it sends again even longer, so what is under way at the
// end would be refused. By then fob has another one: what is handed out holds for
// minLeft.
func ForProcess(session cred.Session, minLeft time.Duration, now time.Time) cred.Session {
	early := min(mostEarly, minLeft/5)
	if !session.Expires.IsZero() && session.Left(now) > 2*early {
		session.Expires = session.Expires.Add(-early)
	}
	return session
}
