package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fob/internal/decide/chain"
	"fob/internal/decide/guard"
	"fob/internal/decide/policy"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

// grantLine is what a person runs who lets this agent have a profile once.
func (s System) grantLine(name string) string {
	return "fob grant " + fault.Word(name) + " --to " + fault.Word(s.agent.ID)
}

// agentShare is what an agent gets of a profile.
type agentShare struct {
	request       chain.Request // perhaps of another profile, and narrowed
	gives, notice string        // in a word, and in a line or ""
}

// ruleAgent settles what an agent gets of the profile that w names: perhaps
// another profile, and what narrows it. A grant of a person's goes before.
func (k *keeper) ruleAgent(set profile.Set, w wanted, r chain.Request) (share agentShare, err error) {
	ruling, name := guard.RuleAgent(set, w.profile)
	denied := guardRefusal{
		what:    "cannot give credentials of profile " + profile.Shown(w.profile) + " to agent " + profile.Shown(k.sys.agent.ID),
		profile: w.profile, ask: k.sys.grantLine(w.profile),
	}
	if ruling.Deny != "" {
		denied.why = ruling.Deny
		return share, k.sys.refuse(k.mended(denied, ruling))
	}
	r.Profile = name
	before, begun := k.givenBefore(w.profile)
	if begun {
		ruling = before
	}
	if !r.Policy.IsZero() {
		if !ruling.Within(r.Policy.Name) {
			denied.why = "--policy asks for something else than the profile's fob_agent gives (" + ruling.Text() + ", " + ruling.From + ")"
			denied.next = []string{"leave the policy out, or name a narrower one: " + strings.Join(policy.Names(), ", ")}
			denied.ask = k.sys.grantLineFor(w.profile, r.Policy.Name)
			return share, k.sys.refuse(denied)
		}
		return agentShare{request: r, gives: r.Policy.Name}, nil
	}
	share = agentShare{request: r, gives: ruling.Text(), notice: k.narrowed(name, ruling)}
	if begun {
		return share, nil
	}
	share.request.Policy, err = policyOf(ruling, r.ReadPolicy)
	if err != nil {
		return share, &fault.Error{What: "cannot narrow the session of profile " + profile.Shown(name), Why: fmt.Errorf("fob_agent (%s): %w", ruling.From, err), Code: fault.Config}
	}
	return share, nil
}

// grantLineFor asks for a policy by its name. A text is nothing that a grant takes.
func (s System) grantLineFor(profile, policy string) string {
	if policy == "" {
		return ""
	}
	return s.grantLine(profile) + " --policy " + policy
}

// mended says what helps where an agent gets nothing: a line of the config that is
// corrected, or a grant to one that runs.
func (k *keeper) mended(denied guardRefusal, ruling guard.AgentRuling) guardRefusal {
	switch {
	case ruling.Mend != "":
		denied.ask, denied.next = "", []string{ruling.Mend}
	case k.sys.starting && k.sys.agent.Tier == guard.Declared: // an id that ends with this failure
		denied.ask, denied.next = "", []string{
			"start the agent without this profile; once it runs, in another terminal: fob grant " + fault.Word(denied.profile) + " --to ID, where fob status shows the ID",
		}
	}
	return denied
}

// begunBy stands for a line of the person's config, within what they have started.
const begunBy = "settled when it was started"

// givenBefore is what an agent that fob exec --agent started was given of a profile:
// its own config has that session, and cannot narrow it once more.
func (k *keeper) givenBefore(profile string) (ruling guard.AgentRuling, ok bool) {
	if k.sys.agent.By != guard.AgentVariable {
		return ruling, false
	}
	var about runningAgent
	text, err := os.ReadFile(filepath.Join(filepath.Dir(k.home.Config), aboutName))
	if err != nil || json.Unmarshal(text, &about) != nil || about.ID != k.sys.agent.ID {
		return ruling, false
	}
	given, ok := about.Gives[profile]
	ruling = guard.AgentRuling{From: begunBy}
	switch file, isFile := strings.CutPrefix(given, "file:"); {
	case given == policy.Full:
		ruling.Full = true
	case isFile:
		ruling.File = file
	default:
		ruling.Policy = given
	}
	return ruling, ok
}

// policyOf is the session policy of a ruling.
func policyOf(ruling guard.AgentRuling, read func(path string) (string, error)) (p chain.Policy, err error) {
	p = chain.Policy{Name: ruling.Policy, From: guard.AgentSetting + ", " + ruling.From}
	if ruling.File != "" {
		p.Inline, err = read(ruling.File)
	}
	return p, err
}

// narrowed is said once there is something that is narrowed.
func (k *keeper) narrowed(name string, ruling guard.AgentRuling) string {
	what := ruling.Text()
	switch {
	case ruling.Full:
		what = "not narrowed"
	case ruling.File != "":
		what = "narrowed by " + ruling.File
	}
	from := "see fob_agent (" + ruling.From + ")"
	if ruling.From == begunBy {
		from = begunBy
	}
	return fmt.Sprintf("profile %s: %s for agent %s; %s", profile.Shown(name), what, k.sys.agent.ID, from)
}

