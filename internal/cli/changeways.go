package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"fob/internal/cred"
	"fob/internal/fault"
	"fob/internal/keep/unlock"
)

// changeWays opens the store afresh, and hands it over while no other run opens it.
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
	if err := k.openAfresh(ctx); err != nil {
		return err
	}
	return wayFault(change(k, ctx, kind, settings), kind)
}

// openAfresh opens the store by a way in, even while the identity rests, and by one
// that is typed where there is one: who finds the machine unlocked must not make a
// way of their own, or shut the owner out.
func (k *keeper) openAfresh(ctx context.Context) error {
	if err := k.mustExist(); err != nil {
		return err
	}
	if err := k.hold(ctx); err != nil {
		return err
	}
	k.typed = true
	identity, err := k.ask(ctx)
	if err != nil {
		return err
	}
	return k.opened(ctx, identity)
}

// wayFault tells what failed of a way once the store was open.
func wayFault(err error, kind unlock.Kind) error {
	if done := (*fault.Error)(nil); errors.As(err, &done) {
		return err
	}
	f := (*fault.Error)(nil)
	if err = storeFault(err); !errors.As(err, &f) {
		return err
	}
	told := *f
	if broken := (*unlock.KeeperError)(nil); errors.As(err, &broken) && told.Code != fault.Attend {
		told.What = "cannot change what opens the store"
		told.Next = append(mends(broken), "see what can open it, and why the rest cannot: fob store")
		if broken.Kind == kind.Name {
			told.What = "cannot set up " + kind.Name
		}
	}
	return &told
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

// useWay sets up a way in, and lets it be tried first.
func (k *keeper) useWay(ctx context.Context, kind unlock.Kind, settings map[string]string) error {
	if kind.Forgets && !k.everydayWay(ctx, kind.Name) {
		return forgetful(kind)
	}
	if err := k.setUp(ctx, kind, settings); err != nil || kind.Name == recoveryKind {
		return err
	}
	if err := unlock.SetFirst(k.slots(), kind.Name); err != nil {
		return err
	}
	k.sayOpenedBy(kind)
	return nil
}

func (k *keeper) sayOpenedBy(kind unlock.Kind) {
	k.sys.say("from now on the store is opened by %s: %s", kind.Name, kind.Help)
}

// sayEnded says what a way in that was taken away does not change.
func (k *keeper) sayEnded() {
	k.sys.say("every session has ended; copies of the store that were made before still open as they did: fob rotate makes the keys in them worth nothing")
}

// setUp makes a slot. One that is there stays, unless it has other settings, or is
// seen to open something else.
func (k *keeper) setUp(ctx context.Context, kind unlock.Kind, settings map[string]string) error {
	if kind.Name == recoveryKind {
		return k.newRecovery(ctx)
	}
	env := k.unlockEnv(k.askNew())
	env.Settings = settings
	u := kind.Open(env)
	if u.Usable(ctx) == nil && len(settings) == 0 {
		if kind.Asks {
			return nil
		}
		if kept, err := u.Load(ctx); err == nil && kept.Equal(k.identity) {
			k.proved = append(k.proved, kind.Name)
			return nil
		}
	}
	err := u.Save(ctx, k.identity)
	if err == nil { // it has opened what it wrote
		k.proved = append(k.proved, kind.Name)
	}
	return err
}

// askNew asks for what a new slot wants to know. A passphrase that was given
// opened the store, or is for the slot.
func (k *keeper) askNew() asker {
	return func(ctx context.Context, q unlock.Question) (cred.Secret, error) {
		given, has, err := k.given()
		if err != nil || has && q.By == "" {
			if err == nil && q.New {
				k.sys.sayShort(given)
			}
			return given, err
		}
		return k.sys.answer(ctx, q, "")
	}
}

// everydayWay says whether the store opens by something else, too, today and
// tomorrow. Only what was seen to open it counts: a slot may be damaged, or another
// store's. Nor does the recovery code: it is tried only where it is named, and asked
// for at every use it is soon lost.
func (k *keeper) everydayWay(ctx context.Context, name string) bool {
	return slices.ContainsFunc(k.allWays(ctx), func(w unlock.Way) bool {
		switch {
		case !w.Slot || w.Why != nil || w.Name == name || w.Name == recoveryKind || w.Forgets:
			return false
		case w.Asks:
			return slices.Contains(k.proved, w.Name)
		}
		kept, err := w.Open(k.unlockEnv(nil)).Load(ctx)
		return err == nil && kept.Equal(k.identity)
	})
}

func (k *keeper) moveWay(ctx context.Context, kind unlock.Kind, settings map[string]string) error {
	if kind.Name == recoveryKind || kind.Forgets {
		return &fault.Error{What: "the store cannot be moved to " + kind.Name, Why: errors.New("it must not be the only way in"), Next: []string{"fob store use " + kind.Name}, Code: fault.Usage}
	}
	if err := k.setUp(ctx, kind, settings); err != nil {
		return err
	}
	if err := k.mustOpen(ctx, kind); err != nil {
		return err
	}
	if err := unlock.SetFirst(k.slots(), kind.Name); err != nil {
		return err
	}
	if err := k.newEpoch(ctx); err != nil {
		return err
	}
	var failed []error
	for _, w := range k.allWays(ctx) {
		if w.Slot && w.Name != kind.Name && w.Name != recoveryKind {
			failed = append(failed, k.shut(ctx, w.Kind))
		}
	}
	if err := errors.Join(failed...); err != nil {
		return err
	}
	k.sayOpenedBy(kind)
	k.sayEnded()
	if unlock.Recovery(k.unlockEnv(nil)).Usable(ctx) != nil {
		k.sayNoRecovery()
	}
	return nil
}

// mustOpen looks whether the one way that will be left opens this store, and not
// one that stood here before.
func (k *keeper) mustOpen(ctx context.Context, kind unlock.Kind) error {
	if slices.Contains(k.proved, kind.Name) {
		return nil // nobody is asked the same twice
	}
	given, has, err := k.given()
	if err != nil {
		return err
	}
	identity, err := k.through(ctx, kind, given, has)
	if err == nil && !identity.Equal(k.identity) {
		err = &fault.Error{
			What: "cannot move the store to " + kind.Name, Why: fmt.Errorf("what it opens is another store: nothing was removed"),
			Next: []string{"set it up anew: fob store remove " + kind.Name + ", then this again"}, Code: fault.Locked,
		}
	}
	return err
}

// shut removes a way in.
func (k *keeper) shut(ctx context.Context, kind unlock.Kind) error {
	u := kind.Open(k.unlockEnv(nil))
	err := u.Forget(ctx)
	if errors.Is(u.Usable(ctx), unlock.ErrNoSlot) {
		k.sys.say("%s no longer opens the store", kind.Name)
		if broken := (*unlock.KeeperError)(nil); errors.As(err, &broken) {
			k.sys.say("what it kept for the store stays there and opens nothing any more: %s", broken)
			err = nil
		}
		err = errors.Join(err, unlock.NotFirst(k.slots(), kind.Name))
	}
	return err
}

func (k *keeper) removeWay(ctx context.Context, kind unlock.Kind, _ map[string]string) error {
	if !slices.ContainsFunc(k.allWays(ctx), func(w unlock.Way) bool { return w.Slot && w.Name == kind.Name }) {
		return &fault.Error{What: kind.Name + " is no way into this store", Next: []string{"see the ways: fob store"}, Code: fault.Failed}
	}
	if !k.everydayWay(ctx, kind.Name) {
		next := unlock.Passphrase().Name
		if kind.Name == next {
			next = "WAY"
		}
		return &fault.Error{
			What: "cannot remove " + kind.Name,
			Why:  errors.New("nothing else opens the store every day: a recovery code is for the day when that is lost, and what does not open now may never do so"),
			Next: []string{"set up another way first: fob store use " + next, "see what there is: fob store"}, Code: fault.Failed,
		}
	}
	// The sessions first: of a removal that is cut off, asking again does the rest.
	if err := k.newEpoch(ctx); err != nil {
		return err
	}
	if err := k.shut(ctx, kind); err != nil {
		return err
	}
	k.sayEnded()
	return nil
}
