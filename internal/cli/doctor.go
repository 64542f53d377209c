package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fob/internal/decide/chain"
	"fob/internal/decide/health"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/front"

	"github.com/spf13/cobra"
)

type doctorOptions struct {
	profile, code               string
	json, recover, offline, fix bool
}

func newDoctor(sys *System, g *globals) *cobra.Command {
	var o doctorOptions
	c := &cobra.Command{
		Use:   "doctor [PROFILE]",
		Short: "Find what is wrong with this machine's set-up, or with one profile",
		Long: "Look at the executables, the store and what opens it, the environment, the config, keys in the clear,\n" +
			"modes of files, the way to AWS and the clock, the age of keys and the MFA devices, and say what is\n" +
			"wrong and which command mends it. It asks nothing and writes nothing; AWS is asked with sessions\n" +
			"that are kept, for some seconds at most.\n" +
			"With PROFILE: explain it, try whether it can be entered, which may ask for a code, and look at what\n" +
			"concerns it.\n" +
			"Status 0: nothing is wrong, though there may be warnings; 1: something is.",
		Example:           "  fob doctor\n  fob doctor dev\n  fob doctor --offline\n  fob doctor --fix\n  fob doctor --recover",
		Args:              atMostOneProfile,
		ValidArgsFunction: sys.completeProfile(g),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.profile = args[0]
			}
			switch {
			case o.recover && o.profile != "":
				return usage(c, errors.New("--recover is about the store, not about a profile"))
			case o.recover:
				return sys.runRecover(c.Context(), g)
			case o.code != "" && (o.profile == "" || o.offline):
				return usage(c, errors.New("--mfa-token is for a profile, which is asked for"))
			}
			if err := checkGivenCode(o.code); err != nil {
				return err
			}
			return sys.runDoctor(c.Context(), g, o)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.BoolVar(&o.offline, "offline", false, "call nobody")
	f.BoolVar(&o.fix, "fix", false, "take rights to your files away from others, and remove files that killed runs left")
	f.StringVarP(&o.code, "mfa-token", "t", "", "the MFA code, where it is known already")
	f.BoolVar(&o.recover, "recover", false, "print how the keys are read without fob, by the stock age tool")
	c.MarkFlagsMutuallyExclusive("json", "recover")
	c.MarkFlagsMutuallyExclusive("fix", "recover")
	return c
}

type doctorJSON struct {
	Findings []health.Finding `json:"findings" doc:"what was looked at, what is wrong first"`
	Wrong    int              `json:"wrong" doc:"how many findings are wrong; with any, the status is 1"`
	Fixed    []string         `json:"fixed,omitempty" doc:"what --fix has done"`
	Explain  *explained       `json:"explain,omitempty" doc:"of a profile: what fob explain --json prints"`
}

// checkup is one run of doctor.
type checkup struct {
	*keeper
	doctorOptions
	set    profile.Set
	setErr error
	in     source.InClearKind
	kinds  []source.Kind
	locked bool // so which keys are stored is assumed
	plans  []health.Plan
	out    doctorJSON
}

func (s System) runDoctor(ctx context.Context, g *globals, o doctorOptions) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	d := &checkup{keeper: k, doctorOptions: o}
	d.set, d.setErr = k.load()
	d.in = k.inClear(d.set)
	d.kinds = source.Kinds(d.in)
	if o.fix {
		d.out.Fixed = d.fixAll()
	}
	d.tell()
	run := d.machine
	if o.profile != "" {
		run = d.one
	}
	found, err := run(ctx)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Canceled
	}
	d.offerFix(found)
	health.ByWeight(found)
	d.out.Findings = append([]health.Finding{}, health.WithoutTwice(found)...)
	return d.report()
}

// machine looks at everything.
func (d *checkup) machine(ctx context.Context) ([]health.Finding, error) {
	d.look()
	d.resolve(d.set.Names())
	var found []health.Finding
	for _, check := range checks() {
		found = append(found, check(ctx, d)...)
	}
	return found, nil
}

// look finds out what the store tells without a question.
func (d *checkup) look() {
	exists, err := d.vault.Exists()
	d.locked = err == nil && exists && !d.unseal()
}

// resolve plans the way of each of these profiles.
func (d *checkup) resolve(names []string) {
	hasKey := d.hasKey
	if d.locked {
		hasKey = assumedKeys(d.set, d.kinds)
	}
	env := front.Env(d.sys.Environ)
	if d.profile == "" { // it would give every profile the same role, which is told by itself
		delete(env, "AWS_ROLE_ARN")
		delete(env, "AWS_ROLE_SESSION_NAME")
	}
	for _, name := range names {
		r := d.sys.readingPolicies(chain.Request{Profile: name, Env: env, Unguarded: true})
		c, err := chain.Resolve(d.set, d.kinds, hasKey, d.index.Refused(d.sys.Now()), r)
		p := health.Plan{Name: name, Chain: c, Err: err, Assumed: d.locked}
		p.Agent, p.Mend = agentMistake(d.set, name, r)
		d.plans = append(d.plans, p)
	}
}

// offerFix names --fix where it does what a finding of a refused file asks for.
func (d *checkup) offerFix(found []health.Finding) {
	_, mends := health.Modes(d.files(), d.sys.UID)
	for i, f := range found {
		does := len(f.Next) == 1 && slices.ContainsFunc(mends, func(m health.Chmod) bool { return m.Command() == f.Next[0] })
		if does {
			found[i].Next = append(f.Next, "fob doctor --fix")
		}
	}
}

// tell prints what --fix has done.
func (d *checkup) tell() {
	if d.json {
		return
	}
	for _, line := range d.out.Fixed {
		_, _ = fmt.Fprintf(d.sys.Stdout, "%-8s %s\n", "fixed", fault.Line(line))
	}
}

func (d *checkup) report() error {
	var b strings.Builder
	for _, f := range d.out.Findings {
		if f.Level == health.Wrong {
			d.out.Wrong++
		}
		fmt.Fprintf(&b, "%-8s %s\n", f.Level, fault.Line(f.What))
		if f.Why != "" {
			fmt.Fprintf(&b, "           because: %s\n", fault.Line(f.Why))
		}
		for _, n := range f.Next {
			fmt.Fprintf(&b, "           try: %s\n", fault.Line(n))
		}
	}
	var err error
	if d.json {
		err = writeJSON(d.sys.Stdout, d.out)
	} else {
		_, err = d.sys.Stdout.Write([]byte(b.String()))
	}
	if err == nil && d.out.Wrong > 0 {
		err = &fault.Error{What: fmt.Sprintf("%d thing%s wrong", d.out.Wrong, map[bool]string{true: " is", false: "s are"}[d.out.Wrong == 1]), Code: fault.Failed}
	}
	return err
}

// badly is a finding of what an error says.
func badly(err error) health.Finding {
	f := health.Finding{Level: health.Wrong, What: err.Error()}
	if known := (*fault.Error)(nil); errors.As(err, &known) {
		f.What, f.Next = known.What, known.Next
		if known.Why != nil {
			f.Why = known.Why.Error()
		}
	}
	return f
}

// unseen is a finding of what could not be looked at.
func unseen(what string, err error) health.Finding {
	f := badly(err)
	if f.Why == "" {
		f.Why = f.What
	}
	f.Level, f.What = health.Skipped, what
	return f
}
