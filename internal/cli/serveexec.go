package cli

import (
	"context"
	"errors"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/deliver/launch"
	"fob/internal/deliver/serve"
	"fob/internal/fault"
	"fob/internal/front"

	"github.com/spf13/cobra"
)

// served are the flags of exec that give the command an endpoint in the place of
// a session. They are the incumbent's; its --server is --ecs-server too.
type served struct{ server, ecs, ec2, lazy bool }

func (o *served) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVarP(&o.server, "server", "s", false, "give the command an endpoint that renews its credentials, and no keys (container credentials)")
	f.BoolVar(&o.ecs, "ecs-server", false, "the same as --server")
	f.BoolVar(&o.ec2, "ec2-server", false, "the same by IMDSv2, without a token; for programs that know nothing else")
	f.BoolVar(&o.lazy, "lazy", false, "has no effect: no request may ask a person, so credentials are got before the command starts")
	_ = f.MarkHidden("lazy")
}

func (o served) any() bool { return o.server || o.ecs || o.ec2 }

// checkServed refuses what cannot be meant together.
func (o execOptions) checkServed() error {
	without := func(flag, why string) error {
		return &fault.Error{What: "cannot serve credentials with " + flag, Why: errors.New(why), Code: fault.Usage}
	}
	switch {
	case !o.any():
		return nil
	case o.ec2 && (o.server || o.ecs):
		return without("both --ec2-server and --server", "a command finds its credentials in one way")
	case o.noSession:
		return without("--no-session", "it hands out what an endpoint could not renew")
	case o.byName:
		return without("--profile-env", "the command would find its credentials by the profile, not here")
	case o.json:
		return without("--json", "nothing is started that could ask")
	}
	return nil
}

// runServed is exec for a command that gets an endpoint. fob stays its parent,
// and what is served ends with it.
func (s System) runServed(ctx context.Context, g *globals, o execOptions) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	if err := k.checkDefault(o.execServed()); err != nil {
		return err
	}
	h, err := k.session(ctx, o.wanted)
	if err != nil {
		return err
	}
	c, first := h.chain, h.session
	k.close()
	r, err := s.newRenewer(g, o.wanted, c, first)
	if err != nil {
		return err
	}
	// A signal is the command's: it ends the endpoint by ending the command.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	defer func() {
		cancel()
		<-done
	}()
	endpoint, remove, err := s.endpointFor(ctx, k, c, r, o.ec2)
	if err != nil {
		close(done)
		return cannotServe(err)
	}
	defer remove()
	go func() {
		defer close(done)
		r.run(ctx)
	}()
	s.Environ = s.environFor()
	s.banner(c, first)
	return front.Launch(s.Stay, s.Stderr, front.Child{Environ: s.Environ, Argv: s.orShell(o.argv, c, cred.Session{}), Chain: c, Endpoint: &endpoint}, cred.Session{})
}

// endpointFor starts the endpoint of a command, and says what its environment
// tells of it.
func (s System) endpointFor(ctx context.Context, k *keeper, c chain.Chain, r *renewer, ec2 bool) (e launch.Endpoint, remove func(), err error) {
	o := serve.Options{
		Kind: serve.Container, Current: r.current, Grants: []serve.Grant{{UID: s.UID, Token: serve.NewToken()}}, Now: s.Now,
		Role: c.Profile, Region: c.Region, Account: c.Account,
	}
	s.knowUsers(&o)
	removeDir := func() {}
	if ec2 {
		o.Kind, e.Metadata = serve.Metadata, true
		s.say("IMDS has no token: every program of yours that finds the port can take these credentials; --server does not have that")
	} else {
		dir, err := newRunDir(k.home)
		if err != nil {
			return e, nil, err
		}
		removeDir = dir.remove
		files, err := (&tokenFiles{dir: dir.path, own: s.UID}).write(c.Profile, o.Grants)
		if err != nil {
			removeDir()
			return e, nil, err
		}
		e.Token, e.TokenFile = o.Grants[0].Token, files[0]
	}
	endpoint, err := serve.Start(ctx, o)
	if err != nil {
		removeDir()
		return e, nil, err
	}
	e.URL = endpoint.URL()
	return e, func() {
		_ = endpoint.Close()
		removeDir()
	}, nil
}

// knowUsers has an endpoint look whose connections are, where the system tells.
func (s System) knowUsers(o *serve.Options) {
	if o.UserOf = serve.Users(); o.UserOf != nil {
		return
	}
	s.say("this system does not tell fob whose a connection is: the token alone keeps other users out")
}

func cannotServe(err error) error {
	f := &fault.Error{What: "cannot serve credentials", Why: err, Code: fault.Failed}
	if inner := (*fault.Error)(nil); errors.As(err, &inner) {
		f.Next = inner.Next
	}
	if errors.Is(err, serve.ErrNoUsers) {
		f.Next = []string{"use the endpoint that has a token: --server"}
	}
	return f
}

// orShell is the command, or a shell where none was named.
func (s System) orShell(argv []string, c chain.Chain, session cred.Session) []string {
	if len(argv) > 0 {
		return argv
	}
	if s.StdoutIsTerminal() && front.Lookup(s.Environ, "AWS_VAULT_DISABLE_HELP_MESSAGE") == "" {
		s.say("a shell with the credentials of profile %q%s; leave it with exit", c.Profile, until(session, s.Now()))
	}
	return launch.Shell(s.Environ)
}
