package chain

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"fob/internal/decide/guard"
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
	if err := v.checkSwitch(); err != nil {
		return nil, err
	}
	v.stripEnv()
	if v.req.Profile == "" {
		return v.fromEnvironment(), nil
	}
	var links []link
	seen := map[string]bool{}
	for name := v.req.Profile; ; {
		target := len(links) == 0
		p, err := v.load(name, target)
		if err != nil {
			return nil, v.missing(err, links)
		}
		seen[name] = true
		l, next, err := v.link(p, target)
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
	if unknown := (*profile.UnknownError)(nil); errors.As(err, &unknown) && (v.hasKey(name) || v.knows(name)) {
		p, err = v.set.Bare(name), nil
	}
	if err != nil {
		return p, err
	}
	if p = p.With(overlay(v.req.Env, target)...); target {
		v.target = p
	}
	return p, knownToFob(p)
}

// knows says whether one of the kinds has credentials for a name that the config
// does not have.
func (v *resolver) knows(name string) bool {
	return slices.ContainsFunc(v.kinds, func(k source.Kind) bool {
		more, ok := k.(interface{ Knows(string) bool })
		return ok && more.Knows(name)
	})
}

// link decides what one profile adds and which profile comes before it ("" where
// the chain begins at this one).
func (v *resolver) link(p profile.Profile, target bool) (link, string, error) {
	if _, set, ok := guard.Of(p); !ok {
		return link{}, "", &source.SettingError{Setting: set, Why: "is no guard, and fob refuses rather than go on unguarded", Next: []string{"write it as " + guard.Known()}}
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
			v.note("profile " + strconv.Quote(p.Name) + " has a stored key, which goes before its source_profile (" + from.From + ")")
		}
		return l, "", nil
	case has && both:
		return l, "", oneOf(machine, from)
	case has && webIdentity(p).From != "":
		return l, "", oneOf(webIdentity(p), from)
	case has && from.Value == "":
		return l, "", &source.SettingError{Setting: from, Why: "is empty"}
	case has && from.Value == p.Name:
		return l, "", &source.SettingError{Setting: from, Why: "names the profile itself, which has no stored key", Next: []string{"fob add " + fault.Operand(p.Name), "or name the profile that has the key"}}
	case has:
		if l.role == nil {
			v.note("profile " + strconv.Quote(p.Name) + " has no role: it uses the credentials of its source_profile " + strconv.Quote(from.Value) + " (" + from.From + ")")
		}
		return l, from.Value, nil
	}
	if l.begin, err = v.begin(p, target); err != nil {
		return l, "", err
	}
	if key, ok := l.begin.(source.InClear); ok {
		v.warn("profile " + strconv.Quote(p.Name) + " has its key in the clear (" + key.From + "), where every program can read it: fob import takes it into the store")
		if !key.Ends {
			v.chain.InClear, l.begin = key, nil
			return l, "", nil
		}
	}
	if l.begin != nil {
		if v.entersRole(l.begin) {
			l.role = nil
		}
		return l, "", nil
	}
	if arn, ok := p.Setting("role_arn"); ok {
		return l, "", &source.SettingError{Setting: arn, Why: "needs credentials to assume it with: profile " + quoted(p.Name) + " has no stored key, no source_profile and no credential_source", Next: []string{"add a line: source_profile = NAME"}}
	}
	return l, "", &noKeyError{name: p.Name, where: p.Where()}
}

// begin plans what the chain begins with at p. What EKS and CI systems put into
// the environment serves the profile that was named, where it asks for nothing
// of its own.
func (v *resolver) begin(p profile.Profile, target bool) (source.Step, error) {
	step, err := v.plan(p, true)
	file, arn := v.req.Env["AWS_WEB_IDENTITY_TOKEN_FILE"], v.req.Env["AWS_ROLE_ARN"]
	if _, own := p.Setting("role_arn"); step != nil || err != nil || own || !target || file == "" || arn == "" {
		return step, err
	}
	v.note("profile " + strconv.Quote(p.Name) + " has no key and no source of its own: the web identity of the environment is used (AWS_WEB_IDENTITY_TOKEN_FILE)")
	over := []profile.Setting{
		{Key: "web_identity_token_file", Value: file, From: "environment variable AWS_WEB_IDENTITY_TOKEN_FILE"},
		{Key: "role_arn", Value: arn, From: "environment variable AWS_ROLE_ARN"},
	}
	if name := v.req.Env["AWS_ROLE_SESSION_NAME"]; name != "" {
		over = append(over, profile.Setting{Key: "role_session_name", Value: name, From: "environment variable AWS_ROLE_SESSION_NAME"})
	}
	return v.plan(p.With(over...), true)
}

// webIdentity is the setting by which p asks for a web identity; its value is
// left out, since it may hold a secret.
func webIdentity(p profile.Profile) profile.Setting {
	for _, key := range []string{"web_identity_token_file", "web_identity_token_process"} {
		if set, ok := p.Setting(key); ok {
			return profile.Setting{Key: key, Value: "...", From: set.From}
		}
	}
	return profile.Setting{}
}

// oneOf refuses two settings that each say where the credentials come from: the
// tools differ in which of them they take.
func oneOf(a, b profile.Setting) error {
	return &source.SettingError{Setting: a, Why: "stands beside " + b.Key + " (" + b.From + "), and only one of the two can be used", Next: []string{"remove one of the two lines"}}
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

// note is for every run, also one that shows no note, so its callers leave fmt
// alone.
func (v *resolver) note(text string) { v.chain.Notes = append(v.chain.Notes, text) }

func (v *resolver) warn(text string) { v.chain.Warnings = append(v.chain.Warnings, text) }
