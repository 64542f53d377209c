package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"fob/internal/deliver/export"
	"fob/internal/fault"
	"fob/internal/front"

	"github.com/spf13/cobra"
)

type exportOptions struct {
	wanted
	format string
	check  bool
	reveal bool
	// process is set for an SDK that asks by credential_process.
	process bool
	// toSee is what a person at a terminal is told to type, else --reveal.
	toSee string
}

func newExport(sys *System, g *globals) *cobra.Command {
	c := exportCommand(func(ctx context.Context, o exportOptions) error { return sys.runExport(ctx, g, o) })
	c.ValidArgsFunction = sys.completeProfile(g)
	return c
}

func exportCommand(run func(context.Context, exportOptions) error) *cobra.Command {
	var o exportOptions
	c := &cobra.Command{
		Use:   "export [PROFILE]",
		Short: "Print the credentials of a profile for another program to read",
		Long: "Print the short-lived credentials of a profile for another program to read.\n" +
			"Formats (--format):\n\n" + formatsHelp(),
		Example: "  eval \"$(fob export --format export-env dev)\"\n  fob export --format json dev | jq -r .Expiration\n  fob export --check dev",
		Args:    atMostOneProfile,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.profile = args[0]
			}
			return run(c.Context(), o)
		},
	}
	o.flags(c)
	var names []string
	for _, f := range export.Formats() {
		names = append(names, f.Name)
	}
	c.Flags().StringVar(&o.format, "format", "env", "how to print: "+strings.Join(names, ", "))
	c.Flags().BoolVar(&o.check, "check", false, "get the credentials and print nothing: only the exit status tells")
	c.Flags().BoolVar(&o.reveal, "reveal", false, "print secrets even though standard output is a terminal")
	c.Flags().Bool("stdout", false, "has no effect: export opens no browser")
	_ = c.Flags().MarkHidden("stdout")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// formatsHelp has a line for each format.
func formatsHelp() string {
	var b strings.Builder
	for _, f := range export.Formats() {
		fmt.Fprintf(&b, "  %-14s %s\n", f.Name, f.Help)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func newCredentialProcess(sys *System, g *globals) *cobra.Command {
	c := credentialProcessCommand(func(ctx context.Context, o exportOptions) error { return sys.runExport(ctx, g, o) })
	c.ValidArgsFunction = sys.completeProfile(g)
	return c
}

func credentialProcessCommand(run func(context.Context, exportOptions) error) *cobra.Command {
	o := exportOptions{format: "json", process: true}
	c := &cobra.Command{
		Use:   "credential-process PROFILE",
		Short: "Answer an SDK that asks by a credential_process line",
		Long: "Answer an SDK that asks by a credential_process line of the AWS config.\n" +
			"Questions go to the controlling terminal, never to the SDK; without a terminal it fails at once with status 4.",
		Example: "  # in ~/.aws/config\n  # [profile dev-sdk]\n  # credential_process = fob credential-process dev\n  fob credential-process dev",
		Args:    oneProfile,
		RunE: func(c *cobra.Command, args []string) error {
			o.profile = args[0]
			return run(c.Context(), o)
		},
	}
	o.flags(c)
	c.Flags().BoolVar(&o.reveal, "reveal", false, "print secrets even though standard output is a terminal")
	return c
}

func (s System) runExport(ctx context.Context, g *globals, o exportOptions) error {
	var err error
	if o.profile, err = s.named(ctx, o.profile, "print credentials", "fob export PROFILE"); err != nil {
		return err
	}
	format, ok := export.Named(o.format)
	if !ok {
		return &fault.Error{What: fmt.Sprintf("there is no format %q (--format)", o.format), Next: []string{"see the formats: fob export --help"}, Code: fault.Usage}
	}
	if !o.check && !o.reveal && s.StdoutIsTerminal() {
		return &fault.Error{
			What: "cannot print credentials to a terminal",
			Why:  errors.New("they would stay in its scroll-back"),
			Next: []string{"pipe them to the program that reads them, or use: " + s.execLine(o.profile), "or say that you want to see them: " + cmp.Or(o.toSee, "--reveal")},
			Code: fault.Usage,
		}
	}
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	h, err := k.session(ctx, o.wanted)
	if err != nil || o.check {
		return err
	}
	session := h.session
	k.close()
	if o.process {
		minLeft, err := k.minLeft()
		if err != nil {
			return err
		}
		session = front.ForProcess(session, minLeft.Duration, s.Now())
	}
	return front.Print(s.Stdout, format, h.chain, session)
}
