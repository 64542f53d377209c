package chain

import (
	"errors"
	"fmt"

	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

// longestChain bounds the roles of one chain. AWS has no such limit; a longer
// one is a mistake in a generated config.
const longestChain = 20

// link is one profile on the way: the target first, the one that begins last.
type link struct {
	profile profile.Profile
	role    *source.AssumeRole // nil: passes on what comes before it
	begin   source.Step        // what the chain begins with where no key is stored
}

// walk follows source_profile from the target to the profile with the key.
func (v *resolver) walk() ([]link, error) {
	var links []link
	seen := map[string]bool{}
	for name := v.req.Profile; ; {
		p, err := v.load(name, len(links) == 0)
		if err != nil {
			return nil, v.missing(err, links)
		}
		seen[name] = true
		l, next, err := v.link(p)
		if err != nil {
			return nil, err
		}
		links = append(links, l)
		if next == "" {
			if l.begin == nil {
				v.chain.Key = name
			}
			return links, nil
		}
		if seen[next] {
			return nil, circle(links, next)
		}
		if len(links) > longestChain {
			return nil, &fault.Error{What: what(v.req.Profile), Why: fmt.Errorf("source_profile goes on for more than %d profiles, from %q to %q and further", longestChain, v.req.Profile, next), Code: fault.Config}
		}
		name = next
	}
}

// load reads one profile and lays the environment over it. The settings of a
// role in the environment are the target's alone.
func (v *resolver) load(name string, target bool) (profile.Profile, error) {
	p, err := v.set.Profile(name)
	if unknown := (*profile.UnknownError)(nil); errors.As(err, &unknown) && v.hasKey(name) {
		p, err = v.set.Bare(name), nil
	}
	if err != nil {
		return p, err
	}
	return p.With(overlay(v.req.Env, target)...), nil
}

// link decides what one profile adds and which profile comes before it ("" where
// the chain begins at this one).
func (v *resolver) link(p profile.Profile) (link, string, error) {
	if set, ok := p.Setting("fob_guard"); ok && set.Value != "none" {
		return link{}, "", &source.SettingError{Setting: set, Why: "asks for a guard, which this version of fob does not keep; it refuses rather than go on unguarded"}
	}
	step, err := v.plan(p, false)
	if err != nil {
		return link{}, "", err
	}
	l := link{profile: p}
	if role, ok := step.(source.AssumeRole); ok {
		l.role = &role
	}
	from, has := p.Setting("source_profile")
	machine, both := p.Setting("credential_source")
	switch {
	case v.hasKey(p.Name):
		if has && from.Value != p.Name {
			v.note("profile %q has a stored key, which goes before its source_profile (%s)", p.Name, from.From)
		}
		return l, "", nil
	case has && both:
		return l, "", &source.SettingError{Setting: machine, Why: "stands beside source_profile (" + from.From + "), and only one of the two can be used", Next: []string{"remove one of the two lines"}}
	case has && from.Value == "":
		return l, "", &source.SettingError{Setting: from, Why: "is empty"}
	case has && from.Value == p.Name:
		return l, "", &source.SettingError{Setting: from, Why: "names the profile itself, which has no stored key", Next: []string{"fob add " + fault.Word(p.Name), "or name the profile that has the key"}}
	case has:
		if l.role == nil {
			v.note("profile %q has no role: it uses the credentials of its source_profile %q (%s)", p.Name, from.Value, from.From)
		}
		return l, from.Value, nil
	}
	if l.begin, err = v.plan(p, true); err != nil || l.begin != nil {
		return l, "", err
	}
	if arn, ok := p.Setting("role_arn"); ok {
		return l, "", &source.SettingError{Setting: arn, Why: "needs credentials to assume it with: profile " + quoted(p.Name) + " has no stored key, no source_profile and no credential_source", Next: []string{"add a line: source_profile = NAME"}}
	}
	return l, "", &noKeyError{name: p.Name, where: p.Where()}
}

// plan asks the kinds in turn: those that begin a chain, or those that do not.
func (v *resolver) plan(p profile.Profile, begins bool) (source.Step, error) {
	for _, kind := range v.kinds {
		if kind.Begins() != begins {
			continue
		}
		if step, err := kind.Plan(p); err != nil || step != nil {
			return step, err
		}
	}
	return nil, nil
}

func (v *resolver) note(format string, args ...any) {
	v.chain.Notes = append(v.chain.Notes, fmt.Sprintf(format, args...))
}

func (v *resolver) warn(format string, args ...any) {
	v.chain.Warnings = append(v.chain.Warnings, fmt.Sprintf(format, args...))
}
