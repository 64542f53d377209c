package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/fault"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// incumbentName is the name under which fob speaks to scripts that were written
// for aws-vault.
const incumbentName = "aws-vault"

// asIncumbent says that fob was started through a link with that name.
func (s System) asIncumbent() bool {
	return len(s.Args) > 0 && strings.TrimSuffix(filepath.Base(s.Args[0]), ".exe") == incumbentName
}

// calledAs is the name under which a person has called us, for what they are told
// to type.
func (s System) calledAs() string {
	if s.asIncumbent() {
		return incumbentName
	}
	return "fob"
}

// incumbentStatus gives scripts of the incumbent the status they know: 1 for every
// failure of our own.
func incumbentStatus(err error) int {
	switch code := fault.CodeOf(err); code {
	case fault.CannotRun, fault.NotFound, fault.Interrupted:
		return int(code)
	}
	return 1
}

// storeFlags are the incumbent's flags of its stores, which fob does not have.
func storeFlags() (words, switches []string) {
	return []string{
		"keychain", "secret-service-collection", "pass-dir", "pass-cmd", "pass-prefix", "file-dir",
		"op-timeout", "op-vault-id", "op-item-title-prefix", "op-item-tag", "op-connect-host", "op-desktop-account-id",
		"proton-pass-share-id", "proton-pass-item-title-prefix", "proton-pass-api-base", "proton-pass-timeout",
	}, []string{"biometrics"}
}

// incumbentStores are what the incumbent's --backend may name.
func incumbentStores() []string {
	return []string{
		"wincred", "winhello", "keychain", "secret-service", "kwallet", "keyctl", "pass", "passage", "file",
		"op-connect", "op", "op-desktop", "proton-pass",
	}
}

// takeIncumbentFlags lets command lines of the incumbent pass that choose one of
// its stores. Under fob's own name they are an error that says so.
func (s *System) takeIncumbentFlags(root *cobra.Command, g *globals) {
	if !s.asIncumbent() {
		return
	}
	root.Use = incumbentName
	f := root.PersistentFlags()
	words, switches := storeFlags()
	for _, name := range words {
		f.String(name, "", "has no effect")
		_ = f.MarkHidden(name)
	}
	for _, name := range switches {
		f.Bool(name, false, "has no effect")
		_ = f.MarkHidden(name)
	}
	before := root.PersistentPreRunE
	root.PersistentPreRunE = func(c *cobra.Command, args []string) error {
		var without []string
		for _, name := range append(words, switches...) {
			if c.Flags().Changed(name) {
				without = append(without, "--"+name)
			}
		}
		if slices.Contains(incumbentStores(), g.backend) {
			without, g.backend = append(without, "--backend "+g.backend), ""
		}
		if len(without) > 0 {
			s.say("without effect: %s; fob has a store of its own, and fob import takes over what is in aws-vault's", strings.Join(without, ", "))
		}
		return before(c, args)
	}
}

// negatable gives every flag that turns something on a hidden twin that turns it
// off, as the incumbent's flags have one.
func negatable(root *cobra.Command) {
	for _, c := range everyCommand(root) {
		negate(c, c.LocalNonPersistentFlags(), c.Flags())
		negate(c, c.PersistentFlags(), c.PersistentFlags())
	}
}

func negate(c *cobra.Command, flags, twins *pflag.FlagSet) {
	var switches []*pflag.Flag
	flags.VisitAll(func(f *pflag.Flag) {
		own := f.Name == "help" || f.Name == "version" || strings.HasPrefix(f.Name, "no-")
		if f.Value.Type() == "bool" && !own && c.Flags().Lookup("no-"+f.Name) == nil {
			switches = append(switches, f)
		}
	})
	for _, f := range switches {
		twin := twins.VarPF(not{f}, "no-"+f.Name, "", "the opposite of --"+f.Name)
		twin.NoOptDefVal, twin.Hidden = "true", true
	}
}

// elsewhere is a command of the incumbent's that fob does not have, whatever
// flags it is given.
func elsewhere(name string, aliases []string, why, next string) *cobra.Command {
	return &cobra.Command{
		Use: name, Aliases: aliases, Hidden: true, DisableFlagParsing: true,
		RunE: func(c *cobra.Command, _ []string) error {
			return &fault.Error{What: "there is no command " + c.CalledAs(), Why: errors.New(why), Next: []string{next}, Code: fault.Usage}
		},
	}
}

func newProxy(*System, *globals) *cobra.Command {
	return elsewhere("proxy", []string{"server"}, "fob has no root helper: an endpoint is a port of loopback that the command is told",
		"fob exec --ec2-server PROFILE -- COMMAND, or --server, which has a token")
}

