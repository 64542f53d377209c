package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/deliver/console"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/obtain/awsapi"

	"github.com/spf13/cobra"
)

type loginOptions struct {
	wanted
	stdout   bool
	path     string
	service  string
	logout   bool
	browser  string
	federate bool
}

func newLogin(sys *System, g *globals) *cobra.Command {
	var o loginOptions
	c := &cobra.Command{
		Use:     "login [PROFILE]",
		Aliases: []string{"console"},
		Short:   "Open the AWS console as a profile",
		Long: "Open the AWS console as a profile: in a browser, or print the sign-in link (-s).\n" +
			"Without PROFILE it is the one in AWS_PROFILE, else the credentials in the environment.",
		Example:           "  fob login dev\n  fob login dev --duration 8h -s\n  fob login dev --service s3 --browser \"firefox -P work\"",
		Args:              atMostOneProfile,
		ValidArgsFunction: sys.completeProfile(g),
		RunE: func(c *cobra.Command, args []string) error {
			o.profile = sys.lookup("AWS_PROFILE")
			if len(args) > 0 {
				o.profile = args[0]
			}
			if !c.Flags().Changed("auto-logout") {
				var err error
				if o.logout, err = sys.switched("FOB_AUTO_LOGOUT", "AWS_VAULT_AUTO_LOGOUT"); err != nil {
					return err
				}
			}
			return sys.runLogin(c.Context(), g, o)
		},
	}
	o.flags(c)
	f := c.Flags()
	f.BoolVarP(&o.stdout, "stdout", "s", false, "print the sign-in link in place of opening it")
	f.StringVar(&o.path, "path", "", "path in the console to open")
	f.StringVar(&o.service, "service", "", "service in the console to open, by its name (ec2, s3)")
	f.BoolVarP(&o.logout, "auto-logout", "a", false, "end the console session of the browser first")
	f.StringVar(&o.browser, "browser", "", "open it with this command (default FOB_BROWSER, then BROWSER, then the system's)")
	f.BoolVar(&o.federate, "federate", false, "open it as the IAM user, without MFA, where the profile has no role")
	c.MarkFlagsMutuallyExclusive("path", "service")
	return c
}

// truth reads a variable that turns something on.
func truth(value string) bool {
	on, err := strconv.ParseBool(value)
	return err == nil && on
}

func (s System) runLogin(ctx context.Context, g *globals, o loginOptions) error {
	o.console = chain.OpensConsole
	o.browser = cmp.Or(o.browser, s.lookup("FOB_BROWSER"))
	if err := o.check(); err != nil {
		return err
	}
	if o.profile == "" && s.lookup("AWS_ACCESS_KEY_ID") == "" {
		picked, err := s.pick(ctx, &fault.Error{What: "cannot sign in without a profile", Why: errors.New("none is named, and neither AWS_PROFILE nor AWS_ACCESS_KEY_ID is set"), Next: []string{"fob login PROFILE"}, Code: fault.Usage})
		if err != nil {
			return err
		}
		o.profile = picked
	}
	// The incumbent makes such a session unasked. A key in the environment has no
	// other way into the console.
	if o.federate || s.asIncumbent() || o.profile == "" && s.lookup("AWS_SESSION_TOKEN") == "" {
		o.console = chain.Federated
	}
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	h, err := k.session(ctx, o.wanted)
	if closed := (*chain.NoConsoleError)(nil); errors.As(err, &closed) {
		return noConsole(closed)
	}
	if err != nil {
		return err
	}
	c := h.chain
	if _, made := c.Steps[len(c.Steps)-1].(source.FederationToken); o.federate && !made {
		s.say("--federate changes nothing: profile %q enters a role, whose session opens the console by itself", c.Profile)
	}
	s.banner(c, h.session)
	return s.signIn(ctx, k, o, h)
}

