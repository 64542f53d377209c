package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"fob/internal/decide/chain"
	"fob/internal/deliver/serve"
	"fob/internal/fault"

	"github.com/spf13/cobra"
)

type serveOptions struct {
	wanted
	profiles []string
	allow    []int
	dir      string
	metadata bool
	json     bool
}

type servingJSON struct {
	Ready     bool           `json:"ready" doc:"true: every endpoint below answers"`
	PID       int            `json:"pid" doc:"the process that serves; its end is theirs"`
	Endpoints []endpointJSON `json:"endpoints" doc:"in the order of the profiles"`
}

type endpointJSON struct {
	Profile   string      `json:"profile" doc:"whose credentials these are"`
	Account   string      `json:"account,omitempty" doc:"the account that they are for, where the config tells it"`
	Kind      string      `json:"kind" doc:"container (AWS_CONTAINER_CREDENTIALS_FULL_URI) or imds (AWS_EC2_METADATA_SERVICE_ENDPOINT)"`
	URL       string      `json:"url" doc:"the value of that variable"`
	HealthURL string      `json:"health_url,omitempty" doc:"answers 200 while credentials can be had, with the same token; container only"`
	Tokens    []tokenJSON `json:"tokens" doc:"who is let in by which token; none for imds, where the user alone counts"`
}

type tokenJSON struct {
	UID  int    `json:"uid" doc:"the user who is let in"`
	File string `json:"file" doc:"holds the token (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE)"`
}

func newServe(sys *System, g *globals) *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "serve PROFILE...",
		Short: "Start endpoints from which containers and IDEs get credentials",
		Long: "Start an endpoint on loopback for each PROFILE, from which SDKs get credentials that are\n" +
			"renewed (container credentials: AWS_CONTAINER_CREDENTIALS_FULL_URI). The token stands in a\n" +
			"file that only you can read. It runs until Ctrl-C, or until the program that started it ends;\n" +
			"under nohup it stays. Where a person is needed it asks on its terminal, never in a request.",
		Example: "  fob serve dev\n  fob serve dev stage --json\n  fob serve dev --token-dir ~/.fob-tokens --allow-uid 1001",
		Args: func(c *cobra.Command, args []string) error {
			o.profiles = args
			return nil
		},
		ValidArgsFunction: sys.completeProfile(g),
		RunE:              func(c *cobra.Command, _ []string) error { return sys.runServe(c.Context(), g, o) },
	}
	o.flags(c)
	f := c.Flags()
	f.BoolVar(&o.json, "json", false, "print one line of JSON when everything answers")
	f.IntSliceVar(&o.allow, "allow-uid", nil, "let this user of the machine in too, by a token of their own")
	f.Var(some{&o.dir}, "token-dir", "folder for the files of the tokens (default one of this run's own)")
	f.BoolVar(&o.metadata, "imds", false, "also serve IMDSv2, without a token, for programs that know nothing else")
	return c
}

func (o *serveOptions) check(s System) error {
	refuse := func(what, why string) error {
		return &fault.Error{What: what, Why: errors.New(why), Code: fault.Usage}
	}
	if o.noSession {
		return refuse("cannot serve credentials with --no-session", "it hands out what an endpoint could not renew")
	}
	if o.code != "" && len(o.profiles) > 1 {
		return refuse("cannot use --mfa-token for several profiles", "a code works once")
	}
	if len(o.allow) > 0 && !serve.CanTellUsers() {
		return refuse("cannot let another user in by --allow-uid", "this system does not tell fob whose a connection is; who can read a token's file gets in")
	}
	seen := map[int]bool{s.UID: true}
	for _, uid := range o.allow {
		if uid < 0 || seen[uid] {
			return refuse(fmt.Sprintf("cannot use --allow-uid %d", uid), "it is no other user's number, or stands there twice")
		}
		seen[uid] = true
	}
	for i, name := range o.profiles {
		if name == "" || slices.Contains(o.profiles[:i], name) {
			return refuse(fmt.Sprintf("cannot serve profile %q", name), "the name is empty, or stands there twice")
		}
	}
	return nil
}

func (s System) runServe(ctx context.Context, g *globals, o serveOptions) error {
	if len(o.profiles) == 0 {
		name, err := s.named(ctx, "", "serve credentials", "fob serve PROFILE")
		if err != nil {
			return err
		}
		o.profiles = []string{name}
	}
	if err := o.check(s); err != nil {
		return err
	}
	ctx, cancel := s.withParent(ctx)
	defer cancel()
	run := &serving{sys: s, g: g, o: o, files: tokenFiles{own: s.UID}}
	defer run.close()
	out := servingJSON{Ready: true, PID: os.Getpid()}
	for _, name := range o.profiles {
		more, err := run.open(ctx, name)
		if err != nil {
			return err
		}
		out.Endpoints = append(out.Endpoints, more...)
	}
	if err := s.printServing(out, o.json); err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, r := range run.renewers {
		all.Go(func() { r.run(ctx) })
	}
	<-ctx.Done()
	all.Wait()
	return nil
}

// serving is what one run of serve has opened.
type serving struct {
	sys      System
	g        *globals
	o        serveOptions
	files    tokenFiles
	person   sync.Mutex
	renewers []*renewer
	closers  []func()
}

