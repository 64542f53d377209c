package unlock

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"fob/internal/cred"
	"fob/internal/fault"
	"fob/internal/keep/desktop"
)

// ownCollection is the option that names a collection of the store's own.
const ownCollection = "collection"

func secretService() Kind {
	open := func(e Env) secretItem { return secretItem{env: e, limits: desktop.UsualLimits()} }
	return Kind{
		Name:      "secret-service",
		Help:      "the desktop's keyring (GNOME Keyring, KeePassXC, KWallet), which opens with your login",
		Options:   []Option{{Name: ownCollection, Help: "a collection with a password of its own, made when it is not there"}},
		Open:      func(e Env) Unlocker { return keyed{kind: "secret-service", env: e, keeper: open(e)} },
		Choose:    true,
		Show:      func(e Env) string { return "secret-tool lookup application fob store " + storeHash(e.Dir) },
		Available: func(ctx context.Context, e Env) error { return open(e).available(ctx) },
	}
}

// secretItem is an item of the desktop's Secret Service. It is found by its
// attributes wherever it lies, so nothing has to be remembered, and it goes over
// the bus encrypted or not at all.
type secretItem struct {
	env    Env
	limits desktop.Limits
}

// attributes tell the item of this store from that of another. They stand on
// the disk, so the folder's name is hashed.
func (k secretItem) attributes() map[string]string {
	return map[string]string{"application": "fob", "store": storeHash(k.env.Dir)}
}

func (k secretItem) dir() string {
	if abs, err := filepath.Abs(k.env.Dir); err == nil {
		return abs
	}
	return k.env.Dir
}

// errStartable says that the service is not there, and is started once it is
// wanted.
var errStartable = errors.New("its service does not run: it is started at the next use, and may ask for its password at the desktop")

// talk has a conversation with the service. Where start is false and it does not
// run the error is errStartable, or why it cannot be started.
func (k secretItem) talk(ctx context.Context, start bool, do func(*desktop.Secrets) error) error {
	b, err := desktop.Connect(ctx, k.env.Lookup, k.limits)
	if err != nil {
		return err
	}
	defer b.Close()
	s, err := b.Secrets(ctx, start)
	absent := desktop.AbsentError("")
	if !start && errors.As(err, &absent) {
		known, unknown := b.Startable(ctx, desktop.SecretService)
		switch {
		case unknown != nil:
			return unknown
		case known:
			return errStartable
		}
	}
	if err != nil {
		return err
	}
	s.BeforeQuestion = k.beforeQuestion
	err = do(s)
	if errors.Is(err, desktop.ErrQuestion) {
		return &mendable{err, "unlock the keyring at the desktop, then run this again"}
	}
	return err
}

// beforeQuestion says what is waited for, and asks nobody where nobody may be asked.
func (k secretItem) beforeQuestion() error {
	if k.env.alone() {
		return ErrUnattended
	}
	if k.env.Notice != nil {
		k.env.Notice(fmt.Sprintf("waiting up to %s for an answer in the window of the desktop's keyring", k.limits.Person))
	}
	return nil
}

// look is talk for what starts nothing. What can be started will tell when it is
// wanted.
func (k secretItem) look(ctx context.Context, do func(*desktop.Secrets) error) error {
	err := k.talk(ctx, false, do)
	if errors.Is(err, errStartable) {
		return nil
	}
	return err
}

// note says that the person is asked, or that nobody knows yet.
func (k secretItem) note(ctx context.Context) string {
	locked := false
	err := k.talk(ctx, false, func(s *desktop.Secrets) error {
		found, err := s.Search(ctx, k.attributes())
		if len(found) > 0 {
			locked = found[0].Locked
		} else if err == nil { // it may keep to itself what is in it
			locked, err = k.usualLocked(ctx, s)
		}
		return err
	})
	switch {
	case errors.Is(err, errStartable):
		return err.Error()
	case locked:
		return "locked: asks for its password at the desktop"
	}
	return ""
}

// usualLocked says whether the default collection is there and locked.
func (k secretItem) usualLocked(ctx context.Context, s *desktop.Secrets) (bool, error) {
	at, err := s.Alias(ctx, "default")
	if err != nil {
		return false, err
	}
	return s.CollectionLocked(ctx, at)
}

// available looks whether an item can be kept here.
func (k secretItem) available(ctx context.Context) error {
	return k.look(ctx, func(s *desktop.Secrets) error {
		if err := s.Encrypt(ctx); err != nil || k.env.Settings[ownCollection] != "" {
			return err
		}
		_, err := s.Alias(ctx, "default")
		return err
	})
}

func (k secretItem) usable(ctx context.Context) error {
	return k.look(ctx, func(s *desktop.Secrets) error {
		found, err := s.Search(ctx, k.attributes())
		if err != nil || len(found) > 0 {
			return err
		}
		if locked, err := k.usualLocked(ctx, s); err == nil && locked {
			return nil // it may keep to itself what is in it
		}
		return errNoItem
	})
}

func (k secretItem) load(ctx context.Context) (text cred.Secret, err error) {
	err = k.talk(ctx, true, func(s *desktop.Secrets) error {
		found, err := k.find(ctx, s)
		if err != nil {
			return err
		}
		if err := s.Encrypt(ctx); err != nil {
			return err // before anybody is asked
		}
		if err := s.UnlockItem(ctx, found[0].Path); err != nil {
			return err
		}
		text, err = s.Read(ctx, found[0].Path)
		return err
	})
	return text, err
}