// check finds what is wrong with the flags before a code is asked for.
func (o loginOptions) check() error {
	err := console.CheckPage(o.path, o.service)
	if wrong := (*console.DestinationError)(nil); errors.As(err, &wrong) {
		return &fault.Error{What: "cannot use --" + wrong.Field, Why: err, Code: fault.Usage}
	}
	if o.browser != "" && !o.stdout {
		if _, err := splitWords(o.browser); err != nil {
			return &fault.Error{What: "cannot use --browser, or FOB_BROWSER", Why: err, Next: []string{"write it like --browser \"firefox -P work\""}, Code: fault.Usage}
		}
	}
	return err
}

// signIn makes the link and hands it over.
func (s System) signIn(ctx context.Context, k *keeper, o loginOptions, h handout) error {
	c := h.chain
	client, err := s.HTTP(c.STS.CABundle)
	if err != nil {
		return &fault.Error{What: "cannot sign in", Why: err, Code: fault.Failed}
	}
	// Not what an outer exec has set for its own profile: the session would be
	// sent there.
	environ := launch.Inherited(s.Environ)
	origin, partition := origin(c)
	r := console.Request{
		Region: c.Region, Partition: partition,
		Endpoint: cmp.Or(front.Lookup(environ, "AWS_ENDPOINT_URL_SIGNIN"), front.Lookup(environ, "AWS_ENDPOINT_URL")),
		Path:     o.path, Service: o.service, Issuer: "fob",
	}
	var link cred.Secret
	_, err = k.using(ctx, h, func(now cred.Session) (err error) {
		r.Session, r.Lifetime = now, console.Lifetime(origin, c.Asked, now.Left(s.Now()))
		link, err = console.SigninURL(ctx, r, post(client))
		return s.whyNot(ctx, c, now, err)
	})
	if err != nil {
		return signinFault(c, err)
	}
	if o.logout && o.stdout {
		if link, err = console.LogoutURL(r, link); err != nil {
			return signinFault(c, err)
		}
	}
	if o.stdout {
		_, err := io.WriteString(s.Stdout, link.Reveal()+"\n")
		return err
	}
	if o.logout {
		if err := s.logout(ctx, r, o); err != nil {
			return err
		}
	}
	return s.open(ctx, k.home, link, o)
}

// whyNot asks STS whether the session is the reason that the sign-in service said
// no, for that one tells no reasons.
func (s System) whyNot(ctx context.Context, c chain.Chain, session cred.Session, err error) error {
	if answer := (*console.AnswerError)(nil); !errors.As(err, &answer) || answer.Status/100 != 4 {
		return err
	}
	_, why := awsapi.New(s.awsConfig(c.STS), session.Signer()).CallerIdentity(ctx)
	if no := (*awsapi.Refusal)(nil); errors.As(why, &no) && awsapi.Ended(no.Code) {
		return fmt.Errorf("%w: %w", err, why)
	}
	return err
}

// origin is how the session at the end of a chain comes to be, and the partition
// that it is of ("" where only the region tells).
func origin(c chain.Chain) (console.Origin, string) {
	switch last := c.Steps[len(c.Steps)-1].(type) {
	case source.AssumeRole:
		if len(c.Steps) == 1 {
			return console.RoleByKey, source.Partition(last.RoleARN)
		}
		return console.Other, source.Partition(last.RoleARN)
	case source.WebIdentity:
		return console.RoleByToken, source.Partition(last.RoleARN)
	}
	return console.Other, ""
}

// noConsole says why a plain IAM user gets no sign-in link. A federated session
// would open the console without MFA, which policies that ask for MFA answer
// with "access denied" everywhere.
func noConsole(e *chain.NoConsoleError) error {
	f := &fault.Error{
		What: fmt.Sprintf("cannot make a sign-in link for profile %q", e.Profile), Why: e,
		Next: []string{"sign in by hand on your account's page, with password and MFA"},
		Code: fault.Config,
	}
	if page := console.AccountPage(e.Account, e.Partition); page != "" {
		f.Next[0] = "sign in by hand, with password and MFA: " + page
	}
	f.Next = append(f.Next,
		"or open the console of an account that you enter by a role: fob login PROFILE",
		"or without MFA, which most policies that ask for it will refuse: fob login --federate "+fault.Operand(e.Profile))
	return f
}

