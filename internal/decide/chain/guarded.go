package chain

import (
	"errors"
	"slices"
	"strings"
	"time"

	"fob/internal/decide/guard"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

// knownToFob refuses a setting of fob's that it does not know: whoever misspells a
// guard, or has one of a later version, means it all the same.
func knownToFob(p profile.Profile) error {
	for _, set := range p.Begins("fob") {
		if slices.Contains(ofFob(), set.Key) || !strings.HasPrefix(set.Key, "fob_") && !strings.HasPrefix(set.Key, "fob-") {
			continue
		}
		near := "name one that fob has: " + strings.Join(ofFob(), ", ")
		if meant := profile.Near(set.Key, ofFob()); len(meant) > 0 {
			near = "did you mean " + meant[0] + "?"
		}
		return &source.SettingError{Setting: set, Why: "is no setting of fob", Next: []string{near}}
	}
	return nil
}

func ofFob() []string {
	return []string{guard.Setting, guard.AgentSetting, "fob_agent_session_name", "fob_policy", "fob_directory"}
}

// guardedMax is how long a session holds that a guard stands before: after that a
// person is asked again.
const guardedMax = time.Hour

// placeGuarded is place with what the target's guard wants.
func (v *resolver) placeGuarded(links []link) error {
	v.guarded(links)
	if err := v.place(links); err != nil {
		return err
	}
	return v.passable(links)
}

// guarded finds the guard of what is handed out: that of the target, and where it
// only passes on what comes before it, that of the profile which it is of. A
// profile on the way to another role is not what is handed out.
func (v *resolver) guarded(links []link) {
	if v.req.Unguarded {
		return
	}
	for _, l := range links {
		level, _, _ := guard.Of(l.profile)
		v.chain.Guard = guard.Stricter(v.chain.Guard, level)
		if l.role != nil {
			break
		}
	}
	v.guardedElsewhere()
	switch v.chain.Guard {
	case guard.Confirm:
		v.note("guarded (confirm): somebody types the profile's name at the terminal first; it serves this terminal session alone, for at most 1h")
	case guard.Code:
		v.note("guarded (code): a session of its own by a fresh code, never from the shared MFA session; it serves this terminal session alone, for at most 1h")
	}
}

// guardedElsewhere guards a role that the environment puts into a profile as the
// profiles do that have it in the config: no variable lifts a guard.
func (v *resolver) guardedElsewhere() {
	arn := v.req.Env["AWS_ROLE_ARN"]
	if arn == "" {
		return
	}
	for _, name := range v.set.Names() {
		p, err := v.set.Profile(name)
		if err != nil || p.Value("role_arn") != arn {
			continue
		}
		level, _, ok := guard.Of(p)
		if !ok {
			level = guard.Code // whatever was meant
		}
		v.chain.Guard = guard.Stricter(v.chain.Guard, level)
	}
}

// guardedLife cuts what a guarded session is asked for.
func (v *resolver) guardedLife(life time.Duration, from string) time.Duration {
	if v.chain.Guard == guard.None || life <= guardedMax {
		return life
	}
	v.warn(from + " asks for " + life.String() + ", but the guard of profile " + quoted(v.req.Profile) + " lets a session hold for 1h at most")
	return guardedMax
}

// Handed is what the guard of c rules on. Who types the code is not known here.
func (c Chain) Handed() guard.Handed {
	return guard.Handed{
		Level: c.Guard, StoredKey: len(c.Steps) == 0,
		NoCode: !slices.ContainsFunc(c.Steps, func(s source.Step) bool { return source.Device(s).Serial != "" }),
	}
}

// passable refuses what the guard cannot be kept for.
func (v *resolver) passable(links []link) error {
	ruling := guard.Rule(v.chain.Handed())
	if ruling.Refused == "" {
		return nil
	}
	f := &fault.Error{What: what(v.req.Profile), Why: errors.New(string(ruling.Refused)), Code: fault.Config}
	_, set, _ := guard.Of(links[0].profile)
	switch {
	case ruling.Refused == guard.KeyUnderCode:
		f.Next = []string{"leave --no-session out, and get a session that ends"}
	case v.req.Console == Federated:
		f.Next = []string{"open the console of an account that you enter by a role: fob login PROFILE"}
	default:
		f.Next = []string{"add a line: mfa_serial = ARN"}
	}
	if set.From != "" {
		f.Next = append(f.Next, "or have the name typed instead: fob_guard = confirm ("+set.From+")")
	}
	return f
}
