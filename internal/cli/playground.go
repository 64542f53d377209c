package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/playground"

	"github.com/spf13/cobra"
)

// playgroundURL is where a command below the playground finds its controls.
const playgroundURL = "FOB_PLAYGROUND_URL"

type playgroundOptions struct {
	addr string
	user string
	argv []string
}

func newPlayground(sys *System, _ *globals) *cobra.Command {
	var o playgroundOptions
	c := &cobra.Command{
		Use:   "playground [-- COMMAND [ARG]...]",
		Short: "Start a strict local AWS with seven accounts, to try fob in",
		Long: "Start a strict local AWS on loopback: seven accounts, users with MFA, cross-account roles,\n" +
			"a state bucket for each account. It refuses what AWS refuses. With COMMAND it runs that\n" +
			"command against itself and ends with it; without, it prints what to paste and runs until Ctrl-C.",
		Example: "  fob playground\n  fob playground -- sh -c 'fob add security --env && fob whoami dev -t \"$(fob playground code)\"'",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 && c.ArgsLenAtDash() != 0 {
				return usage(c, fmt.Errorf("write -- before the command, got %q", args[0]))
			}
			o.argv = args
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return sys.runPlayground(c.Context(), o) },
	}
	c.Flags().StringVar(&o.addr, "addr", "127.0.0.1:0", "loopback address to listen on")
	c.Flags().StringVar(&o.user, "user", "gruntwork", "whose key and MFA device to use: gruntwork, alice@acme.com, bob@acme.com, ci-machine-user, or carol, who has no device")
	code := &cobra.Command{
		Use:     "code [USER]",
		Short:   "Print the next MFA code of a playground user",
		Long:    "Print an MFA code that the playground has not taken yet, waiting for the next one if it must.",
		Example: "  fob exec dev -t \"$(fob playground code)\" -- aws sts get-caller-identity",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			user := o.user
			if len(args) > 0 {
				user = args[0]
			}
			return sys.runPlaygroundCode(c.Context(), user)
		},
	}
	c.AddCommand(code, newPlaygroundToken(sys))
	return c
}

func (s System) runPlayground(ctx context.Context, o playgroundOptions) error {
	p, err := playground.Start(playground.Options{Addr: o.addr, Now: s.Now})
	if err != nil {
		return &fault.Error{What: "cannot start the playground", Why: err, Next: []string{"use another address: --addr 127.0.0.1:0"}, Code: fault.Failed}
	}
	defer p.Close()
	user, ok := p.User(o.user)
	if !ok {
		var names []string
		for _, u := range p.Users() {
			names = append(names, u.Name)
		}
		return &fault.Error{What: fmt.Sprintf("the playground has no user %q", o.user), Next: []string{"one of: " + strings.Join(names, ", ")}, Code: fault.Usage}
	}
	dir, err := os.MkdirTemp("", "fob-playground-")
	if err != nil {
		return &fault.Error{What: "cannot start the playground", Why: err, Code: fault.Failed}
	}
	defer os.RemoveAll(dir)
	config := filepath.Join(dir, "config")
	text := strings.ReplaceAll(playground.Config, "mfa/gruntwork", "mfa/"+o.user)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return &fault.Error{What: "cannot start the playground", Why: err, Code: fault.Failed}
	}
	vars := playgroundVariables(p.URL, dir, user)
	if len(o.argv) > 0 {
		status, err := s.Run(ctx, o.argv, playgroundEnviron(s.Environ, vars))
		if err != nil {
			return err
		}
		return ended(status)
	}
	if err := s.printPlayground(p, vars, user); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// playgroundVariables points every client at the playground, and fob at a store
// and a config that are not the person's own.
func playgroundVariables(url, dir string, user playground.User) [][2]string {
	vars := [][2]string{
		{"AWS_CONFIG_FILE", filepath.Join(dir, "config")},
		{"AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials")},
		{"XDG_DATA_HOME", filepath.Join(dir, "data")},
		{"XDG_RUNTIME_DIR", dir},
		{"AWS_EC2_METADATA_DISABLED", "true"},
		{"AWS_ACCESS_KEY_ID", user.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", user.Secret.Reveal()},
		{playgroundURL, url},
	}
	for _, service := range []string{"", "_STS", "_IAM", "_S3", "_SIGNIN", "_ORGANIZATIONS"} {
		vars = append(vars, [2]string{"AWS_ENDPOINT_URL" + service, url})
	}
	return vars
}

func playgroundEnviron(environ []string, vars [][2]string) []string {
	kept := make([]string, 0, len(environ)+len(vars))
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		// Nothing of a real account may reach a command that is meant for this one.
		if strings.HasPrefix(name, "AWS_") && name != "AWS_PAGER" {
			continue
		}
		kept = append(kept, e)
	}
	for _, v := range vars {
		kept = append(kept, v[0]+"="+v[1])
	}
	return kept
}