func newMigrateBackend(*System, *globals) *cobra.Command {
	return elsewhere("migrate-backend", nil, "fob has one store, which every way to open it opens",
		"take over what aws-vault has stored: fob import")
}

// not is a flag that sets another one to the opposite.
type not struct{ of *pflag.Flag }

func (n not) String() string { return "" }
func (n not) Type() string   { return "bool" }

func (n not) Set(text string) error {
	value := "false"
	if !truth(text) {
		value = "true"
	}
	n.of.Changed = true
	return n.of.Value.Set(value)
}

// responseFiles puts the lines of FILE in the place of each argument @FILE before
// --, as the incumbent's command lines have it.
func responseFiles(args []string) ([]string, error) {
	var out []string
	for i, arg := range args {
		file, ok := strings.CutPrefix(arg, "@")
		switch {
		case arg == "--":
			return append(out, args[i:]...), nil
		case !ok || file == "":
			out = append(out, arg)
			continue
		}
		text, err := readSmall(file)
		if err != nil {
			return nil, &fault.Error{What: "cannot read the arguments in " + fault.Line(file), Why: err, Code: fault.Usage}
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimRight(line, "\r\n"); line != "" && !strings.HasPrefix(line, "#") {
				out = append(out, line)
			}
			if line == "--" {
				return append(out, args[i+1:]...), nil
			}
		}
	}
	return out, nil
}

// special runs the flags that the incumbent's parser has at the top of every
// command line, and that stand in people's shell start files.
func (s *System) special(ctx context.Context, root *cobra.Command, args []string) (done bool, err error) {
	if len(args) == 0 {
		return false, nil
	}
	switch args[0] {
	case "--help-long":
		return true, helpLong(root, s.Stdout)
	case "--help-man":
		return true, helpMan(root, s.Stdout)
	case "--completion-script-bash", "--completion-script-zsh":
		root.SetArgs([]string{"completion", strings.TrimPrefix(args[0], "--completion-script-")})
		return true, root.ExecuteContext(ctx)
	case "--completion-bash":
		return true, completionWords(ctx, root, args[1:], s.Stdout)
	case "-v", "--version":
		if s.asIncumbent() {
			_, err := fmt.Fprintln(s.Stderr, s.Version)
			return true, err
		}
	}
	return false, nil
}

// completionWords prints what could stand in the place of the last word, a line
// each: what a script that the incumbent has printed once asks for.
func completionWords(ctx context.Context, root *cobra.Command, words []string, out io.Writer) error {
	var text bytes.Buffer
	if len(words) == 0 {
		words = []string{""}
	}
	root.SetOut(&text)
	root.SetErr(io.Discard)
	root.SetArgs(append([]string{cobra.ShellCompNoDescRequestCmd}, words...))
	if err := root.ExecuteContext(ctx); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		if !strings.HasPrefix(line, ":") {
			if _, err := io.WriteString(out, line); err != nil {
				return err
			}
		}
	}
	return nil
}

// helpLong is the help of every command, one after the other.
func helpLong(root *cobra.Command, out io.Writer) error {
	for _, c := range everyCommand(root) {
		if c.Hidden || !c.IsAvailableCommand() && c.HasParent() {
			continue
		}
		c.InitDefaultHelpFlag()
		if _, err := fmt.Fprintf(out, "%s\n\n%s\n", strings.ToUpper(c.CommandPath()), helpText(c)); err != nil {
			return err
		}
	}
	return nil
}

// helpMan is the same as a manual page.
func helpMan(root *cobra.Command, out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1\n.SH NAME\n%s \\- %s\n", strings.ToUpper(root.Name()), root.Name(), roff(root.Short))
	for _, c := range everyCommand(root) {
		if c.Hidden || !c.IsAvailableCommand() && c.HasParent() {
			continue
		}
		c.InitDefaultHelpFlag()
		fmt.Fprintf(&b, ".SH %s\n.nf\n%s\n.fi\n", strings.ToUpper(c.CommandPath()), roff(helpText(c)))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func helpText(c *cobra.Command) string {
	text := c.Short
	if c.Long != "" {
		text = c.Long
	}
	return text + "\n\n" + c.UsageString()
}

// roff keeps text from being read as requests of troff.
func roff(text string) string {
	text = strings.ReplaceAll(text, `\`, `\e`)
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			b.WriteString(`\&`)
		}
		b.WriteString(line)
	}
	return strings.ReplaceAll(b.String(), "-", `\-`)
}
