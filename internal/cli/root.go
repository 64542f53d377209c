package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"fob/internal/fault"
	"fob/internal/obtain/mfa"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// globals are the flags of every command.
type globals struct {
	noInput      bool
	passphraseFD int
	passphrase   givenPassphrase
	minTTL       string
	timeout      string
	backend      string
	prompt       string
	debug        bool
	// command is the name of the command that runs.
	command string
	// acceptRollback takes a store for good that is older than the last one.
	acceptRollback bool
}

func newRoot(sys *System) *cobra.Command {
	g := &globals{passphraseFD: -1}
	root := &cobra.Command{
		Use:   "fob",
		Short: "Get into every AWS account from one machine",
		Long: "fob keeps long-term AWS keys encrypted, asks for one MFA code, and gives any command\n" +
			"short-lived credentials for any account that its profile can enter.",
		SilenceErrors: true, SilenceUsage: true,
		Version: sys.Version,
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },

		SuggestionsMinimumDistance: 2,
	}
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		g.command = commandName(c)
		if err := sys.meetAgent(c, g); err != nil {
			return err
		}
		if g.noInput && !sys.unasked() {
			sys.OpenTTY = noTTY
		}
		if g.prompt = cmp.Or(g.prompt, sys.lookup("FOB_PROMPT"), sys.lookup("AWS_VAULT_PROMPT")); sys.unasked() {
			g.prompt = ""
		}
		if err := mfa.CheckNamed(g.prompt); err != nil {
			return inExec(c, err)
		}
		if name := cmp.Or(g.backend, sys.lookup("FOB_BACKEND")); name != "" {
			if _, err := kindNamed(name, "--backend, or FOB_BACKEND"); err != nil {
				return inExec(c, err)
			}
		}
		return g.takePassphrase(c.Context(), c)
	}
	root.SetOut(sys.Stdout)
	root.SetErr(sys.Stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage(c, err) })
	f := root.PersistentFlags()
	f.BoolVar(&g.noInput, "no-input", false, "never ask; fail with status 4 where a person is needed")
	f.IntVar(&g.passphraseFD, "passphrase-fd", -1, "read the passphrase from this file descriptor")
	f.StringVar(&g.minTTL, "min-ttl", "", "how long a session must still hold to be used (default 5m)")
	f.StringVar(&g.timeout, "timeout", "", "how long to wait for another fob that is asking or calling (default 5m; 10s where nobody can be asked here)")
	f.StringVar(&g.backend, "backend", "", "what opens the store: "+strings.Join(unlockerNames(), ", "))
	f.StringVar(&g.prompt, "prompt", "", "ask for MFA codes by "+strings.Join(mfa.Names(), ", ")+" (default the terminal, else a window)")
	f.BoolVar(&g.debug, "debug", false, "say on standard error what is decided, read and asked; no secrets, no command lines")
	f.BoolVar(&g.acceptRollback, "accept-rollback", false, "take a store that is older than the one last written here")
	for _, add := range commands() {
		root.AddCommand(add(sys, g))
	}
	for _, topic := range topics() {
		root.AddCommand(topic)
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	root.SuggestionsMinimumDistance = 2
	wrapHelp(root)
	sys.takeIncumbentFlags(root, g)
	negatable(root)
	return root
}

// commands lists every command; adding one is a file and a line here.
func commands() []func(*System, *globals) *cobra.Command {
	return []func(*System, *globals) *cobra.Command{
		newConfigure, newAdd, newImport, newRotate, newMFA, newRemove, newList, newClear,
		newExec, newServe, newExport, newCredentialProcess, newTerragruntAuth, newLogin,
		newGrant, newRevoke,
		newExplain, newAccess, newSDKConfig, newStatus, newLog, newDoctor, newStore, newLock, newUnlock,
		newPlayground, newVersion, newProxy, newMigrateBackend,
	}
}

// commandName is what the record calls a command: whoami does another thing than
// status, whose other name it is.
func commandName(c *cobra.Command) string {
	if c.CalledAs() == "whoami" {
		return "whoami"
	}
	return c.Name()
}

