package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/keep/cache"

	"github.com/spf13/cobra"
)

type explainOptions struct {
	wanted
	json bool
}

func newExplain(sys *System, g *globals) *cobra.Command {
	var o explainOptions
	c := &cobra.Command{
		Use:   "explain [PROFILE[,PROFILE]...]",
		Short: "Show what a profile would do: key, calls, MFA device, lifetimes, and why",
		Long: "Show every step to a profile's credentials before it happens. Nothing is asked or called.\n" +
			"Without PROFILE it is the one in AWS_PROFILE.",
		Example:           "  fob explain dev\n  fob explain dev --duration 8h\n  fob explain dev --json",
		Args:              atMostOneProfile,
		ValidArgsFunction: sys.completeProfile(g),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.profile, err = sys.called(c, args); err != nil {
				return err
			}
			if several, err := sys.explainSeveral(c.Context(), g, o); several || err != nil {
				return err
			}
			return sys.runExplain(c.Context(), g, o)
		},
	}
	o.flags(c)
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

// explainSeveral explains each profile of a list. several is false for one name.
func (s System) explainSeveral(ctx context.Context, g *globals, o explainOptions) (several bool, err error) {
	if !strings.Contains(o.profile, ",") {
		return false, nil
	}
	k, err := s.newKeeper(g)
	if err != nil {
		return false, err
	}
	set, err := k.load()
	if err != nil {
		return false, err
	}
	names, err := k.several(set, o.profile)
	if names == nil || err != nil {
		return false, err
	}
	if o.json {
		return true, &fault.Error{What: "cannot explain several profiles in JSON", Next: []string{"one at a time: " + s.calledAs() + " explain --json " + fault.Operand(names[0])}, Code: fault.Usage}
	}
	m, err := k.manyOf(set, o.wanted)
	if err != nil {
		return true, err
	}
	s.Environ = planning(s.Environ)
	for _, name := range names {
		o.wanted = m.of(name)
		if err := s.runExplain(ctx, g, o); err != nil {
			return true, err
		}
	}
	_, err = s.Stdout.Write([]byte("what several of them share is asked for and made once\n"))
	return true, err
}

type explainedStep struct {
	Call     string     `json:"call" doc:"the call (GetSessionToken, AssumeRole)"`
	Text     string     `json:"text" doc:"the same in words"`
	Profile  string     `json:"profile" doc:"the profile that asks for it"`
	Role     string     `json:"role_arn,omitempty" doc:"the role that is entered"`
	Lifetime int        `json:"lifetime_seconds" doc:"how long the session is asked for"`
	MFA      string     `json:"mfa_serial,omitempty" doc:"the device whose code is sent"`
	Process  bool       `json:"mfa_process,omitempty" doc:"the code comes from mfa_process"`
	Tags     []string   `json:"session_tags,omitempty" doc:"session tags that are sent, KEY=VALUE"`
	Transit  []string   `json:"transitive_session_tags,omitempty" doc:"keys of those that stay for the roles after it"`
	Policy   string     `json:"policy,omitempty" doc:"session policy that is sent, as JSON"`
	ARNs     []string   `json:"policy_arns,omitempty" doc:"managed policies that are sent as session policies"`
	Identity string     `json:"source_identity,omitempty" doc:"source identity that is sent"`
	Region   string     `json:"region,omitempty" doc:"region of the call"`
	Endpoint string     `json:"endpoint,omitempty" doc:"address in place of AWS's own"`
	Cached   string     `json:"cached" doc:"yes, no, or unknown while the store is locked"`
	Expires  *time.Time `json:"expires,omitempty" doc:"when the kept session ends"`
}

