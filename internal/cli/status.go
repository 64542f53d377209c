package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/fault"
	"fob/internal/obtain/awsapi"

	"github.com/spf13/cobra"
)

type statusOptions struct {
	wanted
	json bool
}

func newStatus(sys *System, g *globals) *cobra.Command {
	var o statusOptions
	c := &cobra.Command{
		Use:     "status [PROFILE]",
		Aliases: []string{"whoami"},
		Short:   "Show what is unlocked, or (whoami PROFILE) who AWS says you are",
		Long: "Show whether the store is locked, where its keys rest and which sessions hold.\n" +
			"With PROFILE, or as whoami with AWS_PROFILE: ask AWS who its credentials are.",
		Example:           "  fob status\n  fob whoami dev",
		Args:              atMostOneProfile,
		ValidArgsFunction: sys.completeProfile(g),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 && c.CalledAs() != "whoami" {
				return sys.runStatus(c.Context(), g, o)
			}
			var err error
			if o.profile, err = sys.called(c, args); err != nil {
				return err
			}
			return sys.runWhoami(c.Context(), g, o)
		},
	}
	o.flags(c)
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

type placeJSON struct {
	Name  string     `json:"name" doc:"the place"`
	Holds string     `json:"holds,omitempty" doc:"seal key or identity"`
	Until *time.Time `json:"until,omitempty" doc:"when it is forgotten"`
	Why   string     `json:"why_not,omitempty" doc:"why the place is not used"`
}

type statusJSON struct {
	Store     string          `json:"store" doc:"folder of the store"`
	State     string          `json:"state" doc:"none, locked or unlocked"`
	Keys      int             `json:"keys" doc:"how many keys are stored; 0 while locked"`
	Ways      []wayJSON       `json:"ways" doc:"what opens the store, the one that is tried first at the front"`
	Places    []placeJSON     `json:"places" doc:"where the unlocked keys may rest between runs"`
	Sessions  []listedSession `json:"sessions" doc:"sessions that hold"`
	asks      bool            // a key itself is not to be had without a question
	Rotations []rotationJSON  `json:"rotations" doc:"rotations of keys that have not ended"`
	Agents    []runningAgent  `json:"agents" doc:"agents that fob exec --agent has started"`
}

func (s System) runStatus(ctx context.Context, g *globals, o statusOptions) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	state, err := k.state()
	if err != nil {
		return err
	}
	s.sweepAgents(k.home)
	st := statusJSON{Store: k.home.Data, State: state, Agents: s.agents(k.home), Places: []placeJSON{}, Sessions: []listedSession{}, Rotations: []rotationJSON{}, Ways: k.opensIt(ctx)}
	if state == "unlocked" {
		_, first, _ := k.silentWay(ctx)
		st.asks = !first && !k.keyRests()
		st.Keys, st.Rotations = len(k.index.Keys), k.rotations()
		entries, err := k.cache.Entries()
		if err != nil {
			return storeFault(err)
		}
		for _, e := range entries {
			if e.Holds(s.Now(), 0) && !k.orphaned(e) {
				st.Sessions = append(st.Sessions, k.listedSession(e))
			}
		}
	}
	for _, p := range k.rest.Places() {
		row := placeJSON{Name: p.Name, Holds: p.Holds, Why: p.Why}
		if !p.Until.IsZero() {
			row.Until = &p.Until
		}
		st.Places = append(st.Places, row)
	}
	if o.json {
		return writeJSON(s.Stdout, st)
	}
	return s.printStatus(st)
}

