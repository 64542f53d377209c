package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/decide/profile"
	"fob/internal/decide/refarch"
	"fob/internal/fault"
	"fob/internal/keep/lock"

	"github.com/spf13/cobra"
)

type configureOptions struct {
	file                            string
	organization                    string
	source, user, serial, region    string
	code                            string
	roles                           []string
	prefix, pattern                 string
	dryRun, check, prune, yes, json bool
	sourceGiven, management, guard  bool
	guardable                       []string // profiles that --guard would guard beside
}

func newConfigure(sys *System, g *globals) *cobra.Command {
	var o configureOptions
	c := &cobra.Command{
		Use:     "configure [FILE]",
		Aliases: []string{"init"},
		Short:   "Store a profile for every account in the AWS config",
		Long: "Write the profiles that enter the accounts of an accounts file: accounts.json or\n" +
			"accounts.yml of the Reference Architecture, a map of names to ids, or what aws\n" +
			"organizations list-accounts prints. Without FILE it is looked for here and in the\n" +
			"folders above; with --organization AWS lists the accounts. The difference is shown before anything is written; every other byte\n" +
			"stays, and a profile that a person wrote is never changed. Full access to an account\n" +
			"is the profile NAME, any other role NAME-ROLE.",
		Example: "  fob configure --region us-west-2\n  fob configure accounts.json --roles full-access,read-only\n" +
			"  fob configure --roles least --dry-run\n  fob configure --organization 678901234567 --region us-west-2",
		Args: atMostOneFile,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.file = args[0]
			}
			o.sourceGiven = c.Flags().Changed("source")
			return sys.runConfigure(c.Context(), g, o)
		},
	}
	f := c.Flags()
	f.Var(some{&o.organization}, "organization", "have AWS list the accounts: the id of the account that manages the organization, whose role read-only is entered, another role's ARN, or a profile")
	f.BoolVar(&o.management, "management", false, "make profiles for the account that manages the organization, too")
	o.source = "security"
	f.Var(some{&o.source}, "source", "the account that holds the IAM users, or the profile with the key")
	f.Var(some{&o.user}, "user", "your IAM user, whose MFA device bears its name; asks AWS nothing")
	f.Var(some{&o.serial}, "mfa-serial", "your MFA device (default the one in the config, else the one that AWS tells)")
	f.Var(some{&o.region}, "region", "the region of all profiles, written to [default]")
	f.Var(someOf{&o.roles}, "roles", "one profile per role: "+strings.Join(refarch.Roles(), ", ")+"; allowed: all that your groups allow; least: of those the one with the least rights per account (default full-access)")
	f.Var(some{&o.prefix}, "role-prefix", "what stands before the names of the roles; {account} is the account's name")
	f.Var(some{&o.pattern}, "role-name", "how roles are called (default "+refarch.DefaultPattern+"); {account} is the account's name")
	f.StringVarP(&o.code, "mfa-token", "t", "", "the MFA code, where it is known already")
	f.BoolVar(&o.guard, "guard", false, "guard the profile with the key and those of prod*, security, logs and root accounts, but for roles that only read: fob_guard = code")
	f.BoolVar(&o.dryRun, "dry-run", false, "write nothing: show the difference")
	f.BoolVar(&o.check, "check", false, "write nothing: status 1 where there is a difference")
	f.BoolVar(&o.prune, "prune", false, "remove profiles that fob configure wrote and that are not wanted any more")
	f.BoolVarP(&o.yes, "yes", "y", false, "write without asking")
	f.BoolVar(&o.json, "json", false, "print JSON; writes with --yes only")
	c.MarkFlagsMutuallyExclusive("check", "dry-run", "yes")
	c.MarkFlagsMutuallyExclusive("user", "mfa-serial")
	return c
}

func (s System) runConfigure(ctx context.Context, g *globals, o configureOptions) error {
	if err := o.usable(); err != nil {
		return err
	}
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	set, err := k.config()
	if err != nil {
		return err
	}
	if set.Path() == os.DevNull {
		return &fault.Error{What: "cannot write profiles", Why: errors.New("AWS_CONFIG_FILE says that there is no config"), Next: []string{"unset it, or name a file in it"}, Code: fault.Config}
	}
	accounts, err := k.accounts(ctx, set, &o)
	if err != nil {
		return err
	}
	w, err := k.wantedProfiles(ctx, set, accounts, o)
	if err != nil {
		return err
	}
	k.close() // nobody waits for what is asked from here on
	out, err := k.configureAs(ctx, set, accounts, w, o)
	if errors.Is(err, errGuardToo) {
		w.Guard = true
		out, err = k.configureAs(ctx, set, accounts, w, o)
	}
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(s.Stdout, out)
	}
	return nil
}

// accounts reads the accounts file, or has AWS list them.
func (k *keeper) accounts(ctx context.Context, set profile.Set, o *configureOptions) (refarch.Accounts, error) {
	if o.organization == "" {
		return k.sys.readAccounts(ctx, o.file)
	}
	return k.organization(ctx, set, o)
}

