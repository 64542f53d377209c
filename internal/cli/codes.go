package cli

import (
	"context"
	"runtime"
	"slices"
	"strings"

	"fob/internal/cred"
	"fob/internal/decide/source"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/obtain/mfa"
)

// driver chooses the way to get codes for a device; given is that of
// --mfa-token.
func (k *keeper) driver(given cred.Secret) func(source.MFA) mfa.Driver {
	s, named := k.sys, k.g.prompt
	if k.onlyTyped {
		named = "terminal"
	}
	return func(m source.MFA) mfa.Driver {
		if s.unasked() || k.onlyTyped {
			m.Process, m.ProcessFrom = "", ""
		}
		return mfa.Choose(mfa.Env{
			OpenTTY: s.OpenTTY, Process: m.Process, ProcessFrom: m.ProcessFrom, Code: given,
			RunShell: func(ctx context.Context, line string) ([]byte, error) {
				k.close() // the command may be a fob, which must not wait for us
				return s.Shell(ctx, line, s.mark(encodeDevice(m)))
			},
			RunProgram: s.Program, Installed: s.installed,
			Named: named, NoInput: k.g.noInput, System: runtime.GOOS, Lookup: s.lookup, Now: s.Now,
		})
	}
}

func (s System) lookup(variable string) string { return front.Lookup(s.Environ, variable) }

// variable reads a variable of the environment, and says whether it is set.
func (s System) variable(name string) (string, bool) {
	set := slices.ContainsFunc(s.Environ, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	return front.Lookup(s.Environ, name), set
}

func (s System) installed(program string) bool {
	_, err := launch.LookPath(program, s.Environ)
	return err == nil
}

// alone says that nobody may be asked, at the terminal or in a window that
// opens by itself.
func (k *keeper) alone() bool {
	if k.g.noInput {
		return true
	}
	return !k.sys.canAsk() && !mfa.Env{System: runtime.GOOS, Lookup: k.sys.lookup}.Screen()
}

// canAsk says whether there is a person to ask.
func (s System) canAsk() bool {
	t, err := s.OpenTTY()
	if err != nil {
		return false
	}
	_ = t.Close()
	return true
}

// checkGivenCode refuses what --mfa-token cannot mean.
func checkGivenCode(code string) error {
	if code == "" {
		return nil
	}
	if _, err := mfa.CheckCode(code); err != nil {
		return &fault.Error{What: "cannot use the code of --mfa-token", Why: err, Code: fault.Usage}
	}
	return nil
}