// usage makes cobra's complaint about a command line into a fault.
func usage(c *cobra.Command, err error) error {
	f := &fault.Error{What: "cannot understand the command line", Why: inOurWords(err), Code: fault.Usage, Next: []string{"see the flags: " + c.CommandPath() + " --help"}}
	if c.CalledAs() == "whoami" {
		f.Next = []string{"see the flags: fob whoami --help"}
	}
	if c.Name() == "exec" {
		f.Code = fault.Launcher
	}
	if instead := incumbentFlag(c.Name(), err.Error()); instead != "" {
		f.Next = append([]string{instead}, f.Next...)
	}
	return f
}

// inOurWords is a complaint without what the library says of its own workings.
func inOurWords(err error) error {
	_, set, ok := strings.Cut(err.Error(), "are set none of the others can be; [")
	set, _, whole := strings.Cut(set, "] were all set")
	if !ok || !whole {
		return withoutParser(err)
	}
	return errors.New("--" + strings.Join(strings.Fields(set), " and --") + " exclude each other")
}

// withoutParser leaves out what the parser of a number or a switch says: it names
// functions of ours.
func withoutParser(err error) error {
	bad, num := (*pflag.InvalidValueError)(nil), (*strconv.NumError)(nil)
	if !errors.As(err, &bad) || !errors.As(err, &num) && !strings.Contains(err.Error(), "strconv.") {
		return err
	}
	kind := map[string]string{"bool": "true or false", "int": "a number", "intSlice": "the numbers of users, as id -u NAME gives them"}[bad.GetFlag().Value.Type()]
	return fmt.Errorf("--%s takes %s, got %q", bad.GetFlag().Name, kind, bad.GetValue())
}

// inExec keeps a failure before the command runs apart from the command's own.
func inExec(c *cobra.Command, err error) error {
	if c.Name() == "exec" {
		return asLauncher(err)
	}
	return err
}

// incumbentFlag says what to use in place of a flag of aws-vault that fob does
// not have.
func incumbentFlag(command, complaint string) string {
	for _, one := range []struct{ flag, instead string }{
		{"--assume-role-ttl", "how long: --duration"},
		{"--session-ttl", "how long: --duration"},
		{"--stdout", "that flag is of login; credentials: fob export PROFILE"},
	} {
		if strings.Contains(complaint, "unknown flag: "+one.flag) {
			return one.instead
		}
	}
	words, switches := storeFlags()
	for _, name := range append(words, switches...) {
		if strings.HasSuffix(complaint, "unknown flag: --"+name) {
			return "fob has a store of its own (fob help files); what aws-vault has stored: fob import"
		}
	}
	return ""
}

// cobra's own argument checks do not pass through the flag error function, so
// these give our fault themselves.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if c.Parent() == nil {
		f := &fault.Error{What: fmt.Sprintf("there is no command %q", args[0]), Code: fault.Usage, Next: []string{"see the commands: fob --help"}}
		if s := c.SuggestionsFor(args[0]); len(s) > 0 {
			f.Next = append([]string{"did you mean fob " + strings.Join(s, ", fob ") + "?"}, f.Next...)
		}
		return f
	}
	return usage(c, fmt.Errorf("%s takes no argument, got %q", c.CommandPath(), args[0]))
}

func oneProfile(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return usage(c, errors.New("the name of a profile is missing"))
	case len(args) > 1:
		return usage(c, fmt.Errorf("one profile is wanted, got %d words: %q", len(args), args))
	case args[0] == "":
		return usage(c, errors.New("the name of the profile is empty"))
	}
	return nil
}

func atMostOneProfile(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return oneProfile(c, args)
}

// say writes a notice for the person, apart from what was asked for.
func (s *System) say(format string, args ...any) {
	_, _ = fmt.Fprintln(s.Stderr, "fob: "+fault.Line(fmt.Sprintf(format, args...)))
}
