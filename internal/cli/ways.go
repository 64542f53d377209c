package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/store"
	"fob/internal/keep/unlock"
)

// recoveryKind is the way in that has to be named.
const recoveryKind = "recovery"

// asker answers what a way in wants to know.
type asker func(context.Context, unlock.Question) (cred.Secret, error)

func unlockerNames() []string {
	var names []string
	for _, k := range unlock.Kinds() {
		names = append(names, k.Name)
	}
	return names
}

func (k *keeper) slots() string { return filepath.Join(k.home.Data, "slots") }

// unlockEnv is what an unlocker may use of the world.
func (k *keeper) unlockEnv(ask asker) unlock.Env {
	return unlock.Env{
		Dir: k.slots(), Ask: ask, Say: k.sys.tell, Confirm: k.sys.choose,
		Run: k.sys.Keeper, Lookup: k.sys.variable, Environ: launch.Bare(k.sys.Environ),
		Now: k.sys.Now, Cheap: k.sys.CheapStore,
		Unattended: k.alone, Notice: func(text string) { k.sys.say("%s", text) },
	}
}

// named is the kind that --backend or its variable asks for.
func (k *keeper) named() (kind unlock.Kind, ok bool, err error) {
	name := cmp.Or(k.g.backend, front.Lookup(k.sys.Environ, "FOB_BACKEND"))
	if name == "" {
		return kind, false, nil
	}
	kind, err = kindNamed(name, "--backend, or FOB_BACKEND")
	return kind, err == nil, err
}

// kindNamed finds a kind by the name that a person gave in the way of said.
func kindNamed(name, said string) (unlock.Kind, error) {
	for _, kind := range unlock.Kinds() {
		if kind.Name == name {
			return kind, nil
		}
	}
	why, next := foreignName(name)
	f := &fault.Error{
		What: "there is no way to open the store called " + profile.Shown(name) + " (" + said + ")",
		Next: append(next, "use one of: "+strings.Join(unlockerNames(), ", ")),
		Code: fault.Usage,
	}
	if why != "" {
		f.Why = errors.New(why)
	}
	return unlock.Kind{}, f
}

// foreignName knows the names that other systems and aws-vault have for ways.
func foreignName(name string) (why string, next []string) {
	switch name {
	case "keychain":
		return "that is there only on macOS", nil
	case "wincred":
		return "that is there only on Windows", nil
	case "secret-service", "keyctl":
		return "that is there only on Linux", nil
	case "kwallet":
		return "KWallet is reached by the Secret Service that it offers", []string{"use secret-service"}
	case "file":
		return "the store is a file, whatever opens it", []string{"use passphrase"}
	}
	return "", nil
}

// ask gets the identity by the ways in that the store has, one after the other:
// one that does not work here and now leaves it to the next. What a person
// answers counts, right or wrong.
func (k *keeper) ask(ctx context.Context) (cred.Secret, error) {
	if k.sys.unasked() {
		return cred.Secret{}, &fault.Error{What: "cannot open the store", Why: errors.New("it is locked, and it is not opened for an agent"), Code: fault.Attend}
	}
	given, has, err := k.given()
	if err != nil {
		return cred.Secret{}, err
	}
	ways, err := k.waysIn(ctx, has)
	if err != nil {
		return cred.Secret{}, err
	}
	var failed []error
	for _, w := range ways {
		err := w.Why
		if err == nil {
			if w.Asks && len(failed) > 0 && k.sys.canAsk() {
				k.sys.say("%s", errors.Join(failed...))
				failed = nil // told once
			}
			identity, opened := k.through(ctx, w.Kind, given, has)
			if opened == nil {
				opened = k.fits(ctx, w.Kind, identity)
			}
			if opened == nil {
				k.proved = append(k.proved, w.Name)
				return identity, nil
			}
			err = opened
		}
		if ctx.Err() != nil {
			return cred.Secret{}, context.Cause(ctx)
		}
		failed = append(failed, err)
		if mistyped(err) {
			break
		}
	}
	return cred.Secret{}, noWayIn(failed)
}

