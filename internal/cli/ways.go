package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/store"
	"fob/internal/keep/unlock"
)

// passphraseKind and recoveryKind are the ways in that a person types.
const (
	passphraseKind = "passphrase"
	recoveryKind   = "recovery"
)

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
	env := unlock.Env{
		Dir: k.slots(), Ask: ask, Say: k.sys.tell, Confirm: k.sys.choose,
		Run: k.sys.Keeper, Lookup: k.sys.variable, Environ: launch.Bare(k.sys.Environ),
		Now: k.sys.Now, Cheap: k.sys.CheapStore,
	}
	if k.sys.CheapStore {
		env.WorkFactor = unlock.CheapWorkFactor
	}
	return env
}

// named is the kind that --backend or its variable asks for; "" for none.
func (k *keeper) named() (string, error) {
	name := k.g.backend
	if name == "" {
		name = front.Lookup(k.sys.Environ, "FOB_BACKEND")
	}
	if name == "" {
		return "", nil
	}
	_, err := kindNamed(name, "--backend, or FOB_BACKEND")
	return name, err
}

// kindNamed finds a kind by the name that a person gave in the way of said.
func kindNamed(name, said string) (unlock.Kind, error) {
	for _, kind := range unlock.Kinds() {
		if kind.Name == name {
			return kind, nil
		}
	}
	return unlock.Kind{}, &fault.Error{
		What: "there is no way to open the store called " + profile.Shown(name) + " (" + said + ")",
		Next: []string{"use one of: " + strings.Join(unlockerNames(), ", ")},
		Code: fault.Usage,
	}
}

// ask gets the identity by the ways in that the store has, one after the other:
// one that does not work here and now leaves it to the next. What a person
// answers counts, right or wrong.
func (k *keeper) ask(ctx context.Context) (cred.Secret, error) {
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
			if w.Asks && len(failed) > 0 {
				k.sys.say("%s", errors.Join(failed...))
			}
			identity, opened := k.through(ctx, w.Kind, given, has)
			if opened == nil {
				return identity, nil
			}
			err = opened
		}
		if ctx.Err() != nil {
			return cred.Secret{}, context.Cause(ctx)
		}
		failed = append(failed, err)
		if w.Asks && fault.CodeOf(err) != fault.Attend {
			break // somebody answered
		}
	}
	return cred.Secret{}, noWayIn(failed)
}

// waysIn lists what may open the store, the first to try at the front: what was
// named, else what has a slot. Where nothing has one, it is the passphrase that
// is missing.
func (k *keeper) waysIn(ctx context.Context, given bool) ([]unlock.Way, error) {
	name, err := k.named()
	if err != nil {
		return nil, err
	}
	if name == "" {
		ways := unlock.InOrder(unlock.Ways(ctx, k.unlockEnv(nil), unlock.Kinds()), unlock.First(k.slots()), given)
		if len(ways) > 0 {
			return ways, nil
		}
		name = passphraseKind
	}
	kind, err := kindNamed(name, "--backend")
	if err != nil {
		return nil, err
	}
	return []unlock.Way{{Kind: kind, Slot: true, Why: kind.Open(k.unlockEnv(nil)).Usable(ctx)}}, nil
}

// through opens the store by one way. A wrong answer on the terminal is asked
// for again; a wrong one that was given is an error at once.
func (k *keeper) through(ctx context.Context, kind unlock.Kind, given cred.Secret, has bool) (cred.Secret, error) {
	problem := ""
	u := kind.Open(k.unlockEnv(func(ctx context.Context, q unlock.Question) (cred.Secret, error) {
		if has && q.By == "" { // a passphrase is no PIN: no plugin gets it
			return given, nil
		}
		return k.sys.hidden(ctx, problem+q.Text+": ")
	}))
	for try := 1; ; try++ {
		identity, err := u.Load(ctx)
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
		if errors.As(err, &f) && f.Code == fault.Attend {
			chief, err = f, f.Why
		}
		reasons = append(reasons, err)
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
			return k.sys.hidden(ctx, q.Text+": ")
		case has:
			return given, nil
		}
		return k.askFirst(ctx)
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
			return identity, err
		}
		k.sys.say("%s", err)
	}
	return identity, &fault.Error{What: "nothing on this system can keep what opens the store", Next: []string{"see why: fob store"}, Code: fault.Locked}
}

// kindsForNew are the kinds to try for a new store.
func (k *keeper) kindsForNew(given bool) (kinds []unlock.Kind, named bool, err error) {
	name, err := k.named()
	if err != nil {
		return nil, false, err
	}
	if name == "" && given {
		name = passphraseKind
	}
	if name == "" {
		for _, kind := range unlock.Kinds() {
			if kind.Choose {
				kinds = append(kinds, kind)
			}
		}
		return kinds, false, nil
	}
	kind, err := kindNamed(name, "--backend")
	if err == nil && kind.Forgets {
		err = forgetful(kind)
	}
	return []unlock.Kind{kind}, true, err
}

// forgetful refuses a store that nothing opens after a restart.
func forgetful(kind unlock.Kind) error {
	return &fault.Error{
		What: fmt.Sprintf("%s cannot be the only way into the store", kind.Name),
		Why:  errors.New("it is gone when the machine starts again, and the keys with it"),
		Next: []string{"fob store use passphrase"}, Code: fault.Usage,
	}
}