// ended passes a child's status on without a message of ours.
func ended(status int) error {
	if status == 0 {
		return nil
	}
	return &launch.Exited{Status: status}
}

func (s System) printPlayground(p *playground.Server, vars [][2]string, user playground.User) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# A strict AWS is on %s until Ctrl-C. Paste this into another shell:\n", p.URL)
	b.WriteString("unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_CA_BUNDLE AWS_REGION AWS_DEFAULT_REGION\n")
	for _, v := range vars {
		fmt.Fprintf(&b, "export %s='%s'\n", v[0], v[1])
	}
	fmt.Fprintf(&b, "# Now, as user %s:\n", user.Name)
	b.WriteString("#   fob add security --env          stores the key above (then: unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY)\n")
	b.WriteString("#   fob playground code             prints the MFA code that your phone would show\n")
	b.WriteString("#   fob exec dev -- aws sts get-caller-identity\n")
	b.WriteString("# Each account has a bucket for Terraform's state (in the backend: use_path_style = true):")
	for _, a := range append(playground.Accounts(), playground.Root()) {
		b.WriteString(" acme-" + a.Name + "-tfstate")
	}
	b.WriteString("\n")
	_, err := io.WriteString(s.Stdout, b.String())
	return err
}

// runPlaygroundCode asks a running playground for a code, as a person would
// look at their phone.
func (s System) runPlaygroundCode(ctx context.Context, user string) error {
	base := front.Lookup(s.Environ, playgroundURL)
	if base == "" {
		return &fault.Error{What: "cannot print a code", Why: errors.New("no playground is known: " + playgroundURL + " is not set"), Next: []string{"start one: fob playground"}, Code: fault.Usage}
	}
	client, err := s.HTTP("")
	if err != nil {
		return err
	}
	for {
		code, wait, err := askCode(ctx, client, base, user)
		if err != nil {
			f := &fault.Error{What: "cannot print a code", Why: err, Next: []string{"see whether the playground still runs"}, Code: fault.Failed}
			if errors.Is(err, errSays) {
				f.Next = []string{"name a user who has a device: fob playground code gruntwork"}
			}
			return f
		}
		if wait <= 0 {
			_, err := fmt.Fprintln(s.Stdout, code)
			return err
		}
		s.say("every code of now was used; the next one comes in %d s", int(wait/time.Second)+1)
		if err := s.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func askCode(ctx context.Context, client *http.Client, base, user string) (code string, wait time.Duration, err error) {
	var out struct {
		Code string  `json:"code"`
		Wait float64 `json:"waitSeconds"`
	}
	if err := askPlayground(ctx, client, base+"/playground/code", user, &out); err != nil {
		return "", 0, err
	}
	return out.Code, time.Duration(out.Wait * float64(time.Second)), nil
}

// errSays says that the playground answered, and why it is no.
var errSays = errors.New("the playground says")

// askPlayground posts a line to one of the playground's controls.
func askPlayground(ctx context.Context, client *http.Client, target, line string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(line))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
		return fmt.Errorf("%w: %s", errSays, strings.TrimSpace(string(why)))
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func newPlaygroundToken(sys *System) *cobra.Command {
	return &cobra.Command{
		Use:   "token [SUBJECT]",
		Short: "Print a web identity token, as a CI system gives one to its jobs",
		Long: "Print a web identity token of the playground's own identity provider. Without SUBJECT it is the one that\n" +
			"the role allow-ci-from-web-identity of the account dev trusts.",
		Example: "  fob playground token > token   # then, in a profile: web_identity_token_file = token",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return sys.runPlaygroundToken(c.Context(), strings.Join(args, ""))
		},
	}
}

func (s System) runPlaygroundToken(ctx context.Context, subject string) error {
	base := front.Lookup(s.Environ, playgroundURL)
	if base == "" {
		return &fault.Error{What: "cannot print a web identity token", Why: errors.New("no playground is known: " + playgroundURL + " is not set"), Next: []string{"start one: fob playground"}, Code: fault.Usage}
	}
	client, err := s.HTTP("")
	if err != nil {
		return err
	}
	var out struct {
		Text string `json:"token"`
	}
	if err := askPlayground(ctx, client, base+"/playground/token", subject, &out); err != nil {
		return &fault.Error{What: "cannot print a web identity token", Why: err, Next: []string{"see whether the playground still runs"}, Code: fault.Failed}
	}
	_, err = fmt.Fprintln(s.Stdout, out.Text)
	return err
}
