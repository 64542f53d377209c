package guard

import (
	"strings"

	"fob/internal/decide/policy"
	"fob/internal/decide/profile"
)

// AgentSetting is the key of a profile that says what agents get of it.
const AgentSetting = "fob_agent"

// AgentRuling is what an agent gets of a profile.
type AgentRuling struct {
	// Deny says why it gets nothing.
	Deny string
	// Policy is the name of a policy that narrows its session, or "".
	Policy string
	// File holds a policy, as a path that the person wrote.
	File string
	// Profile is the one that it gets in the place of this one.
	Profile string
	// Full says that nothing narrows its session.
	Full bool
	// From is what says so.
	From string
}

// Text is the value of the setting that the ruling stands for.
func (r AgentRuling) Text() string {
	switch {
	case r.Deny != "":
		return "deny"
	case r.Full:
		return "full"
	case r.File != "":
		return "file:" + r.File
	case r.Profile != "":
		return "profile:" + r.Profile
	}
	return r.Policy
}

const byDefault = "the default"

// RuleAgent says what an agent gets of p. Nothing but a line that says so gives more
// than reading, and a value that cannot be understood gives nothing. No line lifts
// a guard: who wants agents to read a guarded account names another profile.
func RuleAgent(p profile.Profile) AgentRuling {
	set, ok := p.Setting(AgentSetting)
	kind, rest, _ := strings.Cut(set.Value, ":")
	if level, g, known := Of(p); (level != None || !known) && kind != "profile" {
		return AgentRuling{Deny: "it is guarded (" + Setting + ", " + g.From + "): a person lets an agent have it each time", From: g.From}
	}
	if !ok || set.Value == "" {
		return AgentRuling{Policy: "read-only", From: byDefault}
	}
	r := AgentRuling{From: set.From}
	switch {
	case set.Value == "deny":
		r.Deny = "its config says fob_agent = deny (" + set.From + ")"
	case set.Value == "full":
		r.Full = true
	case set.Value == "view" || set.Value == "read-only" || set.Value == "plan":
		r.Policy = set.Value
	case kind == "file" && rest != "":
		r.File = rest
	case kind == "profile" && rest != "" && rest != p.Name:
		r.Profile = rest
	default:
		r.Deny = "fob_agent (" + set.From + ") is none of deny, view, read-only, plan, full, file:PATH, profile:OTHER"
	}
	return r
}

// Within says whether what a command line asks for is no more than the ruling
// gives: an agent may narrow itself, by a policy with a name.
func (r AgentRuling) Within(name string) bool {
	narrower, ok := policy.Narrower(name, r.Policy)
	return r.Full || ok && narrower == name
}

// Beside is the ruling where a profile passes on the session of another one: both
// hold. The default gives way to a line, and where it cannot be told which of two
// gives less, an agent gets nothing.
func (r AgentRuling) Beside(other AgentRuling) AgentRuling {
	narrower, ok := policy.Narrower(r.Policy, other.Policy)
	same := other
	same.From = r.From
	switch {
	case r.Deny != "", other.Full, other.From == byDefault, r == same:
		return r
	case other.Deny != "", r.Full, ok && narrower == other.Policy, !ok && r.From == byDefault:
		return other
	case ok:
		return r
	}
	return AgentRuling{Deny: "fob_agent (" + r.From + ") and that of the profile which it passes on (" + other.From + ") differ, and which of them gives less cannot be told", From: r.From}
}
