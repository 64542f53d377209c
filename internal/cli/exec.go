package cli

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"fob/internal/decide/guard"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"

	"github.com/spf13/cobra"
)

type execOptions struct {
	wanted
	served
	argv   []string
	json   bool
	all    bool
	byName bool
	length string
	weakOK bool
}

func newExec(sys *System, g *globals) *cobra.Command {
	c := execCommand(func(ctx context.Context, o execOptions) error { return asLauncher(sys.runExec(ctx, g, o)) })
	c.ValidArgsFunction = sys.completeProfile(g)
	return c
}

func execCommand(run func(context.Context, execOptions) error) *cobra.Command {
	var o execOptions
	c := &cobra.Command{
		Use:   "exec [PROFILE[,PROFILE]...] [-- COMMAND [ARG]...]",
		Short: "Run a command with the credentials of a profile",
		Long: "Run a command with the short-lived credentials of a profile in its environment.\n" +
			"Without COMMAND a shell is started; without PROFILE the one in AWS_PROFILE is used.\n" +
			"Flags stand before or after PROFILE and end at -- or COMMAND.\n" +
			"With several profiles each works inside COMMAND by its own name, in every SDK,\n" +
			"renewed for as long as COMMAND runs.\n" +
			"With --agent NAME the command is an agent and PROFILE may be several, with commas: it\n" +
			"reads their narrowed credentials from files, which fob keeps fresh and removes at the end.",
		Example: "  fob exec dev -- aws sts get-caller-identity\n  fob exec dev --no-session -- terraform apply\n  AWS_PROFILE=dev fob exec -- env\n  fob exec dev,prod,shared -- terraform apply",
		Args: func(c *cobra.Command, args []string) error {
			return usageOf(c, o.words(c, args))
		},
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	o.wanted.flags(c)
	f := c.Flags()
	f.BoolVar(&o.byName, "profile-env", false, "tell the command the name of the profile (AWS_PROFILE) and no credentials")
	f.BoolVar(&o.all, "all-profiles", false, "every profile that has a way to credentials, each by its own name")
	f.StringVar(&o.length, "for", "", "with --agent: how long the credentials are kept fresh (default while COMMAND runs)")
	f.BoolVar(&o.weakOK, "weak-ok", false, "with --agent: start it also where it could open the store without a person")
	f.BoolVarP(&o.json, "json", "j", false, "print the credentials as export --format json does")
	f.Bool("stdout", false, "has no effect: exec opens no browser")
	_ = f.MarkHidden("json")
	_ = f.MarkHidden("stdout")
	o.served.flags(c)
	for _, other := range []string{"server", "ecs-server", "ec2-server", "all-profiles"} {
		c.MarkFlagsMutuallyExclusive("agent", other)
	}
	f.SetInterspersed(false)
	return c
}

// words takes the command line apart: flags, PROFILE, flags again, COMMAND.
func (o *execOptions) words(c *cobra.Command, args []string) error {
	flags := c.Flags()
	if flags.ArgsLenAtDash() == 0 || o.all || len(args) == 0 {
		o.argv = args
		return nil
	}
	if o.profile = args[0]; o.profile == "" {
		return errors.New("the name of the profile is empty")
	}
	if flags.ArgsLenAtDash() == 1 {
		o.argv = args[1:]
		return nil
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	o.argv = flags.Args()
	return nil
}

func usageOf(c *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return usage(c, err)
}

func (s System) runExec(ctx context.Context, g *globals, o execOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	byName, err := s.switched("FOB_PROFILE_ENV", "AWS_VAULT_PROFILE_ENV")
	if err != nil {
		return err
	}
	o.byName = o.byName || byName && !o.any() && !o.all
	if err := o.checkServed(); err != nil {
		return err
	}
	if o.agent != "" && !o.json {
		return s.runAgent(ctx, g, o)
	}
	if several, err := s.execSeveral(ctx, g, o); several || err != nil {
		return err
	}
	if o.profile, err = s.named(ctx, o.profile, "run a command", "fob exec PROFILE -- COMMAND"); err != nil {
		return err
	}
	if o.json {
		return s.runExport(ctx, g, exportOptions{wanted: o.wanted, format: "json", toSee: s.calledAs() + " export --format json --reveal " + fault.Operand(o.profile)})
	}
	if o.any() {
		return s.runServed(ctx, g, o)
	}
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
	k.close()
	s.Environ = s.environFor()
	s.banner(c, session)
	if text := front.Ending(c, session, s.Now()); text != "" && !o.byName && o.duration == "" && s.StderrIsTerminal() {
		if _, said, _ := front.MinLeft(g.minTTL, s.Environ); said == "" {
			s.say("%s", text)
		}
	}
	o.argv = s.orShell(o.argv, c, session)
	return front.Launch(s.Execve, s.Stderr, front.Child{Environ: s.Environ, Argv: o.argv, Chain: c, ByName: o.byName}, session)
}

// check refuses what makes no sense together.
func (o execOptions) check() error {
	for flag, value := range map[string]bool{"for": o.length != "", "weak-ok": o.weakOK} {
		if value && o.agent == "" {
			return &fault.Error{What: "--" + flag + " means nothing without --agent", Next: []string{"how long the credentials hold: --duration"}, Code: fault.Usage}
		}
	}
	if o.all && o.agent != "" {
		return &fault.Error{What: "cannot give an agent every profile", Next: []string{"name them: fob exec --agent NAME dev,stage -- COMMAND"}, Code: fault.Usage}
	}
	return nil
}

// environFor is the environment of what is started, in which every fob knows whom
// it works for.
func (s System) environFor() []string {
	if s.agent.IsZero() {
		return s.Environ
	}
	kept := []string{guard.AgentVariable + "=" + s.agent.ID}
	for _, e := range s.Environ {
		if !strings.HasPrefix(e, guard.AgentVariable+"=") {
			kept = append(kept, e)
		}
	}
	return kept
}

// execSeveral is exec for more than one profile. several is false for one.
func (s System) execSeveral(ctx context.Context, g *globals, o execOptions) (several bool, err error) {
	if !o.all && !strings.Contains(o.profile, ",") {
		return false, nil
	}
	k, err := s.newKeeper(g)
	if err != nil {
		return false, err
	}
	defer k.close()
	// The command may ask from another directory.
	if k.home.Config, err = filepath.Abs(k.home.Config); err != nil {
		return false, err
	}
	set, err := k.load()
	if err != nil {
		return false, err
	}
	var names []string
	if !o.all {
		if names, err = k.several(set, o.profile); names == nil || err != nil {
			return false, err
		}
	}
	if o.any() {
		return true, &fault.Error{What: "cannot serve several profiles to one command", Why: errors.New("an endpoint gives one profile's credentials"), Next: []string{"leave the server out: each profile is renewed while the command runs, by its own name", "or: fob serve PROFILE..."}, Code: fault.Usage}
	}
	if o.json {
		return true, &fault.Error{What: "cannot print the credentials of several profiles", Next: []string{"fob export --format json PROFILE"}, Code: fault.Usage}
	}
	return true, k.runSeveral(ctx, set, names, o)
}

// execLine is exec for a profile as people type it. Behind -- stands the command,
// so that a name which looks like a flag goes by the environment.
func (s System) execLine(profile string) string {
	if strings.HasPrefix(profile, "-") {
		return "AWS_PROFILE=" + fault.Word(profile) + " " + s.calledAs() + " exec -- COMMAND"
	}
	return s.calledAs() + " exec " + fault.Word(profile) + " -- COMMAND"
}

// asLauncher keeps fob's own failures apart from the command's: inside exec
// they are 125, whatever they are elsewhere.
func asLauncher(err error) error {
	var f *fault.Error
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case !errors.As(err, &f):
		if done := (*launch.Exited)(nil); errors.As(err, &done) {
			return err
		}
		return &fault.Error{What: "cannot run the command", Why: err, Code: fault.Launcher}
	case f.Code == fault.CannotRun || f.Code == fault.NotFound:
		return err
	}
	return &fault.Error{What: f.What, Why: f.Why, Next: f.Next, Code: fault.Launcher}
}
