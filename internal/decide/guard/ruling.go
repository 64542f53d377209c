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
// profile it gets it: the config may put another one in its place. A profile that
// only passes on another's credentials gives no more than that one: a line there
// would be worth nothing if an alias led around it.
func RuleAgent(set profile.Set, name string) (ruling AgentRuling, of string) {
	return ruleAgent(set, name, map[string]bool{})
}

func ruleAgent(set profile.Set, name string, seen map[string]bool) (ruling AgentRuling, of string) {
	seen[name] = true
	p, err := set.Profile(name)
	if err != nil {
		p = set.Bare(name) // a key without a profile, or nothing: the plan says which
	}
	ruling = ruled(p)
	if ruling.Profile != "" {
		return elsewhere(set, name, ruling)
	}
	from := p.Value("source_profile")
	if p.Value("role_arn") != "" || from == "" || seen[from] {
		return ruling, name
	}
	passed, of := ruleAgent(set, from, seen)
	switch {
	case of == from:
		of = name
	case ruling.From != byDefault:
		passed, of = AgentRuling{Deny: passed.Deny, Profile: of, From: passed.From}, name
	}
	if ruling.From == byDefault {
		return passed, of
	}
	return ruling.stricter(passed), of
}

// elsewhere is the ruling of the profile that another one's line puts in its place.
// That one was made for agents, so it is narrowed where it says so itself.
func elsewhere(set profile.Set, name string, ruling AgentRuling) (AgentRuling, string) {
	other, err := set.Profile(ruling.Profile)
	if err != nil {
		return AgentRuling{Deny: "its " + AgentSetting + " (" + ruling.From + ") names profile " + profile.Shown(ruling.Profile) + ", which is not there"}, name
	}
	if own, ok := other.Setting(AgentSetting); !ok || own.Value == "" {
		if level, _, known := Of(other); level == None && known {
			return AgentRuling{Full: true, From: ruling.From}, other.Name
		}
	}
	second := ruled(other)
	if second.Profile != "" {
		second = AgentRuling{Deny: AgentSetting + " of profile " + profile.Shown(other.Name) + " (" + second.From + ") names a third profile"}
	}
	return second, other.Name
}

// stricter is what r leaves where the line of the profile that it passes on, b,
// holds too. Where it cannot be told which gives less, nothing is given.
func (r AgentRuling) stricter(b AgentRuling) AgentRuling {
	narrower, ok := policy.Narrower(r.Policy, b.Policy)
	switch {
	case r.Deny != "":
		return r
	case b.Deny != "":
		return b
	case b.From == byDefault, b.Full:
		return r
	case r.Full && b.Profile == "":
		return b
	case !ok:
		return AgentRuling{Deny: AgentSetting + " (" + r.From + ") stands beside that of the profile which it passes on (" + b.From + "), and which of them gives less cannot be told", From: r.From}
	case narrower == r.Policy:
		return r
	}
	return b
}

// ruled is what p says by itself. Nothing but a line that says so gives more than
// reading, and a value that cannot be understood gives nothing. No line lifts a
// guard: who wants agents to read a guarded account names another profile.
func ruled(p profile.Profile) AgentRuling {
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
	}
	return r
}

// Within says whether what a command line asks for is no more than the ruling
// gives: an agent may narrow itself, by a policy with a name.
func (r AgentRuling) Within(name string) bool {
	narrower, ok := policy.Narrower(name, r.Policy)
	return r.Full || ok && narrower == name
}