// fits refuses the identity of another store: a slot of that one may have been put
// here, or left by a run that was cut off before there was a store. What else is
// wrong with the vault is told by who opens it.
func (k *keeper) fits(ctx context.Context, kind unlock.Kind, identity cred.Secret) error {
	v := store.Open(k.home.Data, func(context.Context) (cred.Secret, error) { return identity, nil }, k.sys.Now, k.storeOptions()...)
	_, err := v.Records(ctx)
	if foreign := (*store.DamagedError)(nil); errors.As(err, &foreign) && foreign.Foreign {
		return fmt.Errorf("%s: %w", kind.Name, err)
	}
	return nil
}

// waysIn lists what may open the store, the first to try at the front: what was
// named, else what has a slot. Where nothing has one, it is the passphrase that
// is missing.
func (k *keeper) waysIn(ctx context.Context, given bool) ([]unlock.Way, error) {
	kind, named, err := k.named()
	if err != nil {
		return nil, err
	}
	// To name one that asks nothing is no way around the question.
	if !named || k.typed && !kind.Asks {
		ways := unlock.InOrder(k.allWays(ctx), unlock.First(k.slots()), given)
		sound := func(w unlock.Way) bool { return w.Asks && w.Why == nil }
		if k.typed && slices.ContainsFunc(ways, sound) {
			ways = slices.DeleteFunc(ways, func(w unlock.Way) bool { return !sound(w) })
		}
		if len(ways) > 0 {
			return ways, nil
		}
		kind = unlock.Passphrase()
	}
	why := kind.Open(k.unlockEnv(nil)).Usable(ctx)
	if named && errors.Is(why, unlock.ErrNoSlot) {
		why = k.notSetUp(ctx, kind)
	}
	return []unlock.Way{{Kind: kind, Slot: true, Why: why}}, nil
}

// notSetUp says what does open the store, of a way that does not.
func (k *keeper) notSetUp(ctx context.Context, kind unlock.Kind) error {
	f := &fault.Error{What: kind.Name + " is no way into this store", Why: errors.New("nothing opens it: " + k.slots() + " has no slot"), Next: []string{"put the folder back from a backup"}, Code: fault.Locked}
	var has []string
	for _, w := range k.listWays(ctx) {
		if w.Slot {
			has = append(has, w.Name)
		}
	}
	if len(has) > 0 {
		f.Why = errors.New("it has: " + strings.Join(has, ", "))
		f.Next = []string{"leave --backend out (and FOB_BACKEND), or name one of these", "or set it up: fob store use " + kind.Name}
	}
	return f
}

func (k *keeper) allWays(ctx context.Context) []unlock.Way {
	return unlock.Ways(ctx, k.unlockEnv(nil), unlock.Kinds())
}

// silentWay is what opens the store where nobody is asked, and whether it does so
// before anybody is asked.
func (k *keeper) silentWay(ctx context.Context) (way unlock.Way, first, ok bool) {
	for i, w := range unlock.InOrder(k.allWays(ctx), unlock.First(k.slots()), false) {
		if !w.Asks && w.Why == nil && k.note(ctx, w) == "" {
			return w, i == 0, true
		}
	}
	return way, false, false
}

// through opens the store by one way. A wrong answer on the terminal is asked
// for again; a wrong one that was given is an error at once. A passphrase that
// stands in the environment is no recovery code; a line of a descriptor may be.
func (k *keeper) through(ctx context.Context, kind unlock.Kind, given cred.Secret, has bool) (cred.Secret, error) {
	has = has && (kind.Name != recoveryKind || k.g.passphrase.given)
	problem, answer := "", cred.Secret{}
	u := kind.Open(k.unlockEnv(func(ctx context.Context, q unlock.Question) (cred.Secret, error) {
		if has && q.By == "" { // a passphrase is no PIN: no plugin gets it
			answer = given
			return given, nil
		}
		text, err := k.sys.answer(ctx, q, problem)
		if q.By == "" {
			answer = text
		}
		return text, err
	}))
	for try := 1; ; try++ {
		identity, err := u.Load(ctx)
		if err == nil && kind.Name == unlock.Passphrase().Name {
			k.passphrase = answer
		}
		if err == nil || has || try == passphraseTries || !mistyped(err) {
			return identity, err
		}
		problem = "Wrong. "
	}
}