// find gives the items of this store, or errNoItem. KeePassXC shows nothing of
// what is locked, so it has its question asked first.
func (k secretItem) find(ctx context.Context, s *desktop.Secrets) ([]desktop.Found, error) {
	found, err := s.Search(ctx, k.attributes())
	if err != nil || len(found) > 0 {
		return found, err
	}
	at, err := s.Alias(ctx, "default")
	if err != nil {
		return nil, errNoItem
	}
	locked, err := s.CollectionLocked(ctx, at)
	if err == nil && !locked {
		err = errNoItem
	}
	if err == nil {
		err = s.Unlock(ctx, at)
	}
	if err != nil {
		return nil, err
	}
	if found, err = s.Search(ctx, k.attributes()); err == nil && len(found) == 0 {
		err = errNoItem
	}
	return found, err
}

// save removes what it replaces in other collections last.
func (k secretItem) save(ctx context.Context, text cred.Secret) error {
	return k.talk(ctx, true, func(s *desktop.Secrets) error {
		if err := s.Encrypt(ctx); err != nil {
			return err
		}
		at, err := k.collection(ctx, s)
		if err != nil {
			return err
		}
		kept, err := s.Keep(ctx, at, desktop.Item{Label: "fob store " + fault.Printable(k.dir()), Attributes: k.attributes(), Secret: text})
		if err != nil {
			return err
		}
		return k.clear(ctx, s, kept)
	})
}

// collection gives the unlocked collection that the settings name, or the default.
func (k secretItem) collection(ctx context.Context, s *desktop.Secrets) (desktop.Path, error) {
	at, err := k.wanted(ctx, s)
	if err != nil {
		return "", err
	}
	if at == "" {
		return s.CreateCollection(ctx, k.env.Settings[ownCollection])
	}
	locked, err := s.CollectionLocked(ctx, at)
	if err == nil && locked {
		err = s.Unlock(ctx, at)
	}
	return at, err
}

// wanted gives the collection that the settings name, "" where it is not there
// yet, or the default.
func (k secretItem) wanted(ctx context.Context, s *desktop.Secrets) (desktop.Path, error) {
	name := k.env.Settings[ownCollection]
	if name == "" {
		return s.Alias(ctx, "default")
	}
	all, err := s.Collections(ctx)
	for _, at := range all {
		label, failed := s.CollectionLabel(ctx, at)
		if failed != nil {
			return "", failed
		}
		if label == name {
			return at, nil
		}
	}
	return "", err
}

// move puts an item that lies elsewhere where the settings want it. Until both
// are there the old one stays.
func (k secretItem) move(ctx context.Context, text cred.Secret) error {
	if k.env.Settings[ownCollection] == "" {
		return nil
	}
	there := false
	err := k.talk(ctx, true, func(s *desktop.Secrets) error {
		found, err := s.Search(ctx, k.attributes())
		if err != nil {
			return err
		}
		at, err := k.wanted(ctx, s)
		there = len(found) == 1 && found[0].Collection() == at
		return err
	})
	if err != nil || there {
		return err
	}
	return k.save(ctx, text)
}

// clear removes the items of this store but for one.
func (k secretItem) clear(ctx context.Context, s *desktop.Secrets, but desktop.Path) error {
	found, err := s.Search(ctx, k.attributes())
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.Path == but {
			continue
		}
		if err := s.UnlockItem(ctx, f.Path); err != nil {
			return err
		}
		if err := s.Delete(ctx, f.Path); err != nil {
			return err
		}
	}
	return nil
}

func (k secretItem) remove(ctx context.Context) error {
	return k.talk(ctx, true, func(s *desktop.Secrets) error { return k.clear(ctx, s, "") })
}

// lock locks the collection of the item where nothing but fob's is in it. Those
// of the login are for every program, and stay open.
func (k secretItem) lock(ctx context.Context) (what string, err error) {
	err = k.look(ctx, func(s *desktop.Secrets) error {
		found, err := s.Search(ctx, k.attributes())
		if err != nil || len(found) == 0 || found[0].Locked {
			return err
		}
		at := found[0].Collection()
		if own, err := k.own(ctx, s, at); err != nil || !own {
			return err
		}
		label, err := s.CollectionLabel(ctx, at)
		if err != nil {
			return err
		}
		what = fmt.Sprintf("collection %q", label)
		return s.Lock(ctx, at)
	})
	if absent := desktop.AbsentError(""); errors.As(err, &absent) {
		return "", nil // what is not there is not open
	}
	return what, err
}

// own says whether a collection holds nothing but items of fob.
func (k secretItem) own(ctx context.Context, s *desktop.Secrets, at desktop.Path) (bool, error) {
	usual, absent := s.Alias(ctx, "default")
	if absent == nil && usual == at || slices.Contains([]string{"login", "session"}, path.Base(string(at))) {
		return false, nil
	}
	items, err := s.Items(ctx, at)
	if err != nil {
		return false, err
	}
	ours, err := s.Search(ctx, map[string]string{"application": "fob"})
	if err != nil {
		return false, err
	}
	foreign := func(item desktop.Path) bool {
		return !slices.ContainsFunc(ours, func(o desktop.Found) bool { return o.Path == item })
	}
	return !slices.ContainsFunc(items, foreign), nil
}
