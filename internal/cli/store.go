package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fob/internal/fault"
	"fob/internal/keep/unlock"

	"github.com/spf13/cobra"
)

func newStore(sys *System, g *globals) *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:   "store",
		Short: "Show what opens the store, and choose it",
		Long: "Show each way into the store: whether it is in use, and if it cannot be used, why.\n" +
			"With use, move, remove and passwd: choose another one.",
		Example: "  fob store\n  fob store use secret-service\n  fob store passwd",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return sys.runStore(c.Context(), g, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	for _, add := range []func(*System, *globals) *cobra.Command{newStoreUse, newStoreMove, newStoreRemove, newStorePasswd} {
		c.AddCommand(add(sys, g))
	}
	return c
}

type storeJSON struct {
	Store string    `json:"store" doc:"folder of the store"`
	State string    `json:"state" doc:"none, locked or unlocked"`
	Ways  []wayJSON `json:"ways" doc:"each way to open the store, the one that is tried first at the front"`
}

type wayJSON struct {
	Name  string `json:"name" doc:"what --backend and fob store use call it"`
	Help  string `json:"help" doc:"what it is"`
	Slot  bool   `json:"slot" doc:"it is set up for this store"`
	Asks  bool   `json:"asks" doc:"it asks a person for something to type"`
	Order int    `json:"order,omitempty" doc:"when it is tried, from 1; absent where it has to be named"`
	Why   string `json:"why_not,omitempty" doc:"why it cannot be used now"`
	Note  string `json:"note,omitempty" doc:"what it wants before it opens the store"`
	mends []string
}

func (s System) runStore(ctx context.Context, g *globals, asJSON bool) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	state, err := k.state()
	if err != nil {
		return err
	}
	out := storeJSON{Store: k.home.Data, State: state, Ways: k.listWays(ctx)}
	if asJSON {
		return writeJSON(s.Stdout, out)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", out.Store, map[string]string{"none": "there is no store yet", "locked": "locked", "unlocked": "unlocked"}[state])
	for _, w := range out.Ways {
		fmt.Fprintf(&b, "  %-15s %s\n", w.Name, w.line())
	}
	_, err = s.Stdout.Write([]byte(fault.Printable(b.String())))
	return err
}

// line says in one line how things stand with a way.
func (w wayJSON) line() string {
	switch {
	case w.Slot && w.Why != "":
		return "set up, and does not open now: " + w.Why
	case w.Order == 1 && w.Note != "":
		return "is tried first, and " + w.Note
	case w.Order > 1 && w.Note != "":
		return "is tried where those above do not open it, and " + w.Note
	case w.Order == 1:
		return "opens the store: " + w.Help
	case w.Order > 1:
		return "opens it where those above do not: " + w.Help
	case w.Slot:
		return "opens it with --backend " + w.Name + ": " + w.Help
	case w.Why != "":
		return "cannot be used: " + w.Why
	}
	return "can be used: " + w.Help
}

// state is none, locked or unlocked.
func (k *keeper) state() (string, error) {
	exists, err := k.exists()
	switch {
	case err != nil:
		return "", err
	case !exists:
		return "none", nil
	case k.unseal():
		return "unlocked", nil
	}
	return "locked", nil
}

// listWays tells of every kind, those that open the store first.
func (k *keeper) listWays(ctx context.Context) []wayJSON {
	env := k.unlockEnv(nil)
	all := unlock.Ways(ctx, env, unlock.Kinds())
	rows, order := []wayJSON{}, 0
	listed := map[string]bool{}
	for _, w := range append(unlock.InOrder(all, unlock.First(k.slots()), false), all...) {
		if listed[w.Name] {
			continue
		}
		listed[w.Name] = true
		row := wayJSON{Name: w.Name, Help: w.Help, Slot: w.Slot, Asks: w.Asks}
		why := w.Why
		switch {
		case w.Slot && why == nil && w.Name != recoveryKind:
			order++
			row.Order, row.Note = order, k.note(ctx, w)
		case !w.Slot && w.Available != nil:
			why = w.Available(ctx, env)
		}
		if why != nil {
			row.Why = strings.TrimPrefix(why.Error(), w.Name+": ")
			row.mends = mendsOf(why)
		}
		rows = append(rows, row)
	}
	return rows
}

// note is what a way wants before it opens the store.
func (k *keeper) note(ctx context.Context, w unlock.Way) string {
	if n, ok := w.Open(k.unlockEnv(nil)).(unlock.Noter); ok {
		return n.Note(ctx)
	}
	return ""
}

// opensIt are the ways that are set up.
func (k *keeper) opensIt(ctx context.Context) []wayJSON {
	return slices.DeleteFunc(k.listWays(ctx), func(w wayJSON) bool { return !w.Slot || w.Name == recoveryKind })
}

// wayOptions are the settings of the kinds that have a name, as flags.
func wayOptions(c *cobra.Command) func() map[string]string {
	values := map[string]*string{}
	for _, kind := range unlock.Kinds() {
		for _, o := range kind.Options {
			values[o.Name] = c.Flags().String(o.Name, "", o.Help+" ("+kind.Name+")")
		}
	}
	return func() map[string]string {
		set := map[string]string{}
		for name, v := range values {
			if *v != "" {
				set[name] = *v
			}
		}
		return set
	}
}

func newStoreUse(sys *System, g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:               "use WAY",
		Short:             "Open the store by another way from now on",
		Long:              "Set up a way into the store, and try it first from now on. The ways that are there stay.",
		Example:           "  fob store use secret-service\n  fob store use passphrase\n  fob store use recovery",
		Args:              oneWay,
		ValidArgsFunction: completeWays,
	}
	settings := wayOptions(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return sys.changeWays(c.Context(), g, args[0], settings(), (*keeper).useWay)
	}
	return c
}

func newStoreMove(sys *System, g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "move WAY",
		Short: "Open the store by one way only, and remove the others",
		Long: "Set up a way into the store, see that it opens it, and remove the others but the recovery code.\n" +
			"Copies of the store that were made before still open as they did.",
		Example:           "  fob store move passphrase",
		Args:              oneWay,
		ValidArgsFunction: completeWays,
	}
	settings := wayOptions(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return sys.changeWays(c.Context(), g, args[0], settings(), (*keeper).moveWay)
	}
	return c
}

func newStoreRemove(sys *System, g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "remove WAY",
		Short: "Remove a way into the store",
		Long: "Remove a way into the store; never the last one beside the recovery code. Every session ends with it.\n" +
			"Copies of the store that were made before still open by it: fob rotate makes the keys in them worth nothing.",
		Example:           "  fob store remove recovery",
		Args:              oneWay,
		ValidArgsFunction: completeWays,
		RunE: func(c *cobra.Command, args []string) error {
			return sys.changeWays(c.Context(), g, args[0], nil, (*keeper).removeWay)
		},
	}
}

func oneWay(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usage(c, fmt.Errorf("the name of one way is wanted: %s", strings.Join(unlockerNames(), ", ")))
	}
	return nil
}

func completeWays(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return unlockerNames(), cobra.ShellCompDirectiveNoFileComp
}
