package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fob/internal/cred"
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
			row.Order = order
		case !w.Slot && w.Available != nil:
			why = w.Available(ctx, env)
		}
		if why != nil {
			row.Why = strings.TrimPrefix(why.Error(), w.Name+": ")
		}
		rows = append(rows, row)
	}
	return rows
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
			if o.Name != "" && o.Name != "passphrase-fd" {
				values[o.Name] = c.Flags().String(o.Name, "", o.Help+" ("+kind.Name+")")
			}
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
		Long: "Remove a way into the store; never the last one. Every session ends with it.\n" +
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

// changeWays opens the store, and hands it over while no other run opens it.
func (s System) changeWays(ctx context.Context, g *globals, name string, settings map[string]string, change func(*keeper, context.Context, unlock.Kind, map[string]string) error) error {
	kind, err := kindNamed(name, "fob store")
	if err != nil {
		return err
	}
	if err := settingsOf(kind, settings); err != nil {
		return err
	}
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	if ok, err := k.exists(); err != nil {
		return err
	} else if !ok {
		return noStoreYet(k.home.Data)
	}
	if err := k.Open(ctx, func() bool { return true }); err != nil {
		return err
	}
	return storeFault(change(k, ctx, kind, settings))
}

// settingsOf refuses settings that mean nothing to the kind.
func settingsOf(kind unlock.Kind, settings map[string]string) error {
	for name := range settings {
		if !slices.ContainsFunc(kind.Options, func(o unlock.Option) bool { return o.Name == name }) {
			return &fault.Error{What: fmt.Sprintf("--%s means nothing to %s", name, kind.Name), Next: []string{"leave it out, or name the way that it belongs to (fob store use --help)"}, Code: fault.Usage}
		}
	}
	return nil
}

// useWay sets up a way in. One that is there is not set up again, unless with
// other settings.
func (k *keeper) useWay(ctx context.Context, kind unlock.Kind, settings map[string]string) error {
	if err := k.setUp(ctx, kind, settings); err != nil {
		return err
	}
	if kind.Name == recoveryKind {
		return nil
	}
	if kind.Forgets && !k.otherWay(ctx, kind.Name) {
		return errors.Join(forgetful(kind), kind.Open(k.unlockEnv(nil)).Forget(ctx))
	}
	if err := unlock.SetFirst(k.slots(), kind.Name); err != nil {
		return err
	}
	k.sys.say("from now on the store is opened by %s: %s", kind.Name, kind.Help)
	return nil
}

func (k *keeper) setUp(ctx context.Context, kind unlock.Kind, settings map[string]string) error {
	if kind.Name == recoveryKind {
		return k.newRecovery(ctx)
	}
	env := k.unlockEnv(k.askNew())
	env.Settings = settings
	u := kind.Open(env)
	if u.Usable(ctx) == nil && len(settings) == 0 {
		return nil
	}
	return u.Save(ctx, k.identity)
}

// askNew asks for what a new slot wants to know. A passphrase that was given
// opened the store, or is for the slot.
func (k *keeper) askNew() asker {
	return func(ctx context.Context, q unlock.Question) (cred.Secret, error) {
		given, has, err := k.given()
		if err != nil || has && q.By == "" {
			return given, err
		}
		if !q.New {
			return k.sys.hidden(ctx, q.Text+": ")
		}
		t, err := k.sys.OpenTTY()
		if err != nil {
			return cred.Secret{}, unattended(err)
		}
		defer t.Close()
		return askNew(ctx, t, q.Text+": ")
	}
}

// otherWay says whether the store opens by something else, too, tomorrow.
func (k *keeper) otherWay(ctx context.Context, name string) bool {
	return slices.ContainsFunc(unlock.Ways(ctx, k.unlockEnv(nil), unlock.Kinds()), func(w unlock.Way) bool {
		return w.Slot && w.Name != name && !w.Forgets
	})
}

func (k *keeper) moveWay(ctx context.Context, kind unlock.Kind, settings map[string]string) error {
	if kind.Name == recoveryKind || kind.Forgets {
		return &fault.Error{What: "the store cannot be moved to " + kind.Name, Why: errors.New("it must not be the only way in"), Next: []string{"fob store use " + kind.Name}, Code: fault.Usage}
	}
	if err := k.useWay(ctx, kind, settings); err != nil {
		return err
	}
	given, has, err := k.given()
	if err != nil {
		return err
	}
	// What is left must open the store, or nothing may go.
	if _, err := k.through(ctx, kind, given, has); err != nil {
		return err
	}
	for _, w := range unlock.Ways(ctx, k.unlockEnv(nil), unlock.Kinds()) {
		if !w.Slot || w.Name == kind.Name || w.Name == recoveryKind {
			continue
		}
		if err := w.Open(k.unlockEnv(nil)).Forget(ctx); err != nil {
			return err
		}
		k.sys.say("%s no longer opens it", w.Name)
	}
	return k.newEpoch(ctx)
}

func (k *keeper) removeWay(ctx context.Context, kind unlock.Kind, _ map[string]string) error {
	there := slices.ContainsFunc(unlock.Ways(ctx, k.unlockEnv(nil), unlock.Kinds()), func(w unlock.Way) bool { return w.Slot && w.Name == kind.Name })
	if !there {
		return &fault.Error{What: kind.Name + " is no way into this store", Next: []string{"see the ways: fob store"}, Code: fault.Failed}
	}
	if !k.otherWay(ctx, kind.Name) {
		return &fault.Error{What: "cannot remove " + kind.Name, Why: errors.New("nothing else opens the store for good: its keys would be lost"), Next: []string{"set up another way first: fob store use passphrase"}, Code: fault.Failed}
	}
	if err := kind.Open(k.unlockEnv(nil)).Forget(ctx); err != nil {
		return err
	}
	k.sys.say("%s no longer opens the store", kind.Name)
	return k.newEpoch(ctx)
}

// newEpoch ends every session, and what rests anywhere, since who was shut out
// may have it. This login goes on.
func (k *keeper) newEpoch(ctx context.Context) error {
	if err := k.endEpoch(); err != nil {
		return err
	}
	return k.opened(ctx, k.identity)
}

func noStoreYet(data string) error {
	return &fault.Error{What: "there is no store yet", Why: errors.New("none has been made: " + data), Next: []string{"fob add PROFILE"}, Code: fault.Config}
}