func (r *serving) close() {
	for _, done := range slices.Backward(r.closers) {
		done()
	}
}

// open gets a profile's first session and starts its endpoints.
func (r *serving) open(ctx context.Context, name string) ([]endpointJSON, error) {
	w := r.o.wanted
	w.profile = name
	k, err := r.sys.newKeeper(r.g)
	if err != nil {
		return nil, err
	}
	defer k.close()
	if len(r.renewers) == 0 {
		k.warnDefault()
	}
	if err := r.makeDir(k); err != nil {
		return nil, cannotServe(err)
	}
	h, err := k.session(ctx, w)
	if err != nil {
		return nil, err
	}
	one, err := r.sys.newRenewer(r.g, w, h.chain, h.session)
	if err != nil {
		return nil, cannotServe(err)
	}
	one.person = &r.person
	r.renewers = append(r.renewers, one)
	kinds := []serve.Kind{serve.Container}
	if r.o.metadata {
		kinds = append(kinds, serve.Metadata)
	}
	var out []endpointJSON
	for _, kind := range kinds {
		e, err := r.start(ctx, kind, h.chain, one.current)
		if err != nil {
			return nil, cannotServe(err)
		}
		out = append(out, e)
	}
	return out, nil
}

func (r *serving) makeDir(k *keeper) (err error) {
	switch {
	case r.files.dir != "":
	case r.o.dir != "":
		if r.files.dir, err = givenTokenDir(r.o.dir); err == nil && len(r.o.allow) > 0 {
			r.sys.say("other users cannot come to their tokens in %s, which is yours alone: hand each its file; without --token-dir root makes a place for them", fault.Line(r.files.dir))
		}
	default:
		var dir *runDir
		if dir, err = newRunDir(k.home); err == nil {
			r.files.dir = dir.path
			r.closers = append(r.closers, dir.remove)
		}
		if err == nil && r.sys.UID == 0 && len(r.o.allow) > 0 {
			r.files.open, err = passable()
			open := r.files.open
			r.closers = append(r.closers, func() { _ = os.Remove(open) })
		}
	}
	return err
}

func (r *serving) start(ctx context.Context, kind serve.Kind, c chain.Chain, current *serve.Current) (endpointJSON, error) {
	out := endpointJSON{Profile: c.Profile, Account: c.Account, Kind: "container", Tokens: []tokenJSON{}}
	o := serve.Options{Kind: kind, Current: current, Now: r.sys.Now, Role: c.Profile, Region: c.Region, Account: c.Account}
	for _, uid := range append([]int{r.sys.UID}, r.o.allow...) {
		g := serve.Grant{UID: uid}
		if kind == serve.Container {
			g.Token = serve.NewToken()
		}
		o.Grants = append(o.Grants, g)
	}
	r.sys.knowUsers(&o)
	if kind == serve.Metadata {
		out.Kind = "imds"
		r.sys.say("IMDS has no token: every program of yours that finds the port can take the credentials of %q", c.Profile)
	} else {
		files, err := r.files.write(c.Profile, o.Grants)
		for i, file := range files {
			out.Tokens = append(out.Tokens, tokenJSON{UID: o.Grants[i].UID, File: file})
			r.closers = append(r.closers, func() { _ = os.Remove(file) })
		}
		if err != nil {
			return out, err
		}
	}
	e, err := serve.Start(context.WithoutCancel(ctx), o)
	if err != nil {
		return out, err
	}
	r.closers = append(r.closers, func() { _ = e.Close() })
	out.URL, out.HealthURL = e.URL(), e.HealthURL()
	return out, nil
}

// printServing says how to get in: to a program, or to a person who pastes it.
func (s System) printServing(out servingJSON, asJSON bool) error {
	if asJSON {
		text, err := json.Marshal(out)
		if err == nil {
			_, err = fmt.Fprintf(s.Stdout, "%s\n", text)
		}
		return err
	}
	for _, e := range out.Endpoints {
		s.say("profile %q is served until Ctrl-C; each program needs:", e.Profile)
		lines := "export AWS_EC2_METADATA_SERVICE_ENDPOINT=" + e.URL + "\n"
		if e.Kind == "container" {
			lines = "export AWS_CONTAINER_CREDENTIALS_FULL_URI=" + e.URL + "\n"
		}
		for i, granted := range e.Tokens {
			if i > 0 {
				s.say("user %d has the token in %s", granted.UID, fault.Line(granted.File))
				continue
			}
			lines += "export AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=" + fault.Word(granted.File) + "\n"
		}
		if _, err := fmt.Fprint(s.Stdout, lines); err != nil {
			return err
		}
	}
	return nil
}

// errParent is why a run ends whose parent has.
var errParent = errors.New("the program that started fob has ended")

// parentEvery is how often the parent is looked for. No signal tells of its end
// that a runtime with threads could use.
const parentEvery = 500 * time.Millisecond

// withParent ends when the process that started us does. Who hides us from the
// end of a login (nohup), or has no parent, means us to stay.
func (s System) withParent(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	parent := os.Getppid()
	if parent > 1 && !signal.Ignored(syscall.SIGHUP) {
		go func() {
			for s.Sleep(ctx, parentEvery) == nil {
				if os.Getppid() != parent {
					cancel(errParent)
				}
			}
		}()
	}
	return ctx, func() { cancel(nil) }
}