func (s System) printStatus(st statusJSON) error {
	var b strings.Builder
	switch st.State {
	case "none":
		fmt.Fprintf(&b, "There is no store yet (%s). Begin with: fob add PROFILE\n", st.Store)
	case "locked":
		fmt.Fprintf(&b, "The store is locked (%s).\n", st.Store)
	default:
		fmt.Fprintf(&b, "The store is unlocked (%s): %d key%s.\n", st.Store, st.Keys, plural(st.Keys))
	}
	for _, w := range st.Ways {
		fmt.Fprintf(&b, "  %s: %s\n", w.Name, w.line())
	}
	for _, p := range st.Places {
		switch {
		case p.Holds != "":
			fmt.Fprintf(&b, "  %s: holds the %s", p.Name, p.Holds)
			if p.Until != nil {
				fmt.Fprintf(&b, " until %s", p.Until.Local().Format("2006-01-02 15:04"))
			}
			b.WriteString("\n")
		case p.Why != "":
			fmt.Fprintf(&b, "  %s: not used: %s\n", p.Name, p.Why)
		}
	}
	if st.asks {
		b.WriteString("  " + askedAgain + "\n")
	}
	for _, line := range sessionLines(st.Sessions) {
		b.WriteString(line)
	}
	for _, r := range st.Rotations {
		fmt.Fprintf(&b, "  %s\n", r)
	}
	for _, a := range st.Agents {
		fmt.Fprintf(&b, "  %s\n", a)
	}
	_, err := s.Stdout.Write([]byte(fault.Printable(b.String())))
	return err
}

// sessionLines has a line for each kind of session of a profile; those of several
// agents and terminals go in one, with the longest time.
func sessionLines(all []listedSession) (lines []string) {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b listedSession) int {
		return cmp.Or(cmp.Compare(a.Profile, b.Profile), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Detail, b.Detail), cmp.Compare(b.left, a.left))
	})
	for i := 0; i < len(all); {
		one, n := all[i], 0
		for ; i < len(all) && all[i].Profile == one.Profile && all[i].Kind == one.Kind && all[i].Detail == one.Detail; i++ {
			n++
		}
		line := fmt.Sprintf("  profile %s: %s %s: %s left", fault.Line(one.Profile), one.Kind, one.Detail, one.left.Truncate(time.Minute))
		if n > 1 {
			line += fmt.Sprintf(" (the longest of %d)", n)
		}
		lines = append(lines, line+"\n")
	}
	return lines
}

type whoami struct {
	awsapi.Identity
	Profile string     `json:"profile" doc:"the profile"`
	Region  string     `json:"region,omitempty" doc:"its region"`
	Guard   string     `json:"guard,omitempty" doc:"its guard: confirm or code"`
	Expires *time.Time `json:"expires,omitempty" doc:"when the session ends"`
}

// runWhoami asks AWS who a profile's credentials are: the one sure way to know.
func (s System) runWhoami(ctx context.Context, g *globals, o statusOptions) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	h, err := k.session(ctx, o.wanted)
	if err != nil {
		return err
	}
	c, session := h.chain, h.session
	var id awsapi.Identity
	session, err = k.using(ctx, h, func(session cred.Session) (err error) {
		id, err = awsapi.New(s.awsConfig(c.STS), session.Signer()).CallerIdentity(ctx)
		return err
	})
	k.warnClock()
	if err != nil {
		return cannotIdentify(o.profile, err)
	}
	out := whoami{Identity: id, Profile: c.Profile, Region: c.Region, Guard: string(c.Guard)}
	if !session.Expires.IsZero() {
		out.Expires = &session.Expires
	}
	if o.json {
		return writeJSON(s.Stdout, out)
	}
	_, err = fmt.Fprintf(s.Stdout, "%s\naccount %s%s%s\n", fault.Printable(id.ARN), fault.Printable(id.Account), until(session, s.Now()), guardedBy(out.Guard))
	return err
}

// cannotIdentify tells a refusal, which a new session may mend, from no answer.
func cannotIdentify(profile string, err error) error {
	if f := (*fault.Error)(nil); errors.As(err, &f) || errors.Is(err, context.Canceled) {
		return err
	}
	f := &fault.Error{What: fmt.Sprintf("cannot ask AWS who profile %q is", profile), Why: err, Code: fault.Failed}
	if refusal := (*awsapi.Refusal)(nil); errors.As(err, &refusal) {
		f.Next = []string{"if the session is no longer good: fob clear " + fault.Operand(profile) + ", then the command again"}
		f.Code = fault.Refused
	}
	return f
}
