package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"text/tabwriter"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/fault"
	"fob/internal/keep/unlock"
	"fob/internal/obtain/takeover"

	"github.com/spf13/cobra"
)

type importOptions struct {
	from, path                         string
	profiles                           []string
	dryRun, overwrite, yes, keep, json bool
}

// fromIncumbent stands for whichever of aws-vault's stores is in use.
const fromIncumbent = "aws-vault"

func newImport(sys *System, g *globals) *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:   "import [PATH]",
		Short: "Store the keys that aws-vault or the AWS files hold",
		Long: "Without --from it says what is there and takes nothing.\n\n" +
			"What aws-vault stores is left as it is. Of a file of the AWS tools the keys are replaced\n" +
			"by credential_process lines, after a diff and a question, with a copy of the file beside it.",
		Example: "  fob import\n  fob import --from aws-vault\n  fob import --from credentials --dry-run\n  fob import --from csv accessKeys.csv --profile security",
		Args:    atMostOneFile,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.path = args[0]
			}
			return sys.runImport(c.Context(), g, o)
		},
	}
	f := c.Flags()
	f.Var(some{&o.from}, "from", "where the keys are: "+strings.Join(sourceNames(), ", "))
	f.Var(someOf{&o.profiles}, "profile", "only these profiles; of a CSV file, the profile of its key")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and do nothing")
	f.BoolVar(&o.overwrite, "overwrite", false, "replace other keys that are stored for these profiles")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask before a file is changed")
	f.BoolVar(&o.keep, "keep", false, "leave the file as it is")
	f.BoolVar(&o.json, "json", false, "print JSON")
	_ = c.RegisterFlagCompletionFunc("from", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return sourceNames(), cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

func atMostOneFile(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usage(c, fmt.Errorf("one path is wanted, got %d words: %q", len(args), args))
	}
	if len(args) == 1 && args[0] == "" {
		return usage(c, errors.New("the path is empty"))
	}
	return nil
}

// sourceNames are the values of --from.
func sourceNames() []string {
	names := []string{fromIncumbent}
	for _, s := range takeover.Sources(takeover.Env{Lookup: func(string) (string, bool) { return "", false }}) {
		names = append(names, s.Name())
	}
	return names
}

func (s System) runImport(ctx context.Context, g *globals, o importOptions) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	set, err := k.config()
	if err != nil {
		return err
	}
	sources := takeover.Sources(k.takeoverEnv(set, o.path))
	if o.from == "" {
		if o.path != "" || len(o.profiles) > 0 || o.dryRun || o.overwrite || o.yes || o.keep {
			return &fault.Error{What: "cannot import", Why: errors.New("--from is missing: what kind of place is it"), Next: []string{"see what there is: fob import", "or name it: --from aws-vault, credentials, ini or csv"}, Code: fault.Usage}
		}
		return s.survey(ctx, sources, o.json)
	}
	from, err := s.pickSource(ctx, sources, o.from)
	if err != nil {
		return err
	}
	t := &taking{k: k, o: o, from: from, config: set, report: importedJSON{From: from.Name(), Where: from.Where(), DryRun: o.dryRun, Keys: []importedKey{}, Left: []leftKey{}, Replaced: []string{}}}
	return t.run(ctx)
}

// takeoverEnv is what the sources see of the world.
func (k *keeper) takeoverEnv(config profile.Set, path string) takeover.Env {
	s := k.sys
	credentials, shown := k.credentialsFile()
	return takeover.Env{
		Home: s.homeDir(), Path: path, Stdin: s.Stdin, Lookup: s.variable,
		Config: config, Credentials: credentials, CredentialsShown: shown,
		Program: func(ctx context.Context, argv []string, more ...string) ([]byte, error) {
			return s.Keeper(ctx, unlock.Command{Args: argv, More: more})
		},
		Ask: func(ctx context.Context, question string) (cred.Secret, error) {
			t, err := s.OpenTTY()
			if f := (*fault.Error)(nil); errors.As(err, &f) {
				return cred.Secret{}, &fault.Error{What: "cannot open aws-vault's keys: their passphrase is needed", Why: f.Why, Next: []string{"give it by AWS_VAULT_FILE_PASSPHRASE"}, Code: f.Code}
			}
			if err != nil {
				return cred.Secret{}, err
			}
			defer t.Close()
			return t.ReadHidden(ctx, question)
		},
	}
}

// homeDir is the person's home directory, "" where it is not known.
func (s System) homeDir() string { return cmp.Or(s.lookup("HOME"), s.lookup("USERPROFILE")) }