type explained struct {
	Profile  string          `json:"profile" doc:"the profile"`
	Account  string          `json:"account,omitempty" doc:"account id, where the config tells it"`
	Guard    string          `json:"guard,omitempty" doc:"what stands before the credentials: confirm or code"`
	Region   string          `json:"region,omitempty" doc:"region that a child is told"`
	Key      string          `json:"key_profile" doc:"the profile whose stored key begins the chain; empty where none is needed"`
	KeyID    string          `json:"key_id,omitempty" doc:"its id, cut short"`
	Locked   bool            `json:"locked" doc:"the store is locked, so keys and what is cached are assumed"`
	Steps    []explainedStep `json:"steps" doc:"the calls in order"`
	Policy   string          `json:"policy,omitempty" doc:"what narrows the session: the name of a built-in policy, or custom"`
	From     string          `json:"policy_from,omitempty" doc:"who asked for that: flags, or where it stands in the config"`
	Codes    int             `json:"codes_needed" doc:"MFA codes that a run would ask for now"`
	Calls    int             `json:"calls_needed" doc:"calls to AWS that a run would make now"`
	Why      []string        `json:"why" doc:"the reasons for the chain"`
	Warnings []string        `json:"warnings" doc:"what a run would get otherwise than asked"`
}

func (s System) runExplain(_ context.Context, g *globals, o explainOptions) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	out, err := k.explainFor(o.wanted)
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(s.Stdout, out)
	}
	_, err = s.Stdout.Write([]byte(fault.Printable(out.text(s.Now()))))
	return err
}

// explainFor plans what is wanted, and tells what of it is kept.
func (k *keeper) explainFor(w wanted) (explained, error) {
	minLeft, err := k.minLeft()
	if err != nil {
		return explained{}, err
	}
	r, err := k.sys.request(w)
	if err != nil {
		return explained{}, err
	}
	set, err := k.config()
	if err != nil {
		return explained{}, err
	}
	if !k.sys.agent.IsZero() {
		share, err := k.ruleAgent(set, w, r)
		if err != nil {
			return explained{}, err
		}
		r = share.request
	}
	kinds := source.Kinds(k.inClear(set))
	exists, err := k.exists()
	if err != nil {
		return explained{}, err
	}
	locked := exists && !k.unseal()
	hasKey := k.hasKey
	if locked && set.Has(w.profile) {
		hasKey = assumedKeys(set, kinds)
	}
	plan := func(life time.Duration) (chain.Chain, error) {
		r := r
		r.Lifetime = life
		return chain.Resolve(set, kinds, hasKey, k.index.Refused(k.sys.Now()), r)
	}
	c, err := plan(r.Lifetime)
	if err != nil {
		return explained{}, err
	}
	if err := trusted(c); err != nil {
		return explained{}, err
	}
	if f := minLeft.unmet(c, plan); f != nil {
		c.Warnings = append(c.Warnings, inOneLine(f))
	}
	return k.explain(c, minLeft.Duration, locked), nil
}

// explain puts a chain and the state of the cache into words.
func (k *keeper) explain(c chain.Chain, minLeft time.Duration, locked bool) explained {
	e := explained{Profile: c.Profile, Account: c.Account, Guard: string(c.Guard), Region: c.Region, Key: c.Key, KeyID: cred.Short(k.keyID(c)), Locked: locked, Steps: []explainedStep{}, Why: c.Notes, Warnings: c.Warnings}
	if !c.Policy.IsZero() {
		e.Policy, e.From = cmp.Or(c.Policy.Name, "custom"), c.Policy.From
	}
	if e.Why == nil {
		e.Why = []string{}
	}
	if e.Warnings == nil {
		e.Warnings = []string{}
	}
	kept := k.keptSteps(c, minLeft)
	for i, step := range c.Steps {
		one := explainStep(step)
		one.Cached = "no"
		if k.seal.IsZero() {
			one.Cached = "unknown"
		}
		if held, ok := kept[i]; ok {
			one.Cached, one.Expires = "yes", &held.Session.Expires
		}
		e.Steps = append(e.Steps, one)
	}
	e.Calls, e.Codes = missing(c, kept)
	return e
}

// keptSteps are the kept sessions of the steps of c, by the step's place.
func (k *keeper) keptSteps(c chain.Chain, minLeft time.Duration) map[int]cache.Entry {
	if k.seal.IsZero() {
		return nil
	}
	kept := map[int]cache.Entry{}
	for i, name := range chain.Names(c, k.keyID(c), k.cache.NameOf) {
		if e, ok := k.cache.Held(name, k.sys.Now(), minLeft); ok {
			kept[i] = e
		}
	}
	return kept
}

