package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/lock"
	"fob/internal/keep/sealkey"
	"fob/internal/keep/unlock"

	"github.com/spf13/cobra"
)

func newLock(sys *System, g *globals) *cobra.Command {
	var forget bool
	c := &cobra.Command{
		Use:     "lock",
		Short:   "Lock the store: what opens it is asked for at the next use",
		Example: "  fob lock\n  fob lock --forget",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return sys.runLock(c.Context(), g, forget) },
	}
	c.Flags().BoolVar(&forget, "forget", false, "also remove every session, and make copies of them unreadable")
	return c
}

func (s System) runLock(ctx context.Context, g *globals, forget bool) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	// First, and whatever state the store is in: it may be damaged or moved
	// away, and the key that rests opens every copy of its sessions.
	err = k.rest.Forget()
	if _, absent := os.Lstat(k.home.Data); errors.Is(absent, fs.ErrNotExist) && !slices.ContainsFunc(k.rest.Places(), func(p sealkey.Place) bool { return p.Holds != "" }) {
		s.say("there is no store at %s; what this login had kept for it is forgotten", k.home.Data)
		return nil
	}
	if forget {
		err = errors.Join(err, k.forget(ctx))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return unforgotten(err)
	}
	k.sayLocked(ctx)
	if on := s.goingOn(k.home); len(on) > 0 {
		s.say("what runs keeps the session that it has to its end, and while the store is locked gets no other: %s", strings.Join(on, ", "))
	}
	return nil
}

// goingOn names what hands out sessions and goes on, with the command that ends it.
func (s System) goingOn(home front.Home) (all []string) {
	for _, a := range s.agents(home) {
		all = append(all, "agent "+fault.Line(a.ID)+" (end it: fob revoke "+fault.Word(a.ID)+")")
	}
	for _, place := range s.agentPlaces(home) {
		if lock.CheckDir(place) != nil {
			continue
		}
		files, _ := filepath.Glob(filepath.Join(place, runPrefix+"*", tokenPrefix+"*"))
		for _, file := range files {
			mark := strings.TrimPrefix(filepath.Base(filepath.Dir(file)), runPrefix)
			pid, _, _ := strings.Cut(mark, "-")
			if !lock.Gone(mark) {
				all = append(all, "endpoint of "+fault.Line(strings.TrimPrefix(filepath.Base(file), tokenPrefix))+" (end it: kill "+fault.Word(pid)+")")
			}
		}
	}
	return all
}

// sayLocked says how far the lock goes: what a desktop's keyring keeps opens the
// store again unless that is locked, too.
func (k *keeper) sayLocked(ctx context.Context) {
	way, first, silent := k.silentWay(ctx)
	if !silent {
		k.sys.say("locked")
		return
	}
	if l, ok := way.Open(k.unlockEnv(nil)).(unlock.Locker); ok {
		if what, err := l.Lock(ctx); err != nil {
			k.sys.say("%s", err)
		} else if what != "" {
			k.sys.say("locked, and with it the %s of the desktop's keyring", what)
			return
		}
	}
	when := "where nobody can be asked"
	if first {
		when = "at the next use"
	}
	k.sys.say("locked; %s it is opened again by %s, without a question: fob store move passphrase changes that", when, way.Name)
}

// forget makes every kept session unreadable. A run that is opening the store
// would put the key back, so it is waited for; one that does not end is no
// reason to leave the rest undone.
func (k *keeper) forget(ctx context.Context) error {
	err := k.hold(ctx)
	return errors.Join(err, k.endEpoch())
}

// unforgotten tells everything that could not be erased, each on a line.
func unforgotten(err error) error {
	f := &fault.Error{What: "not everything could be forgotten", Why: err, Code: fault.Locked}
	if known := (*fault.Error)(nil); errors.As(storeFault(err), &known) {
		f.Next = known.Next
	}
	return f
}

func newUnlock(sys *System, g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "unlock",
		Short:   "Unlock the store for the commands to come",
		Example: "  fob unlock\n  fob unlock --backend recovery",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return sys.runUnlock(c.Context(), g) },
	}
}

func (s System) runUnlock(ctx context.Context, g *globals) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	if err := k.mustExist(); err != nil {
		return err
	}
	if err := k.Open(ctx, func() bool { return true }); err != nil {
		return err
	}
	for _, p := range k.rest.Places() {
		if p.Holds != sealkey.Seal {
			continue
		}
		s.say("unlocked until %s", p.Until.Local().Format("2006-01-02 15:04"))
		if _, first, _ := k.silentWay(ctx); !first && !k.keyRests() {
			s.say("%s", askedAgain)
		}
		return nil
	}
	s.say("the store opens, but there is no place to remember that: every run opens it anew (see fob status)")
	return nil
}

// askedAgain is what an open store without a resting identity means.
const askedAgain = "what opens the store is asked for again when a key itself is needed: for a new MFA session, add or remove"

// keyRests says whether the identity rests somewhere, so that the stored keys
// themselves can be used without a question.
func (k *keeper) keyRests() bool {
	return slices.ContainsFunc(k.rest.Places(), func(p sealkey.Place) bool { return p.Holds == sealkey.Identity })
}