// pickSource finds what --from names. aws-vault alone is the store that
// AWS_VAULT_BACKEND names, or the one store that holds keys.
func (s System) pickSource(ctx context.Context, sources []takeover.Source, name string) (takeover.Source, error) {
	if name == fromIncumbent {
		if backend := s.lookup("AWS_VAULT_BACKEND"); backend != "" {
			name = fromIncumbent + "-" + backend
		}
	}
	var holding []takeover.Source
	for _, src := range sources {
		if src.Name() == name {
			return src, nil
		}
		if !strings.HasPrefix(src.Name(), fromIncumbent+"-") {
			continue
		}
		if l, err := src.Look(ctx); err == nil && (len(l.Names) > 0 || l.Note != "") {
			holding = append(holding, src)
		}
	}
	store, ofIncumbent := strings.CutPrefix(name, fromIncumbent+"-")
	switch {
	case ofIncumbent && slices.Contains(incumbentStores(), store):
		return nil, notRead(store)
	case name != fromIncumbent:
		return nil, &fault.Error{What: "there is no place for keys called " + profile.Shown(name) + " (--from)", Next: []string{"use one of: " + strings.Join(sourceNames(), ", ")}, Code: fault.Usage}
	case len(holding) == 1:
		return holding[0], nil
	case len(holding) > 1:
		f := &fault.Error{What: "cannot choose between aws-vault's stores", Why: errors.New("more than one holds keys"), Code: fault.Usage}
		for _, src := range holding[:min(3, len(holding))] {
			f.Next = append(f.Next, "fob import --from "+src.Name())
		}
		return nil, f
	}
	return nil, &fault.Error{
		What: "cannot find keys of aws-vault", Why: errors.New("none of its stores that can be read from here holds any"),
		Next: []string{"see what there is: fob import", "elsewhere: --from aws-vault-file PATH", "any other of its stores, while aws-vault is installed: aws-vault migrate-backend --to file"}, Code: fault.Failed,
	}
}

// notRead says how to take over keys of a store that fob does not read here.
func notRead(store string) error {
	f := &fault.Error{What: fmt.Sprintf("cannot read aws-vault's store %q from here", store), Code: fault.Failed}
	if store == "keyctl" {
		f.Why = errors.New("aws-vault itself has never been able to open it, so there is nothing in it")
		return f
	}
	f.Next = []string{"while aws-vault is installed: aws-vault migrate-backend --from " + store + " --to file", "then: fob import --from aws-vault-file"}
	return f
}

type surveyJSON struct {
	Places []foundJSON `json:"places" doc:"the places where keys were found, or could not be looked for"`
}

type foundJSON struct {
	From     string   `json:"from" doc:"what --from calls it"`
	Where    string   `json:"where" doc:"the file, folder or service"`
	Profiles []string `json:"profiles" doc:"the profiles that have a key there"`
	Sessions int      `json:"sessions" doc:"temporary credentials beside them, which fob does not take"`
	Note     string   `json:"note,omitempty" doc:"what cannot be known before the keys are taken"`
	Problem  string   `json:"problem,omitempty" doc:"why the place cannot be read"`
}

// survey says what there is to take over.
func (s System) survey(ctx context.Context, sources []takeover.Source, asJSON bool) error {
	out := surveyJSON{Places: []foundJSON{}}
	for _, src := range sources {
		l, err := src.Look(ctx)
		if errors.Is(err, fs.ErrNotExist) || err == nil && len(l.Names) == 0 && l.Note == "" {
			continue
		}
		p := foundJSON{From: src.Name(), Where: src.Where(), Profiles: append([]string{}, l.Names...), Sessions: l.Sessions, Note: l.Note}
		if err != nil {
			p.Problem = err.Error()
		}
		out.Places = append(out.Places, p)
	}
	if asJSON {
		return writeJSON(s.Stdout, out)
	}
	if len(out.Places) == 0 {
		s.say("nothing to take over was found, neither of aws-vault nor in the AWS files")
		return nil
	}
	w := tabwriter.NewWriter(s.Stdout, 0, 0, 2, ' ', 0)
	for _, p := range out.Places {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", p.From, fault.Line(p.Where), p.what())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	s.say("take them over: fob import --from %s", out.Places[0].From)
	return nil
}

func (p foundJSON) what() string {
	if p.Problem != "" {
		return fault.Line(p.Problem)
	}
	text := fault.Line(strings.Join(p.Profiles, ", "))
	if p.Sessions > 0 {
		text += fmt.Sprintf(" (and %d session%s)", p.Sessions, plural(p.Sessions))
	}
	return strings.TrimSpace(text + " " + p.Note)
}
