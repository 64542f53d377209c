package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fob/internal/cred"
	"fob/internal/fault"
	"fob/internal/keep/store"
	"fob/internal/keep/unlock"
	"fob/internal/obtain/tty"
)

// openOrMake opens the vault for writing, or makes it at first need.
func (k *keeper) openOrMake(ctx context.Context) (made bool, err error) {
	ok, err := k.exists()
	if err == nil && !ok {
		// Two runs that each made an identity would leave one with a vault that
		// only the other's slot opens.
		if err := k.hold(ctx); err != nil {
			return false, err
		}
		ok, err = k.exists()
	}
	switch {
	case err != nil:
		return false, err
	case ok:
		return false, k.Open(ctx, func() bool { return true })
	}
	return true, k.unlockNew(ctx)
}

// unlockNew makes the vault: identity, slot, document. The slot is durable before
// the document, so that no vault can be without a way in.
func (k *keeper) unlockNew(ctx context.Context) error {
	abandoned, err := k.abandoned(ctx)
	if err != nil {
		return err
	}
	var identity cred.Secret
	if abandoned {
		k.sys.say("there is a way in already, without a store: it opens the new one (to begin with another, remove %s)", k.slots())
		identity, err = k.ask(ctx)
	} else {
		identity, err = k.makeWay(ctx)
	}
	if err != nil {
		return newStoreFault(err)
	}
	if err := store.Create(ctx, k.home.Data, identity, k.sys.Now, k.storeOptions()...); err != nil {
		return newStoreFault(err)
	}
	return k.opened(ctx, identity)
}

// abandoned says whether a slot stands here without a store: what a run left that
// was cut off, or what still opens a backup. It is used, not replaced: slots of
// two identities side by side would one day open different stores.
func (k *keeper) abandoned(ctx context.Context) (bool, error) {
	kind, named, err := k.named()
	if err != nil {
		return false, err
	}
	there := slices.DeleteFunc(k.allWays(ctx), func(w unlock.Way) bool { return !w.Slot })
	if len(there) == 0 {
		return false, nil
	}
	if named && !slices.ContainsFunc(there, func(w unlock.Way) bool { return w.Name == kind.Name }) {
		return false, &fault.Error{
			What: "cannot make a store that is opened by " + kind.Name, Why: fmt.Errorf("there is a way in already, without a store: %s", there[0].Name),
			Next: []string{"let that open the new one, and set up " + kind.Name + " afterwards: leave --backend out", "or begin anew: remove " + k.slots()}, Code: fault.Locked,
		}
	}
	return true, nil
}

// askFirst asks for the passphrase of a new store.
func (k *keeper) askFirst(ctx context.Context, q unlock.Question) (cred.Secret, error) {
	t, err := k.sys.OpenTTY()
	if err != nil {
		return cred.Secret{}, unattended(err, q)
	}
	defer t.Close()
	t.Say("fob keeps your keys in a store of its own, encrypted under a passphrase.")
	return askNew(ctx, t, "New passphrase: ")
}

func newStoreFault(err error) error {
	if done := (*fault.Error)(nil); errors.As(err, &done) || errors.Is(err, context.Canceled) {
		return err
	}
	f := &fault.Error{What: "cannot make the store", Why: err, Code: fault.Locked}
	if known := (*fault.Error)(nil); errors.As(storeFault(err), &known) {
		f.Next = known.Next
	}
	return f
}

func (k *keeper) sayNoRecovery() {
	where := ""
	if !k.sys.canAsk() {
		where = " at a terminal"
	}
	k.sys.say("the store has no recovery code; when what opens it is lost, so are its keys. Make one%s: fob store use recovery", where)
}

// offerRecovery makes a second way in, where there is none: a code to write
// down, for the day the first one is lost. Where nobody is asked anything, there
// is nobody to show it to.
func (k *keeper) offerRecovery(ctx context.Context, made, silent bool) error {
	if unlock.Recovery(k.unlockEnv(nil)).Usable(ctx) == nil {
		return nil
	}
	if _, has, err := k.given(); err != nil || has || silent {
		if made && err == nil {
			k.sayNoRecovery()
		}
		return err
	}
	t, err := k.sys.OpenTTY()
	if err != nil {
		return err
	}
	defer t.Close()
	yes, err := askYes(ctx, t, "Make a recovery code, to write down in case what opens the store is lost? [Y/n] ")
	if err != nil || !yes {
		if err == nil {
			t.Say("When what opens the store is lost, so are the keys. The next fob add offers the code again.")
		}
		return err
	}
	return k.newRecovery(ctx)
}

// newRecovery makes a recovery code and shows it, once. One that was there opens
// nothing any more.
func (k *keeper) newRecovery(ctx context.Context) error {
	t, err := k.sys.OpenTTY()
	if err != nil {
		return unshown(err)
	}
	defer t.Close()
	earlier := unlock.Recovery(k.unlockEnv(nil)).Usable(ctx) == nil
	if earlier {
		yes, err := t.Confirm(ctx, "There is a recovery code already, which a new one makes worth nothing. Make a new one?")
		if err != nil || !yes {
			return err
		}
	}
	code, err := unlock.NewRecoveryCode(rand.Reader)
	if err != nil {
		return newStoreFault(err)
	}
	slot := unlock.Recovery(k.unlockEnv(func(context.Context, unlock.Question) (cred.Secret, error) { return code, nil }))
	// Shown before it takes the place of an earlier one: killed in between, the
	// earlier one still opens.
	t.Say("Recovery code, shown this once: " + code.Reveal())
	if err := slot.Save(ctx, k.identity); err != nil {
		return wayFault(err, unlock.Kind{Name: recoveryKind})
	}
	t.Say("It opens the store from now on.")
	if earlier {
		k.sys.say("the earlier recovery code no longer opens the store; copies of the store that were made before still open by it")
	}
	return nil
}

// unshown says of a failure to ask that there is nobody to show a code to.
func unshown(err error) error {
	f := (*fault.Error)(nil)
	if !errors.As(err, &f) {
		return err
	}
	told := *f
	told.What = "cannot show a recovery code"
	return &told
}

// askYes asks until the answer is yes, no, or nothing, which is yes.
func askYes(ctx context.Context, t tty.TTY, question string) (bool, error) {
	for {
		answer, err := t.ReadLine(ctx, question)
		if err != nil {
			return false, err
		}
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "", "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
		t.Say("Answer y or n.")
	}
}