// missing counts the calls to AWS that a walk of c would make, and the codes that it
// would ask for: nothing before the last kept session is made.
func missing(c chain.Chain, kept map[int]cache.Entry) (calls, codes int) {
	for i, step := range c.Steps {
		calls++
		if source.Device(step).Serial != "" {
			codes++
		}
		if _, ok := kept[i]; ok {
			calls, codes = 0, 0
		}
	}
	return calls, codes
}

func explainStep(step source.Step) explainedStep {
	card, device := source.CardOf(step), source.Device(step)
	one := explainedStep{
		Call: card.Call, Text: step.Describe(), Profile: card.Owner, Role: card.Role, Lifetime: int(card.Lifetime / time.Second),
		MFA: device.Serial, Process: device.Process != "", Region: card.Endpoint.Region, Endpoint: card.Endpoint.URL,
		Policy: card.Policy, ARNs: card.PolicyARNs,
	}
	if role, ok := step.(source.AssumeRole); ok {
		one.Identity, one.Transit = role.SourceIdentity, role.TransitiveKeys
		for _, tag := range role.Tags {
			one.Tags = append(one.Tags, tag.Key+"="+tag.Value)
		}
	}
	return one
}

// sent is what a role is told beside its name, a line each.
func (s explainedStep) sent() string {
	var b strings.Builder
	if len(s.Tags) > 0 {
		fmt.Fprintf(&b, "     session tags    %s\n", strings.Join(s.Tags, ", "))
	}
	if len(s.Transit) > 0 {
		fmt.Fprintf(&b, "     transitive      %s\n", strings.Join(s.Transit, ", "))
	}
	if s.Identity != "" {
		fmt.Fprintf(&b, "     source identity %s\n", s.Identity)
	}
	return b.String()
}

func (e explained) text(now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "profile %s", e.Profile)
	if e.Account != "" {
		fmt.Fprintf(&b, ": account %s", e.Account)
	}
	if e.Region != "" {
		fmt.Fprintf(&b, ", region %s", e.Region)
	}
	b.WriteString(guardedBy(e.Guard) + "\n")
	switch {
	case e.Key == "" && e.Locked:
		b.WriteString("  key   none is needed, unless the locked store holds one, which then goes first\n")
	case e.Key == "":
		b.WriteString("  key   none is needed\n")
	case e.Locked:
		fmt.Fprintf(&b, "  the store is locked: that profile %s has a key, and what is cached, is assumed\n", e.Key)
	default:
		fmt.Fprintf(&b, "  key   %s of profile %s\n", e.KeyID, e.Key)
	}
	for i, s := range e.Steps {
		fmt.Fprintf(&b, "  %d. %-15s %s\n", i+1, s.Call, s.Text)
		if s.MFA != "" {
			fmt.Fprintf(&b, "     code of         %s\n", s.MFA)
		}
		b.WriteString(s.sent())
		if s.Endpoint != "" {
			fmt.Fprintf(&b, "     at              %s\n", s.Endpoint)
		}
		if s.Cached == "yes" {
			fmt.Fprintf(&b, "     cached          for another %s\n", s.Expires.Sub(now).Truncate(time.Minute))
		}
	}
	if len(e.Steps) == 0 {
		b.WriteString("  the stored key itself is handed out: it does not expire\n")
	} else {
		fmt.Fprintf(&b, "  costs %d MFA code%s and %d call%s to AWS\n", e.Codes, plural(e.Codes), e.Calls, plural(e.Calls))
	}
	for _, w := range e.Why {
		fmt.Fprintf(&b, "  why   %s\n", w)
	}
	for _, w := range e.Warnings {
		fmt.Fprintf(&b, "  note  %s\n", w)
	}
	return b.String()
}

// assumedKeys stands for the index while that is shut, for explain: a key is
// taken to be stored for each profile that names no source.
func assumedKeys(set profile.Set, kinds []source.Kind) func(string) bool {
	return func(name string) bool {
		p, err := set.Profile(name)
		from := p.Value("source_profile")
		if err != nil || from != "" && from != name {
			return !set.Has(name)
		}
		c, err := chain.Resolve(set, kinds, func(string) bool { return false }, nil, leadsTo(name))
		return err != nil || asksItself(c) // else it can do without
	}
}