// configureAs plans for what is wanted, and does what the flags say with the plan.
func (k *keeper) configureAs(ctx context.Context, set profile.Set, a refarch.Accounts, w refarch.Wanted, o configureOptions) (configuredJSON, error) {
	plan, err := refarch.Make(set, w)
	if err != nil {
		return configuredJSON{}, configureFault(err)
	}
	if !w.Guard {
		o.guardable = w.Guardable(set)
	}
	if w.Guard == o.guard { // not a second time, with guards
		k.sys.sayRegion(set, w, plan)
	}
	out := newConfiguredJSON(set, a, w, plan)
	err = k.carryOut(ctx, set, plan, o, &out)
	return out, err
}

// byRights says that what the person may do decides on the roles.
func (o *configureOptions) byRights() bool {
	return slices.Contains(o.roles, "allowed") || slices.Contains(o.roles, "least")
}

func (o *configureOptions) naming() refarch.Naming {
	return refarch.Naming{Prefix: o.prefix, Pattern: o.pattern}
}

// carryOut shows the plan and does what the flags say with it.
func (k *keeper) carryOut(ctx context.Context, set profile.Set, plan refarch.Plan, o configureOptions, out *configuredJSON) error {
	if !o.json {
		if err := k.sys.showPlan(set, plan); err != nil {
			return err
		}
		k.sys.sayLeft(plan, o.prune)
	}
	switch {
	case !plan.Changed():
		if !o.json {
			k.sys.say("up to date: %s", set.Display())
		}
		return nil
	case o.dryRun:
		return nil
	case o.check:
		if o.json {
			_ = writeJSON(k.sys.Stdout, out)
		}
		list := "the accounts file"
		if o.organization != "" {
			list = "the organization's list of accounts"
		}
		return &fault.Error{What: "the config is not as " + list + " wants it: " + fault.Line(set.Display()), Why: fmt.Errorf("%s", out.counted()), Next: []string{"fob configure, with the same flags and without --check"}, Code: fault.Failed}
	}
	agreed, err := k.agreed(ctx, fmt.Sprintf("Write this to %s? (%s)", fault.Line(set.Display()), out.counted()), o)
	if f := (*fault.Error)(nil); errors.As(err, &f) && f.Code == fault.Attend {
		return &fault.Error{What: "cannot write the profiles without asking", Why: f.Why, Next: []string{"write without asking: --yes"}, Code: fault.Attend}
	}
	if err != nil {
		return err
	}
	if !agreed {
		return &fault.Error{What: "nothing was written", Why: errors.New("the answer was not yes"), Code: fault.Failed}
	}
	if err := k.writeProfiles(set, plan.Text); err != nil {
		return err
	}
	out.Written = true
	k.sys.say("wrote %s: %s", set.Display(), out.counted())
	if now, err := k.load(); err == nil {
		k.renewSDKConfig(now)
	}
	return nil
}

// errGuardToo says that the person wants guards beside.
var errGuardToo = errors.New("with guards")

// agreed asks whether to write, and offers guards where they are missing.
func (k *keeper) agreed(ctx context.Context, question string, o configureOptions) (bool, error) {
	if len(o.guardable) == 0 || o.yes {
		return k.sys.confirm(ctx, question+" [y/N] ", o.yes)
	}
	t, err := k.sys.OpenTTY()
	if err != nil {
		return false, err
	}
	defer t.Close()
	t.Say("fob: not guarded: " + someOfThem(o.guardable) + "; with a guard each session of theirs costs an MFA code (--guard)")
	answer, err := t.ReadLine(ctx, question+" [y/N, g: show it with guards] ")
	if strings.EqualFold(answer, "g") && err == nil {
		return false, errGuardToo
	}
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes"), err
}

// writeProfiles puts the text in the place of the one that the plan was made for.
func (k *keeper) writeProfiles(set profile.Set, text []byte) error {
	err := k.homeThere()
	if err == nil {
		err = os.MkdirAll(filepath.Dir(set.Path()), 0o700)
	}
	if err == nil {
		err = lock.WriteFile(set.Path(), text, lock.WriteOptions{Mode: 0o600, FollowLink: true, Compare: true, Expect: set.Text()})
	}
	if err == nil {
		return nil
	}
	f := &fault.Error{What: "cannot write " + fault.Line(set.Display()), Why: err, Next: []string{"see what would be written: fob configure --dry-run"}, Code: fault.Failed}
	if changed := (*lock.ChangedError)(nil); errors.As(err, &changed) {
		f.Next = []string{"run the same command again: it looks at the file anew"}
	}
	return f
}

// configureFault tells of a mistake in the accounts file or in the config.
func configureFault(err error) error {
	f := &fault.Error{What: "cannot make the profiles", Why: err, Code: fault.Config}
	file, config := (*refarch.Error)(nil), (*profile.Error)(nil)
	switch {
	case errors.As(err, &file):
		f.Next = file.Next
		if file.File != "" {
			f.What = "cannot use the accounts file"
		}
	case errors.As(err, &config):
		f.What, f.Next = "cannot edit the AWS config", config.Next
	}
	return f
}
