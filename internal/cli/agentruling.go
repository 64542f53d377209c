package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/guard"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

// grantLine is what a person runs who lets this agent have a profile once.
func (s System) grantLine(name string) string {
	return "fob grant " + fault.Word(name) + " --to " + fault.Word(s.agent.ID)
}

// ruleAgent settles what an agent gets of the profile that w names: perhaps
// another profile, and what narrows it. A grant of a person's goes before.
func (k *keeper) ruleAgent(set profile.Set, w wanted, r chain.Request) (chain.Request, error) {
	ruling, name := k.ruling(set, w.profile)
	denied := guardRefusal{
		what:    "cannot give credentials of profile " + profile.Shown(w.profile) + " to agent " + profile.Shown(k.sys.agent.ID),
		profile: w.profile, ask: k.sys.grantLine(w.profile),
	}
	if ruling.Deny != "" {
		denied.why = ruling.Deny
		return r, k.sys.refuse(denied)
	}
	r.Profile = name
	if !r.Policy.IsZero() {
		if !ruling.Within(r.Policy.Name) {
			denied.why = "--policy asks for something else than the profile's fob_agent gives (" + ruling.Text() + ", " + ruling.From + ")"
			denied.next = []string{"leave the policy out, or name a narrower one: view, read-only, plan"}
			return r, k.sys.refuse(denied)
		}
		return r, nil
	}
	narrow, err := k.policyOf(ruling)
	if err != nil {
		return r, &fault.Error{What: "cannot narrow the session of profile " + profile.Shown(name), Why: fmt.Errorf("fob_agent (%s): %w", ruling.From, err), Code: fault.Config}
	}
	r.Policy = narrow
	k.noteNarrowed(name, ruling)
	return r, nil
}

// ruling is what the config says of a profile, and of the one that it puts in its
// place. That one was made for agents: it is narrowed where it says so itself.
func (k *keeper) ruling(set profile.Set, name string) (guard.AgentRuling, string) {
	p, err := set.Profile(name)
	if err != nil {
		p = set.Bare(name) // a key without a profile, or nothing: the plan says which
	}
	ruling := rulePassed(set, p)
	if ruling.Profile == "" {
		return ruling, name
	}
	other, err := set.Profile(ruling.Profile)
	if err != nil {
		return guard.AgentRuling{Deny: "its fob_agent (" + ruling.From + ") names profile " + profile.Shown(ruling.Profile) + ", which is not there"}, name
	}
	second := rulePassed(set, other)
	if own, ok := other.Setting(guard.AgentSetting); second.Deny == "" && (!ok || own.Value == "") {
		return guard.AgentRuling{Full: true, From: ruling.From}, ruling.Profile
	}
	if second.Profile != "" {
		second = guard.AgentRuling{Deny: "fob_agent of profile " + profile.Shown(ruling.Profile) + " (" + second.From + ") names a third profile"}
	}
	return second, ruling.Profile
}

// rulePassed is the ruling of a profile and, where it has no role and passes on the
// session of another one, of that one too: what is handed out is that one's.
func rulePassed(set profile.Set, p profile.Profile) guard.AgentRuling {
	ruling := guard.RuleAgent(p)
	for seen := map[string]bool{p.Name: true}; p.Value("role_arn") == ""; seen[p.Name] = true {
		from, err := set.Profile(p.Value("source_profile"))
		if err != nil || seen[from.Name] {
			break // nothing, or a mistake: the plan says so
		}
		ruling, p = ruling.Beside(guard.RuleAgent(from)), from
	}
	return ruling
}

// policyOf is the session policy of a ruling.
func (k *keeper) policyOf(ruling guard.AgentRuling) (chain.Policy, error) {
	p := chain.Policy{Name: ruling.Policy, From: guard.AgentSetting + ", " + ruling.From}
	if ruling.File == "" {
		return p, nil
	}
	path := ruling.File
	if rest, ok := strings.CutPrefix(path, "~/"); ok && k.home.User != "" {
		path = filepath.Join(k.home.User, rest)
	}
	if !filepath.IsAbs(path) {
		return p, fmt.Errorf("file %s is not an absolute path", profile.Shown(ruling.File))
	}
	text, err := readPolicy(path)
	p.Inline = text
	return p, err
}

// noteNarrowed is said once there is something that is narrowed.
func (k *keeper) noteNarrowed(name string, ruling guard.AgentRuling) {
	what := ruling.Text()
	switch {
	case ruling.Full:
		what = "not narrowed"
	case ruling.File != "":
		what = "narrowed by " + ruling.File
	}
	k.narrowed = fmt.Sprintf("profile %s: %s for agent %s; see fob_agent (%s)", profile.Shown(name), what, k.sys.agent.ID, ruling.From)
}

// forAgent is what a person's grant gives to the agent of this run, or else the
// request of what the config gives it. For a person it is the request alone.
func (k *keeper) forAgent(set profile.Set, kinds []source.Kind, w wanted, r chain.Request) (chain.Chain, cred.Session, chain.Request, error) {
	if k.sys.agent.IsZero() {
		return chain.Chain{}, cred.Session{}, r, nil
	}
	if !r.Policy.IsZero() { // who asks for less gets less, whatever was granted
		if less, err := k.ruleAgent(set, w, r); err == nil {
			return chain.Chain{}, cred.Session{}, less, nil
		}
	}
	if c, s, ok := k.granted(set, kinds, r); ok {
		return c, s, r, nil
	}
	r, err := k.ruleAgent(set, w, r)
	return chain.Chain{}, cred.Session{}, r, err
}

// handed has the last look at what an agent gets: a program of the config may give
// a long-term key. What failed is told so that the agent can pass it on.
func (k *keeper) handed(w wanted, c chain.Chain, s cred.Session, err error) error {
	if err == nil && !k.sys.agent.IsZero() && s.Token.IsZero() {
		err = k.sys.refuse(guardRefusal{
			what: "cannot give credentials of profile " + profile.Shown(c.Profile) + " to agent " + profile.Shown(k.sys.agent.ID),
			why:  "they are a long-term key", profile: c.Profile,
		})
	}
	if err == nil && k.narrowed != "" {
		k.sys.say("%s", k.narrowed)
	}
	return k.sys.toAgent(w.profile, err)
}

// renewUnder is how much an agent's session must have left.
func (k *keeper) renewUnder() time.Duration {
	if k.sys.agent.IsZero() {
		return 0
	}
	return agentRenews
}