func signinFault(c chain.Chain, err error) error {
	if f := (*fault.Error)(nil); errors.As(err, &f) || errors.Is(err, context.Canceled) {
		return err
	}
	f := &fault.Error{What: fmt.Sprintf("cannot make a sign-in link for profile %q", c.Profile), Why: err, Code: fault.Refused}
	gone, misplaced := (*awsapi.UnreachableError)(nil), (*console.PlaceError)(nil)
	nowhere := (*console.DestinationError)(nil)
	card := c.Card()
	switch {
	case errors.As(err, &gone):
		f.Code, f.Next = fault.Failed, []string{"check the network, and HTTPS_PROXY if a proxy is needed"}
	case errors.As(err, &misplaced):
		f.Code, f.Next = fault.Config, []string{"see the region of the profile, or name one: --region"}
	case errors.As(err, &nowhere):
		f.Code = fault.Usage
	case errors.Is(err, console.ErrLongTerm):
		f.Code, f.Next = fault.Config, []string{"open it as the IAM user, without MFA: fob login --federate " + fault.Operand(c.Profile)}
	case card.Role == "" && card.Call != "GetFederationToken":
		f.Next = []string{"the console takes a role's session, or that of a federated user; not that of GetSessionToken"}
	default:
		f.Next = []string{"if the session is no longer good: fob clear " + fault.Operand(c.Profile) + ", then the command again"}
	}
	return f
}

// post sends one form. Errors name the host only: the form and the query hold
// credentials.
func post(client *http.Client) console.Post {
	return func(ctx context.Context, target string, form url.Values) (int, []byte, error) {
		method, body := http.MethodPost, io.Reader(strings.NewReader(form.Encode()))
		if form == nil {
			method, body = http.MethodGet, nil
		}
		req, err := http.NewRequestWithContext(ctx, method, target, body)
		if err != nil {
			return 0, nil, errors.New("the address of the sign-in service is not one")
		}
		req.Header.Set("Accept", "application/json")
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		resp, err := client.Do(req)
		if err != nil {
			var u *url.Error
			if errors.As(err, &u) {
				err = u.Err
			}
			return 0, nil, &awsapi.UnreachableError{Op: "sign-in", Host: req.URL.Host, Err: err}
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return resp.StatusCode, text, err
	}
}

// open hands the link to the browser by a file that only this user can read: in
// a command line, other users would see it.
func (s System) open(ctx context.Context, home front.Home, link cred.Secret, o loginOptions) error {
	page := "<!doctype html><meta charset=utf-8><meta name=referrer content=no-referrer><meta http-equiv=refresh content=\"0;url=" + html.EscapeString(link.Reveal()) + "\"><title>fob</title>Opening the AWS console."
	dir, err := s.signinDir(home)
	if err != nil {
		return noSigninFile(err)
	}
	file, remove, err := writeSignin(dir, page)
	defer remove()
	if err != nil {
		return noSigninFile(err)
	}
	ended, err := s.Browse(o.browser, file)
	if err == nil {
		err = s.awaitBrowser(ctx, ended)
	}
	if err != nil && ctx.Err() == nil {
		return noBrowser(o.profile, err)
	}
	return err
}

// logoutTime is how long the browser gets to end its session.
const logoutTime = 3 * time.Second

// logout ends the browser's session in a page of its own: one link for both would
// lead nowhere in a browser that holds several sessions (docs/decisions/019-login.md).
func (s System) logout(ctx context.Context, r console.Request, o loginOptions) error {
	link, err := console.LogoutURL(r, cred.Secret{})
	if err != nil {
		return err
	}
	if _, err := s.Browse(o.browser, link.Reveal()); err != nil { // there is no secret in it
		return noBrowser(o.profile, err)
	}
	return s.Sleep(ctx, logoutTime)
}
