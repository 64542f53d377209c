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
	stdout  bool
	path    string
	service string
}

func newLogin(sys *System, g *globals) *cobra.Command {
	var o loginOptions
	c := &cobra.Command{
		Use:               "login PROFILE",
		Aliases:           []string{"console"},
		Short:             "Open the AWS console as a profile",
		Example:           "  fob login dev\n  fob login dev --duration 8h -s",
		Args:              atMostOneProfile,
		ValidArgsFunction: sys.completeProfile(g),
		RunE: func(c *cobra.Command, args []string) error {
			o.profile = front.Lookup(sys.Environ, "AWS_PROFILE")
			if len(args) > 0 {
				o.profile = args[0]
			}
			return sys.runLogin(c.Context(), g, o)
		},
	}
	o.flags(c)
	c.Flags().BoolVarP(&o.stdout, "stdout", "s", false, "print the sign-in link in place of opening it")
	c.Flags().StringVar(&o.path, "path", "", "path in the console to open")
	c.Flags().StringVar(&o.service, "service", "", "service in the console to open, by its name (ec2, s3)")
	c.MarkFlagsMutuallyExclusive("path", "service")
	return c
}

func (s System) runLogin(ctx context.Context, g *globals, o loginOptions) error {
	if o.profile == "" {
		return &fault.Error{What: "cannot sign in without a profile", Why: errors.New("none is named, and AWS_PROFILE is not set"), Next: []string{"fob login PROFILE"}, Code: fault.Usage}
	}
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	c, session, err := k.session(ctx, o.wanted)
	if err != nil {
		return err
	}
	k.close()
	role, ok := lastRole(c)
	if !ok {
		return noConsole(c)
	}
	client, err := s.HTTP(role.Endpoint.CABundle)
	if err != nil {
		return &fault.Error{What: "cannot sign in", Why: err, Code: fault.Failed}
	}
	// Not what an outer exec has set for its own profile: the session would be
	// sent there.
	environ := launch.Inherited(s.Environ)
	base := cmp.Or(front.Lookup(environ, "AWS_ENDPOINT_URL_SIGNIN"), front.Lookup(environ, "AWS_ENDPOINT_URL"))
	link, err := console.SigninURL(ctx, console.Request{
		Session: session, Region: c.Region, Partition: source.Partition(role.RoleARN), Endpoint: base,
		Path: o.path, Service: o.service, Issuer: "fob", Lifetime: consoleLifetime(c, session, s.Now()),
	}, post(client))
	if err != nil {
		return signinFault(o.profile, err)
	}
	if o.stdout {
		_, err := io.WriteString(s.Stdout, link.Reveal()+"\n")
		return err
	}
	return s.open(ctx, k.home, link)
}

// lastRole is the role at the end of a chain.
func lastRole(c chain.Chain) (source.AssumeRole, bool) {
	if len(c.Steps) == 0 {
		return source.AssumeRole{}, false
	}
	role, ok := c.Steps[len(c.Steps)-1].(source.AssumeRole)
	return role, ok
}

// consoleLifetime is how long the console session shall last. Only a role that
// was assumed with the key itself may ask for a length; any other console
// session ends with its credentials
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html).
func consoleLifetime(c chain.Chain, session cred.Session, now time.Time) time.Duration {
	if len(c.Steps) != 1 {
		return 0
	}
	// Not more than the credentials hold: a kept session is older than asked.
	return min(c.Asked, max(session.Left(now), 15*time.Minute)).Truncate(time.Second)
}

// noConsole says why a plain IAM user gets no sign-in link. A federated session
// would open the console without MFA, which policies that ask for MFA answer
// with "access denied" everywhere.
func noConsole(c chain.Chain) error {
	f := &fault.Error{
		What: fmt.Sprintf("cannot make a sign-in link for profile %q", c.Profile),
		Why:  errors.New("it has no role, and STS cannot put MFA into the console session of an IAM user"),
		Next: []string{"sign in by hand on your account's page, with password and MFA"},
		Code: fault.Config,
	}
	if c.Account != "" {
		f.Next[0] = "sign in by hand, with password and MFA: " + console.AccountPage(c.Account, partition(c))
	}
	f.Next = append(f.Next, "or open the console of an account that you enter by a role: fob login PROFILE")
	return f
}

// partition is that of the user's MFA device, the one ARN a user's chain holds.
func partition(c chain.Chain) string {
	for _, step := range c.Steps {
		if s, ok := step.(source.SessionToken); ok {
			return source.Partition(s.Device.Serial)
		}
	}
	return "aws"
}

func signinFault(profile string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	f := &fault.Error{
		What: fmt.Sprintf("cannot make a sign-in link for profile %q", profile), Why: err,
		Next: []string{"if the session is no longer good: fob clear " + fault.Word(profile) + ", then the command again"},
		Code: fault.Refused,
	}
	if gone := (*awsapi.UnreachableError)(nil); errors.As(err, &gone) {
		f.Code, f.Next = fault.Failed, []string{"check the network, and HTTPS_PROXY if a proxy is needed"}
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
func (s System) open(ctx context.Context, home front.Home, link cred.Secret) error {
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
	ended, err := s.Browse(file)
	if err != nil {
		return err
	}
	s.say("the console opens in your browser")
	return s.awaitBrowser(ctx, ended)
}