// noWayIn tells why nothing opened the store: of several reasons each, and as
// what the one that a person could have mended.
func noWayIn(failed []error) error {
	chief := storeFault(failed[len(failed)-1])
	var reasons []error
	for _, err := range failed {
		f := (*fault.Error)(nil)
		switch {
		case errors.As(err, &f) && f.Code == fault.Attend:
			chief, err = f, f.Why
		case errors.Is(err, unlock.ErrUnattended) && fault.CodeOf(chief) != fault.Attend:
			chief = storeFault(err)
		}
		if !slices.ContainsFunc(reasons, func(r error) bool { return r.Error() == err.Error() }) {
			reasons = append(reasons, err)
		}
	}
	f := (*fault.Error)(nil)
	if len(failed) == 1 || !errors.As(chief, &f) {
		return chief
	}
	told := *f
	told.Why = errors.Join(reasons...)
	return &told
}

// makeWay makes an identity and its first slot, for a store that is new. What is
// not named is chosen: the passphrase where one was given, else what the system
// has, else a passphrase that is asked for.
func (k *keeper) makeWay(ctx context.Context) (cred.Secret, error) {
	given, has, err := k.given()
	if err != nil {
		return cred.Secret{}, err
	}
	kinds, named, err := k.kindsForNew(has)
	if err != nil {
		return cred.Secret{}, err
	}
	identity, err := store.NewIdentity()
	if err != nil {
		return identity, err
	}
	env := k.unlockEnv(func(ctx context.Context, q unlock.Question) (cred.Secret, error) {
		switch {
		case q.By != "":
			return k.sys.answer(ctx, q, "")
		case has:
			k.sys.sayShort(given)
			return given, nil
		}
		return k.askFirst(ctx, q)
	})
	for _, kind := range kinds {
		if !named && kind.Available != nil && kind.Available(ctx, env) != nil {
			continue // fob store says why
		}
		err := kind.Open(env).Save(ctx, identity)
		broken := (*unlock.KeeperError)(nil)
		if named || ctx.Err() != nil || !errors.As(err, &broken) {
			if err == nil && !kind.Asks {
				k.sys.say("fob keeps your keys in a store of its own, opened by %s (fob store tells of other ways)", kind.Help)
			}
			return identity, cannotKeep(kind, err)
		}
		k.sys.say("%s", err)
	}
	return identity, &fault.Error{What: "nothing on this system can keep what opens the store", Next: []string{"see why: fob store"}, Code: fault.Locked}
}

// cannotKeep tells what a kind that was named says, and that one which wants to be
// told more can be set up later.
func cannotKeep(kind unlock.Kind, err error) error {
	broken := (*unlock.KeeperError)(nil)
	if !errors.As(err, &broken) {
		return err
	}
	return &fault.Error{
		What: kind.Name + " cannot open the new store", Why: err,
		Next: append(mends(broken), "see why, and what else can: fob store", "or make the store first, then: fob store move "+kind.Name),
		Code: fault.Locked,
	}
}

// kindsForNew are the kinds to try for a new store.
func (k *keeper) kindsForNew(given bool) (kinds []unlock.Kind, named bool, err error) {
	kind, named, err := k.named()
	switch {
	case err != nil:
		return nil, false, err
	case named && kind.Forgets:
		return nil, false, forgetful(kind)
	case named:
		return []unlock.Kind{kind}, true, nil
	case given:
		return []unlock.Kind{unlock.Passphrase()}, true, nil
	}
	for _, kind := range unlock.Kinds() {
		if kind.Choose {
			kinds = append(kinds, kind)
		}
	}
	return kinds, false, nil
}

// forgetful refuses a store that nothing opens after a restart.
func forgetful(kind unlock.Kind) error {
	return &fault.Error{
		What: fmt.Sprintf("%s cannot be the only way into the store", kind.Name),
		Why:  errors.New("it is gone when the machine starts again, and the keys with it"),
		Next: []string{"fob store use passphrase"}, Code: fault.Usage,
	}
}
