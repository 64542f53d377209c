package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fob/internal/decide/chain"
	"fob/internal/decide/guard"
	"fob/internal/decide/policy"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/cache"
	"fob/internal/obtain/tty"

	"github.com/spf13/cobra"
)

const (
	// grantKind marks the session of a grant among those that are kept.
	grantKind = "grant"
	// mostGrant is the longest that a person opens a profile for.
	mostGrant = time.Hour
	// grantLeft is what a grant must have left to be handed out: a command has to
	// begin, and nobody renews it.
	grantLeft = 30 * time.Second
	// mostReason bounds the words of an agent that a person is shown.
	mostReason = 300
)

type grantOptions struct {
	profile, to, policy, length, reason string
}

func newGrant(sys *System, g *globals) *cobra.Command {
	var o grantOptions
	c := &cobra.Command{
		Use:   "grant PROFILE --to AGENT",
		Short: "Open one session of a profile for an agent, by a fresh MFA code",
		Long: "Let an agent have one session of a profile, by a fresh MFA code. fob makes that session\n" +
			"at once, narrowed by --policy, and hands it to that agent and nobody else for as long as\n" +
			"it holds. It is not renewed. Run it in a terminal of your own, never in the agent's.",
		Example:           "  fob grant prod --to claude-code\n  fob grant prod --to claude-code --policy plan --for 30m",
		Args:              oneProfile,
		ValidArgsFunction: sys.completeProfile(g),
		RunE: func(c *cobra.Command, args []string) error {
			o.profile = args[0]
			return sys.runGrant(c.Context(), g, o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.to, "to", "", "the agent, as its refusal names it")
	f.StringVar(&o.policy, "policy", "read-only", "what it may do: "+strings.Join(policy.Names(), ", ")+", "+policy.Full)
	f.StringVar(&o.length, "for", "15m", "how long, from 15m to 1h")
	f.StringVar(&o.reason, "reason", "", "what the agent says it is for; shown as its words")
	return c
}

func (s System) runGrant(ctx context.Context, g *globals, o grantOptions) error {
	life, err := o.check()
	if err != nil {
		return err
	}
	kin, err := s.outsideAgents()
	if err != nil {
		s.recordRefusal(ctx, g, o.profile, err)
		return err
	}
	t, err := s.OpenTTY()
	if err != nil {
		return err
	}
	defer t.Close()
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	set, err := k.load()
	if err != nil {
		return err
	}
	if err := k.mustExist(); err != nil {
		return err
	}
	if err := k.open(ctx); err != nil {
		return err
	}
	c, err := k.grantChain(set, o, life)
	if err != nil {
		return err
	}
	if ruling, _ := guard.RuleAgent(set, o.profile); ruling.Deny == "" && ruling.Within(o.policy) {
		t.Say("fob: agents have that of profile " + profile.Shown(o.profile) + " without a grant (" + ruling.Text() + ", " + ruling.From + "); for more: --policy")
	}
	if err := agreed(ctx, t, o, c, kin); err != nil {
		return err
	}
	in := k.inClear(set)
	// A code that is typed at a terminal: none of a flag, of a program or of a
	// window, which something else than the person could have answered.
	k.onlyTyped = true
	session, err := k.broker(0, wanted{}, chainKeys{k, in, c}).Session(ctx, c)
	if err != nil {
		return err
	}
	e := cache.Entry{Name: k.grantName(c), Session: session, Made: s.Now(), Kind: grantKind, Owner: o.profile, Detail: o.to, KeyID: k.keyID(c)}
	if err := k.cache.Store(e); err != nil {
		return storeFault(err)
	}
	k.record(ctx, recordedLine{
		Event: "grant", Agent: o.to, Grant: publicID(session.ID), Profile: o.profile, Account: c.Account, Named: o.policy,
		Until: session.Expires, Processes: parents(),
	})
	s.say("agent %s has profile %s (%s) until %s; take it back: fob revoke %s", o.to, profile.Shown(o.profile), o.policy, session.Expires.Local().Format("15:04"), fault.Word(o.to))
	return nil
}

func (o grantOptions) check() (time.Duration, error) {
	bad := func(what string) error {
		return &fault.Error{What: what, Code: fault.Usage, Next: []string{"fob grant --help"}}
	}
	if !policy.Known(o.policy) {
		return 0, bad("there is no policy " + profile.Shown(o.policy) + " (--policy)")
	}
	life, err := time.ParseDuration(o.length)
	if err != nil || life < source.MinLifetime || life > mostGrant {
		return 0, bad(fmt.Sprintf("--for %q is not between 15m, the shortest session that AWS makes, and 1h", o.length))
	}
	if why := guard.CheckID(o.to); why != "" {
		return 0, bad("cannot grant to agent " + profile.Shown(o.to) + " (--to): the name " + why)
	}
	return life, nil
}

// outsideAgents refuses a grant that an agent could be giving itself. What was
// started with a marker keeps it in the system's books, whatever it removes from
// what it starts.
func (s System) outsideAgents() ([]Ancestor, error) {
	kin, whole := s.Kin()
	for _, a := range kin {
		if found := guard.Detect(a.Environ); !found.IsZero() {
			s.agent = found
			return nil, s.refuse(guardRefusal{
				what: "cannot grant anything here", why: fmt.Sprintf("process %d (%s) above this one is an agent's: it has %s", a.PID, a.Name, found.By),
			})
		}
	}
	if !whole {
		s.say("what runs above this process cannot be looked at here: see for yourself that no agent does")
	}
	return kin, nil
}

// grantChain is the plan of a grant: one role, entered by the key itself with a
// code, so that the session proves a person, and that AWS makes it once.
func (k *keeper) grantChain(set profile.Set, o grantOptions, life time.Duration) (chain.Chain, error) {
	r := k.grantRequest(o.profile, o.to)
	r.Lifetime = life
	r.Policy = chain.Policy{Name: o.policy, From: "--policy"}
	c, err := chain.Resolve(set, source.Kinds(k.inClear(set)), k.hasKey, nil, r)
	if err != nil {
		return c, err
	}
	if len(c.Steps) != 1 || source.CardOf(c.Steps[0]).Role == "" || source.Device(c.Steps[0]).Serial == "" {
		return c, &fault.Error{
			What: "cannot grant profile " + profile.Shown(o.profile), Why: errors.New("a grant is one role, entered by a stored key with an MFA code, and this profile is got otherwise"),
			Next: []string{"fob explain " + fault.Operand(o.profile), "let the agent have another profile: fob_agent = profile:OTHER"}, Code: fault.Config,
		}
	}
	return c, nil
}

func (k *keeper) grantRequest(name, agent string) chain.Request {
	return k.sys.readingPolicies(chain.Request{Profile: name, Agent: agent, NoSession: true, Granted: true, Unguarded: true, Env: front.Env(k.sys.Environ)})
}

// agreed shows what is about to be given, and has the person type the profile's
// name: a code alone is typed without reading.
func agreed(ctx context.Context, t tty.TTY, o grantOptions, c chain.Chain, kin []Ancestor) error {
	card := source.CardOf(c.Steps[0])
	var above []string
	for _, a := range kin {
		above = append(above, fmt.Sprintf("%s (%d)", a.Name, a.PID))
	}
	for _, line := range [][2]string{
		{"agent", o.to}, {"profile", o.profile}, {"account", c.Account}, {"role", card.Role}, {"policy", o.policy},
		{"holds for", fault.Lasting(card.Lifetime) + ", and is not renewed"}, {"asked in", strings.Join(above, " < ")}, {"it says", agentWords(o.reason)},
	} {
		if line[1] != "" {
			t.Say(fmt.Sprintf("  %-10s%s", line[0], fault.Line(line[1])))
		}
	}
	typed, err := t.ReadLine(ctx, "Type the name of the profile to let the agent have it: ")
	if err != nil {
		return err
	}
	if strings.TrimSpace(typed) != o.profile {
		return &fault.Error{What: "nothing was granted", Why: errors.New("that is not the name of the profile"), Code: fault.Attend}
	}
	return nil
}

// agentWords is an agent's text as it is shown: quoted, and not for long.
func agentWords(text string) string {
	if text == "" {
		return ""
	}
	more := ""
	if len(text) > mostReason {
		text, more = strings.ToValidUTF8(text[:mostReason], ""), fmt.Sprintf(" ... (%d bytes)", len(text))
	}
	return "\"" + tty.Printable(text) + "\"" + more + " (the agent's words)"
}

// grantName is where the session of a grant is kept: for this agent, this profile
// and the role that it entered then. Whoever edits the profile gets another name.
func (k *keeper) grantName(c chain.Chain) string {
	return k.cache.NameOf(grantKind, c.Agent, c.Profile, source.CardOf(c.Steps[0]).Role, k.keyID(c))
}

// granted is the session that a person has opened for this agent, while it holds.
func (k *keeper) granted(set profile.Set, kinds []source.Kind, r chain.Request) (h handout, ok bool) {
	if k.sys.starting || !k.unseal() {
		return h, false
	}
	grant := k.grantRequest(r.Profile, k.sys.agent.ID)
	grant.Region = r.Region
	c, err := chain.Resolve(set, kinds, k.hasKey, nil, grant)
	if err != nil || len(c.Steps) == 0 {
		return h, false
	}
	e, held := k.cache.Held(k.grantName(c), k.sys.Now(), grantLeft)
	if !held || e.Kind != grantKind {
		return h, false
	}
	return handout{
		chain: c, session: e.Session, grant: publicID(e.Session.ID), gives: "as granted",
		notice: fmt.Sprintf("profile %s: a person's grant to agent %s, until %s", profile.Shown(r.Profile), k.sys.agent.ID, e.Session.Expires.Local().Format("15:04")),
	}, true
}

func newRevoke(sys *System, g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke [AGENT]",
		Short: "Remove what grants and fob exec --agent give, of one agent or of all",
		Long: "Remove the credentials of agents that fob exec --agent has started, which renews them no\n" +
			"more, and what fob grant has given, of one agent or of all. AGENT is an id, as fob status\n" +
			"shows it, or the name that --agent gave. What an agent has taken already holds until its\n" +
			"end, since AWS takes no session back: 30 minutes at most, a grant an hour.",
		Example: "  fob revoke\n  fob revoke claude-code",
		Args:    atMostOneProfile,
		RunE: func(c *cobra.Command, args []string) error {
			return sys.runRevoke(c.Context(), g, strings.Join(args, ""))
		},
	}
}

func (s System) runRevoke(ctx context.Context, g *globals, agent string) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	// What runs is ended first: that needs no open store.
	ended, failed := s.endAgents(k.home, agent)
	if len(ended) > 0 {
		s.say("ended the credentials of %s; what it has taken already holds for 30 minutes at most", strings.Join(ended, ", "))
	}
	if failed != nil {
		return &fault.Error{What: "cannot take away the files of an agent", Why: failed, Code: fault.Failed}
	}
	if ok, err := k.exists(); err != nil || !ok {
		return err
	}
	if err := k.open(ctx); err != nil {
		return err
	}
	var taken []cache.Entry
	n, err := k.cache.Clear(func(e cache.Entry) bool {
		of := e.Kind == grantKind && goesBy(e.Detail, agent)
		if of {
			taken = append(taken, e)
		}
		return of
	})
	for _, id := range ended {
		k.record(ctx, recordedLine{Event: "revoke", Agent: id})
	}
	for _, e := range taken {
		k.record(ctx, recordedLine{Event: "revoke", Agent: e.Detail, Grant: publicID(e.Session.ID), Profile: e.Owner})
	}
	switch {
	case err != nil:
		return storeFault(err)
	case agent != "" && n == 0 && len(ended) == 0:
		return &fault.Error{What: "cannot take anything from agent " + profile.Shown(agent), Why: errors.New("none of that name runs by fob exec --agent or has a grant"), Next: []string{"see the agents and grants: fob status"}, Code: fault.Failed}
	}
	s.say("took back %d grant%s; what was handed out holds until its end", n, plural(n))
	return nil
}

// endAgents takes their files from those that run, and gives their ids.
func (s System) endAgents(home front.Home, agent string) (ended []string, err error) {
	for _, a := range s.agents(home) {
		if !goesBy(a.ID, agent) {
			continue
		}
		if failed := takeAway(a.dir); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		ended = append(ended, a.ID)
	}
	return ended, err
}
