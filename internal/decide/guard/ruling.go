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
	// Mend says what corrects the config where Deny is a mistake in it, which no
	// grant mends.
	Mend string
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
		return policy.Full
	case r.File != "":
		return "file:" + r.File
	case r.Profile != "":
		return "profile:" + r.Profile
	}
	return r.Policy
}

const byDefault = "the default"

// RuleAgent says what an agent gets of the profile of that name, and of which
// profile it gets it: the config may put another one in its place. That one was
// made for agents, so it is narrowed where it says so itself.
func RuleAgent(set profile.Set, name string) (ruling AgentRuling, of string) {
	p, err := set.Profile(name)
	if err != nil {
		p = set.Bare(name) // a key without a profile, or nothing: the plan says which
	}
	ruling = passed(set, p)
	if ruling.Profile == "" {
		return ruling, name
	}
	other, err := set.Profile(ruling.Profile)
	if err != nil {
		return AgentRuling{
			Deny: "its " + AgentSetting + " (" + ruling.From + ") names profile " + profile.Shown(ruling.Profile) + ", which is not there",
			Mend: mend(profile.Setting{Key: AgentSetting, From: ruling.From, Value: ruling.Profile}, "profile:", set.Names()),
		}, name
	}
	second := passed(set, other)
	if own, ok := other.Setting(AgentSetting); second.Deny == "" && (!ok || own.Value == "") {
		return AgentRuling{Full: true, From: ruling.From}, other.Name
	}
	if second.Profile != "" {
		second = AgentRuling{
			Deny: AgentSetting + " of profile " + profile.Shown(other.Name) + " (" + second.From + ") names a third profile",
			Mend: "name that one, or write another value: " + AgentSetting + " (" + ruling.From + ")",
		}
	}
	return second, other.Name
}

// passed is the ruling of p and, where it has no role and passes on the session of
// another profile, of that one too: what is handed out is that one's.
func passed(set profile.Set, p profile.Profile) AgentRuling {
	ruling := ruled(p)
	for seen := map[string]bool{p.Name: true}; p.Value("role_arn") == ""; seen[p.Name] = true {
		from, err := set.Profile(p.Value("source_profile"))
		if err != nil || seen[from.Name] {
			break // nothing, or a mistake: the plan says so
		}
		ruling, p = ruling.Beside(ruled(from)), from
	}
	return ruling
}

// ruled is what p says by itself. Nothing but a line that says so gives more than
// reading, and a value that cannot be understood gives nothing. No line lifts a
// guard: who wants agents to read a guarded account names another profile.
func ruled(p profile.Profile) AgentRuling {
	set, ok := p.Setting(AgentSetting)
	kind, rest, _ := strings.Cut(set.Value, ":")
	level, g, known := Of(p)
	if !known {
		return AgentRuling{
			Deny: Setting + " (" + g.From + ") is none of " + Known() + ", and so nothing is given", From: g.From,
			Mend: mend(g, "", []string{"none", string(Confirm), string(Code)}),
		}
	}
	if level != None && kind != "profile" {
		return AgentRuling{Deny: "it is guarded (" + Setting + ", " + g.From + "): a person lets an agent have it each time", From: g.From}
	}
	if !ok || set.Value == "" {
		return AgentRuling{Policy: "read-only", From: byDefault}
	}
	r := AgentRuling{From: set.From}
	switch {
	case set.Value == "deny":
		r.Deny = "its config says fob_agent = deny (" + set.From + ")"
	case set.Value == policy.Full:
		r.Full = true
	case policy.Known(set.Value):
		r.Policy = set.Value
	case kind == "file" && rest != "":
		r.File = rest
	case kind == "profile" && rest != "" && rest != p.Name:
		r.Profile = rest
	default:
		r.Deny = "fob_agent (" + set.From + ") is none of deny, " + strings.Join(policy.Names(), ", ") + ", " + policy.Full + ", file:PATH, profile:OTHER"
		r.Mend = mend(set, "", append(policy.Names(), policy.Full, "deny"))
	}
	return r
}

// mend says what corrects a setting whose value, to be written behind prefix, is a
// slip.
func mend(set profile.Setting, prefix string, known []string) string {
	text := "correct " + set.Key + " at " + set.From
	if near := profile.Near(set.Value, known); len(near) > 0 {
		text += ": did you mean " + prefix + near[0] + "?"
	}
	return text
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
