package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/obtain/outside"
)

// processOf names the programs of the config that fob runs inside of, so that
// one which needs what it is to give is found out at once, through however many
// programs and processes.
const processOf = "FOB_PROCESS_OF"

// outside joins the sources to what gives them credentials.
func (k *keeper) outside(in source.InClearKind) source.Outside {
	s := k.sys
	return outsideOf{in: in, Outside: outside.Outside{
		Run: func(ctx context.Context, profile, line string) ([]byte, error) {
			k.close() // the program may be a fob, which must not wait for us
			return s.Credentials(ctx, line, s.mark(encodeName(profile)))
		},
		ReadFile: func(path string) ([]byte, error) {
			if rest, ok := strings.CutPrefix(path, "~/"); ok {
				path = front.Lookup(s.Environ, "HOME") + "/" + rest
			}
			return readSmall(path)
		},
		Do: direct, Now: s.Now,
		Lookup: func(name string) string {
			return front.Lookup(s.Environ, name)
		},
	}}
}

type outsideOf struct {
	outside.Outside
	in source.InClearKind
}

func (o outsideOf) InClear(_ context.Context, c source.InClear) (cred.Session, error) {
	return readInClear(o.in, c)
}

func (o outsideOf) Process(ctx context.Context, p source.Process) (cred.Session, error) {
	return o.Outside.Process(ctx, p.Profile, p.Line, p.From)
}

func (o outsideOf) Machine(ctx context.Context, m source.Machine) (cred.Session, error) {
	return o.Outside.Machine(ctx, m.Profile, m.Source, m.From)
}

func (o outsideOf) WebToken(ctx context.Context, t source.TokenFrom) (cred.Secret, error) {
	return o.Outside.WebToken(ctx, t.Profile, t.File, t.Process, t.From)
}

// mark tells a program, and all that it starts, that this run waits for it.
func (s System) mark(name string) string {
	return processOf + "=" + strings.Join(append(s.within(), name), ",")
}

// within are the programs that this run is inside of.
func (s System) within() []string {
	return strings.FieldsFunc(front.Lookup(s.Environ, processOf), func(r rune) bool { return r == ',' })
}

// endless says that a chain needs a program which is asking for this very chain.
// It is found out before a lock is taken: the outer run holds that lock. With
// a code that is given no program is asked for one.
func (s System) endless(c chain.Chain, hasCode bool) error {
	for _, step := range c.Steps {
		var name, from string
		switch step := step.(type) {
		case source.Process:
			name, from = step.Profile, step.From
		case source.WebIdentity:
			if step.Token.Process != "" {
				name, from = step.Profile, step.Token.From
			}
		}
		if m := source.Device(step); m.Process != "" && !hasCode && slices.Contains(s.within(), encodeDevice(m)) {
			return &fault.Error{
				What: fault.NoCredentials(c.Profile),
				Why:  fmt.Errorf("the command at %s needs a code of itself, and so would go on for ever", m.ProcessFrom),
				Next: []string{"get the code in another way there, or give it: --mfa-token CODE"}, Code: fault.Config,
			}
		}
		if name != "" && slices.Contains(s.within(), encodeName(name)) {
			return &fault.Error{
				What: fault.NoCredentials(c.Profile),
				Why:  fmt.Errorf("the command at %s asks for profile %q itself, and so would go on for ever", from, name),
				Next: []string{"name another profile in that command, or store a key: fob add " + fault.Operand(name)}, Code: fault.Config,
			}
		}
	}
	return nil
}

// encodeName makes a word without commas of a profile's name.
func encodeName(profile string) string { return fmt.Sprintf("%x", profile) }

// encodeDevice is encodeName for the command that gives the codes of a device.
func encodeDevice(m source.MFA) string { return encodeName("mfa_process " + m.ProcessFrom) }

// direct sends a request to an endpoint of this machine. A proxy must not see
// it, and where it leads elsewhere it is not followed: it may bear a token.
func direct(r *http.Request) (*http.Response, error) {
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client.Do(r)
}

// ending keeps the end of what was written to it.
type ending struct{ kept []byte }

// mostSaid is how much of a program's complaint a person is shown.
const mostSaid = 500

func (e *ending) Write(p []byte) (int, error) {
	e.kept = append(e.kept, p...)
	if over := len(e.kept) - 2*mostSaid; over > 0 {
		e.kept = append(e.kept[:0], e.kept[over:]...)
	}
	return len(p), nil
}

func (e *ending) text() string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(e.kept), "?"))
	if over := len(text) - mostSaid; over > 0 {
		text = "..." + strings.ToValidUTF8(text[over:], "")
	}
	return text
}

// programError is a program that gave no credentials: how it ended, and the end
// of what it said.
type programError struct {
	err  error
	said string
}

func (e *programError) Error() string {
	how := e.err.Error()
	exited := interface{ ExitCode() int }(nil)
	switch {
	case errors.Is(e.err, context.DeadlineExceeded):
		how = fmt.Sprintf("it did not end within %s", shellTime)
	case errors.Is(e.err, errTooMuch):
	case errors.As(e.err, &exited) && exited.ExitCode() < 0:
		how = "it was ended by a signal"
	case errors.As(e.err, &exited):
		how = fmt.Sprintf("exit status %d", exited.ExitCode())
	}
	if e.said != "" {
		how += ": " + fault.Printable(e.said)
	}
	return how
}

func (e *programError) Unwrap() error { return e.err }
