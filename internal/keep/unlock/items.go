package unlock

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"unicode/utf16"

	"fob/internal/cred"
)

// longestLabel is CRED_MAX_STRING_LENGTH of Windows, in UTF-16 units.
const longestLabel = 256

// item names one small secret in a store that comes with the system.
type item struct {
	service string // the same for all that are fob's
	account string // tells its stores apart
	label   string // says to a person what it is
}

// itemFor names the item of the slots in dir. It has a hash of the path and not
// the path, which may be longer than a name may be.
func itemFor(dir string) item {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	label := utf16.Encode([]rune("fob store " + dir))
	return item{
		service: "fob",
		account: storeHash(dir),
		label:   string(utf16.Decode(label[:min(len(label), longestLabel)])),
	}
}

// target is the one name of an item where there are not two.
func (i item) target() string { return i.service + ":" + i.account }

// items are a system's own calls. Their errors are the system's codes.
type items interface {
	// silence makes the system refuse whatever it would ask the person for.
	silence() error
	// state says whether the store is locked, and whether the system can put a
	// question to the person here.
	state() (itemState, error)
	// find says whether the item is there. It asks nobody while the store is open.
	find(item) error
	get(item) ([]byte, error)
	add(item, []byte) error
	update(item, []byte) error
	remove(item) error
}

type itemState struct{ locked, asks bool }

// itemStore is a store of secrets that comes with a system.
type itemStore struct {
	name, help string
	open       func() items // loads nothing yet
	// words says what a code means: errNoItem, errDuplicate, or for a person.
	words func(error) error
	show  func(item) string // see Kind.Show
	shut  error             // why a locked store stays locked where nobody can be asked
}

// errAsks says that the system would have to ask, and may not.
var errAsks = errors.New("it wants to ask whether this build of fob may have the key, and nobody can be asked here, as over ssh: run fob once on the desktop and choose Always Allow")

// errDuplicate says that add found an item.
var errDuplicate = errors.New("it has a key for this store already")

func (s itemStore) kind() Kind {
	return Kind{
		Name:   s.name,
		Help:   s.help,
		Choose: true,
		Show:   func(e Env) string { return s.show(itemFor(e.Dir)) },
		Open: func(e Env) Unlocker {
			return keyed{kind: s.name, env: e, keeper: s.keeper(e)}
		},
		Available: func(ctx context.Context, e Env) error {
			err := s.keeper(e).usable(ctx)
			if errors.Is(err, errNoItem) {
				return nil
			}
			return err
		},
	}
}

func (s itemStore) keeper(e Env) itemKeeper {
	return itemKeeper{store: s, env: e, item: itemFor(e.Dir), items: s.open()}
}

// itemKeeper keeps the key of a slot in an item.
type itemKeeper struct {
	store itemStore
	env   Env
	item  item
	items items
}

func (k itemKeeper) usable(ctx context.Context) error {
	_, err := await(ctx, func() (struct{}, error) {
		state, err := k.ready()
		if err != nil || state.locked { // looking into a locked store may ask
			return struct{}{}, err
		}
		return struct{}{}, k.words(k.items.find(k.item))
	})
	return err
}

func (k itemKeeper) note(ctx context.Context) string {
	state, err := await(ctx, k.items.state)
	if err == nil && state.locked {
		return "locked: asks for its password at the desktop"
	}
	return ""
}

func (k itemKeeper) load(ctx context.Context) (cred.Secret, error) {
	return await(ctx, func() (cred.Secret, error) {
		if _, err := k.ready(); err != nil {
			return cred.Secret{}, err
		}
		data, err := k.items.get(k.item)
		defer clear(data)
		if err != nil {
			return cred.Secret{}, k.words(err)
		}
		return cred.NewSecret(string(data)), nil
	})
}

func (k itemKeeper) save(ctx context.Context, text cred.Secret) error {
	_, err := await(ctx, func() (struct{}, error) {
		if _, err := k.ready(); err != nil {
			return struct{}{}, err
		}
		data := []byte(text.Reveal())
		defer clear(data)
		err := k.words(k.items.add(k.item, data))
		if errors.Is(err, errDuplicate) {
			err = k.words(k.items.update(k.item, data))
		}
		return struct{}{}, err
	})
	return err
}

func (k itemKeeper) remove(ctx context.Context) error {
	_, err := await(ctx, func() (struct{}, error) {
		if _, err := k.ready(); err != nil {
			return struct{}{}, err
		}
		err := k.words(k.items.remove(k.item))
		if errors.Is(err, errNoItem) {
			return struct{}{}, nil
		}
		return struct{}{}, err
	})
	return err
}

// ready refuses before a call that could only fail, with the reason that the
// call would not give.
func (k itemKeeper) ready() (itemState, error) {
	alone := k.env.alone()
	if alone {
		if err := k.items.silence(); err != nil {
			return itemState{}, k.words(err)
		}
	}
	state, err := k.items.state()
	if err == nil && state.locked && alone {
		return state, fmt.Errorf("it is locked, and %w", ErrUnattended)
	}
	if err == nil && state.locked && !state.asks {
		return state, k.store.shut
	}
	return state, k.words(err)
}

func (k itemKeeper) words(err error) error {
	if err == nil {
		return nil
	}
	err = k.store.words(err)
	if errors.Is(err, errAsks) && k.env.alone() {
		return fmt.Errorf("it wants to ask whether this build of fob may have the key, and %w", ErrUnattended)
	}
	return err
}

// await ends with ctx, so that a person need not answer a window of the system,
// which cannot be called off. What the call gives after that is dropped.
func await[T any](ctx context.Context, call func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := call()
		done <- result{value, err}
	}()
	select {
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	case r := <-done:
		return r.value, r.err
	}
}
