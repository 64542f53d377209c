package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/deliver/export"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/cache"

	"github.com/spf13/cobra"
)

type terragruntOptions struct {
	wanted
	choice front.Choice
	reveal bool
}

func newTerragruntAuth(sys *System, g *globals) *cobra.Command {
	return terragruntAuthCommand(func(ctx context.Context, o terragruntOptions) error { return sys.runTerragruntAuth(ctx, g, o) })
}

func terragruntAuthCommand(run func(context.Context, terragruntOptions) error) *cobra.Command {
	var o terragruntOptions
	c := &cobra.Command{
		Use:   front.ByDirectory,
		Short: "Answer Terragrunt's --auth-provider-cmd for the working directory",
		Long: "Answer Terragrunt's --auth-provider-cmd with the credentials of the account that the\n" +
			"working directory belongs to. The account is that of the account.hcl above it, or of the\n" +
			"folder beside accounts.json or accounts.yml; the profile is the one whose role_arn is in\n" +
			"that account, full access before other roles. A profile with fob_directory = DIRECTORY is\n" +
			"that of all that lies below. Credentials in the environment and AWS_PROFILE are ignored.",
		Example: "  export TG_AUTH_PROVIDER_CMD=\"fob terragrunt-auth\"\n  terragrunt run --all plan\n  TG_AUTH_PROVIDER_CMD=\"fob terragrunt-auth --read-only\" terragrunt run --all plan",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	f := c.Flags()
	f.Var(some{&o.choice.Role}, "role", "use the profile with the role of this name")
	f.BoolVar(&o.choice.ReadOnly, "read-only", false, "use the profile whose role is named read-only")
	f.StringVarP(&o.duration, "duration", "d", "", "how long the credentials shall hold (1h30m, or seconds)")
	f.BoolVar(&o.reveal, "reveal", false, "print secrets even though standard output is a terminal")
	c.MarkFlagsMutuallyExclusive("role", "read-only")
	return c
}

func (s System) runTerragruntAuth(ctx context.Context, g *globals, o terragruntOptions) error {
	format, _ := export.Named("terragrunt")
	if !o.reveal && s.StdoutIsTerminal() {
		return &fault.Error{
			What: "cannot print credentials to a terminal", Why: errors.New("they would stay in its scroll-back"),
			Next: []string{"let Terragrunt run it: export TG_AUTH_PROVIDER_CMD=\"fob " + front.ByDirectory + "\"", "or say that you want to see them: --reveal"},
			Code: fault.Usage,
		}
	}
	s.Environ = launch.Nobody(s.Environ)
	if _, err := s.request(o.wanted); err != nil {
		return err // before a file is to blame
	}
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	place, err := front.FindPlace(s.Getwd, s.UID)
	if err != nil {
		return &fault.Error{What: "cannot tell the account of the working directory", Why: err, Code: fault.Config}
	}
	set, err := k.load()
	if err != nil {
		return err
	}
	_, wrong := mappings(set, k.home.User)
	for _, text := range wrong {
		s.say("%s", text)
	}
	found, err := pickProfile(set, place, k.home.User, o.choice)
	if err != nil {
		k.warn(set, err)
		k.warnLinks(set, place)
		return err
	}
	if err := ownBegin(set, found.profile); err != nil {
		return err
	}
	o.profile, o.account = found.profile, found.account
	h, err := k.session(ctx, o.wanted)
	if err != nil {
		return err
	}
	c, session := h.chain, h.session
	k.remember(ctx, rememberable{place, o.choice, found, set.Sum()})
	k.close()
	return front.Print(s.Stdout, format, c, session)
}

// ofAccount refuses a plan that leads to another account than the one that is
// wanted, before anybody is asked for it: AWS_MFA_SERIAL is every profile's. That
// what AWS then gives is of the planned account, the exchange itself checks: a
// role's by the answer's ARN; a user's is of the account of their device.
func ofAccount(c chain.Chain, wanted string) error {
	if wanted == "" || c.Account == wanted {
		return nil
	}
	return &fault.Error{
		What: fmt.Sprintf("profile %q is not in the account of the working directory", c.Profile), Why: fmt.Errorf("it enters account %s, and %s is wanted", c.Account, wanted),
		Next: []string{"take AWS_MFA_SERIAL out of the environment, if it is set", "fob explain " + fault.Operand(c.Profile)}, Code: fault.Config,
	}
}

// warnLinks helps where a profile names the directory by a link: directories are
// compared as the system has them, so that they mean the same each time.
func (k *keeper) warnLinks(set profile.Set, p front.Place) {
	all, _ := mappings(set, k.home.User)
	for _, m := range all {
		if real, err := filepath.EvalSymlinks(m.dir); err == nil && real != m.dir && inside(p.Dir, real) {
			k.sys.say("profile %q names %s, which is a link: write %s = %s", m.profile, m.dir, directorySetting, real)
		}
	}
}

// rememberable is a choice with all that it was made from.
type rememberable struct {
	place  front.Place
	choice front.Choice
	found  pickedProfile
	config [32]byte
}

// remember lets the front answer next time. Where it cannot be kept, the next run
// chooses again, so a failure is none of this run's.
func (k *keeper) remember(ctx context.Context, r rememberable) {
	if k.seal.IsZero() {
		return
	}
	here, below := r.place.Sums(k.home.User, r.choice)
	name := here
	if r.found.below != "" {
		name = below(r.found.below)
	}
	// Whatever the front would find before it is of another config.
	before := []string{here}
	for dir := r.place.Dir; dir != r.found.below; dir = filepath.Dir(dir) {
		before = append(before, below(dir))
		if dir == filepath.Dir(dir) {
			break
		}
	}
	change := func(x *cache.Index) bool {
		changed := x.Remember(name, cache.Directory{Profile: r.found.profile, Config: r.config, Made: k.sys.Now()})
		for _, other := range before {
			if _, ok := x.Directories[other]; ok && other != name {
				delete(x.Directories, other)
				changed = true
			}
		}
		return changed
	}
	if known, err := k.cache.Index(); err == nil && !change(&known) {
		return // most of many that run at once
	}
	_ = k.cache.Update(ctx, k.sys.Now, func(x *cache.Index) error {
		change(x)
		return nil
	})
}