// grantOrRule is what a person's grant gives to the agent of this run, or else the
// request of what the config gives it. For a person it is the request alone.
func (k *keeper) grantOrRule(set profile.Set, kinds []source.Kind, w wanted, r chain.Request) (h handout, _ chain.Request, err error) {
	if k.sys.agent.IsZero() {
		return h, r, nil
	}
	k.unseal()
	// A grant is a session as it was made: --policy cannot narrow it, and what began
	// without one goes on without.
	if r.Policy.IsZero() && (w.promised == nil || w.promised.Granted) {
		if h, ok := k.granted(set, kinds, r); ok {
			return h, r, k.admits(w, h.chain)
		}
	}
	if w.granted {
		return h, r, k.sys.refuse(guardRefusal{
			what: "cannot give credentials of profile " + profile.Shown(w.profile) + " to agent " + profile.Shown(k.sys.agent.ID),
			why:  "what was granted is not what the profile leads to by now", profile: w.profile, ask: k.sys.grantLine(w.profile),
		})
	}
	// No key of a profile that the config does not have is an agent's, so that there
	// is none is said before what no config mends.
	unknown := (*profile.UnknownError)(nil)
	if _, err := chain.Resolve(set, kinds, k.hasKey, nil, r); errors.As(err, &unknown) {
		if k.sys.agent.By == guard.AgentVariable && k.sys.agent.Tier == guard.Declared && set.Absent() {
			err = k.sys.refuse(guardRefusal{
				what: "cannot give credentials of profile " + profile.Shown(w.profile) + " to agent " + profile.Shown(k.sys.agent.ID),
				why:  "its config is gone: what it had was revoked, or its time is over", profile: w.profile,
			})
		}
		return h, r, err
	}
	share, err := k.ruleAgent(set, w, r)
	return handout{gives: share.gives, notice: share.notice}, share.request, err
}

// notTheKey has the last look at what an agent gets: a program of the config may
// give a long-term key. It comes before the record, which tells what was handed out.
func (k *keeper) notTheKey(h handout, err error) error {
	if err != nil || k.sys.agent.IsZero() || !h.session.Token.IsZero() {
		return err
	}
	return k.sys.refuse(guardRefusal{
		what: "cannot give credentials of profile " + profile.Shown(h.chain.Profile) + " to agent " + profile.Shown(k.sys.agent.ID),
		why:  "they are a long-term key", profile: h.chain.Profile,
	})
}

// canRecord refuses to an agent what a shut store would not record: a chain without
// a key is walked without it. What was given when the agent was started is recorded.
func (k *keeper) canRecord(w wanted) error {
	if k.sys.agent.IsZero() || w.profile == "" || !k.index.Log.IsZero() {
		return nil
	}
	if ok, err := k.exists(); err != nil || !ok {
		return err
	}
	if _, begun := k.givenBefore(w.profile); begun {
		return nil
	}
	return k.sys.refuse(guardRefusal{
		what: "cannot give credentials of profile " + profile.Shown(w.profile) + " to agent " + profile.Shown(k.sys.agent.ID),
		why:  "what an agent gets is recorded, and the store, which keeps the record, is shut", profile: w.profile, ask: "fob unlock",
	})
}

// refuseUnrecorded keeps from an agent what the record could not be written of.
func (k *keeper) refuseUnrecorded(h handout, err error) error {
	if err == nil && !k.sys.agent.IsZero() && k.recorder.failed != nil {
		err = k.sys.refuse(guardRefusal{
			what: "cannot give credentials of profile " + profile.Shown(h.chain.Profile) + " to agent " + profile.Shown(k.sys.agent.ID),
			why:  "what an agent gets is recorded, and the record cannot be written: " + k.recorder.failed.Error(), profile: h.chain.Profile, ask: "fob log",
		})
	}
	return err
}

// agentRenews is how much an agent's session must have left: less is renewed, so
// that what runs has time to ask again.
const agentRenews = 15 * time.Minute

// renewUnder is how much an agent's session must have left.
func (k *keeper) renewUnder() time.Duration {
	if k.sys.agent.IsZero() {
		return 0
	}
	return agentRenews
}

// agentMistake is why agents get nothing of a profile by a mistake in the config,
// and what corrects that; "" where there is none.
func agentMistake(set profile.Set, name string, r chain.Request) (why, mend string) {
	ruling, _ := guard.RuleAgent(set, name)
	if ruling.Mend != "" {
		return ruling.Deny, ruling.Mend
	}
	if _, err := policyOf(ruling, r.ReadPolicy); err != nil {
		return guard.AgentSetting + " (" + ruling.From + ") cannot be read: " + err.Error(), "correct " + guard.AgentSetting + " at " + ruling.From
	}
	return "", ""
}
