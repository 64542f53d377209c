package cli

import (
	"context"
	"errors"
	"fmt"

	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/obtain/access"

	"github.com/spf13/cobra"
)

type accessOptions struct {
	profiles    []string
	code        string
	probe, json bool
}

func newAccess(sys *System, g *globals) *cobra.Command {
	var o accessOptions
	c := &cobra.Command{
		Use:   "access [PROFILE]...",
		Short: "Show which roles can be entered, and why the others cannot",
		Long: "Ask AWS for each role whether it can be entered, and say of each refusal why, and what to ask of whom.\n" +
			"Asked are the roles of the config, and those that the groups of the user name; with PROFILE only that\n" +
			"profile's. One MFA code serves all of them. A session that is asked for holds for 15 minutes and is\n" +
			"thrown away at once; a role whose session is kept is not asked for again.\n" +
			"With --probe: all nine roles of a Reference Architecture in each of those accounts. What is refused\n" +
			"shows in CloudTrail, and an alarm may go off.\n" +
			"Status 0: all that were asked for can be entered; 5: one is refused; 1: of one it is not known.",
		Example: "  fob access\n  fob access prod\n  fob access --probe\n  fob access --json",
		Args:    cobra.ArbitraryArgs,
		ValidArgsFunction: func(c *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
			return sys.completeProfile(g)(c, nil, start)
		},
		RunE: func(c *cobra.Command, args []string) error {
			for _, name := range args {
				if name == "" {
					return usage(c, errors.New("the name of a profile is empty"))
				}
			}
			o.profiles = append(o.profiles, args...)
			return sys.runAccess(c.Context(), g, o)
		},
	}
	f := c.Flags()
	f.Var(someOf{&o.profiles}, "profile", "only these profiles, as if they were arguments")
	f.BoolVar(&o.probe, "probe", false, "try all nine default roles in each account; what is refused shows in CloudTrail")
	f.StringVarP(&o.code, "mfa-token", "t", "", "the MFA code, where it is known already")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return c
}

// inquiry is one run of access.
type inquiry struct {
	*keeper
	accessOptions
	set     profile.Set
	in      source.InClearKind
	kinds   []source.Kind
	minimum minLeft
	targets []*accessTarget
	bases   []*basis
	book    access.Book
}

func (s System) runAccess(ctx context.Context, g *globals, o accessOptions) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	q := &inquiry{keeper: k, accessOptions: o, book: access.NewBook()}
	if q.minimum, err = k.minLeft(); err != nil {
		return err
	}
	if q.set, err = k.config(); err != nil {
		return err
	}
	defer k.warnClock()
	q.in = k.inClear(q.set)
	q.kinds = source.Kinds(q.in)
	if err := q.plan(ctx); err != nil {
		return err
	}
	if o.probe {
		s.say("--probe tries %d roles in each account; every try shows in CloudTrail, and refused ones may set off an alarm", len(access.DefaultRoles()))
	}
	if err := q.sit(ctx); err != nil {
		return err
	}
	k.close() // other runs need not wait until all are asked
	if err := q.widen(ctx); err != nil {
		return err
	}
	err = q.ask(ctx)
	if err == nil {
		err = q.judge(ctx)
	}
	if errors.Is(err, context.Canceled) {
		q.rest()
		_ = q.print(q.result()) // what is known; the status is the interruption's
	}
	if err != nil {
		return err
	}
	return q.report()
}

// nothing is the fault of a run that has nothing to ask for.
func (q *inquiry) nothing() error {
	return &fault.Error{
		What: "there is no role to ask for", Why: fmt.Errorf("no profile of %s has a role_arn, and no group of a stored key's user names a role", q.set.Display()),
		Next: []string{"add a profile with role_arn and source_profile", "see the profiles: fob list"}, Code: fault.Config,
	}
}
