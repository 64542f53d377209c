package unlock

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unicode/utf16"

	"fob/internal/cred"
)

// store is a fake of both systems' calls, in the codes of one of them.
type store struct {
	mu      sync.Mutex
	kept    map[string]kept
	windows bool
	itemState
	declines bool  // the person answers no
	is       error // what every call says
	broken   error // what state says
	asked    int
	asking   chan struct{} // if not nil: a question closes it, and waits for answer
	answer   chan struct{}
}

type kept struct {
	data, label string
	foreign     bool // another build made it
}

func (s *store) silence() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asks = false
	return nil
}

func (s *store) state() (itemState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.itemState, s.broken
}

// code picks what a system says.
func (s *store) code(mac osStatus, win syscall.Errno) error {
	if s.windows {
		return win
	}
	return mac
}

// ask stands for a window of macOS: to unlock, or to let another build in.
func (s *store) ask() error {
	if s.asked++; s.asking != nil {
		close(s.asking)
		<-s.answer
	}
	switch {
	case !s.asks:
		return errSecInteractionNotAllowed
	case s.declines:
		return errSecUserCanceled
	}
	return nil
}

// enter is what each call begins with.
func (s *store) enter() error {
	if s.is != nil {
		return s.is
	}
	if !s.locked {
		return nil
	}
	err := s.ask()
	s.locked = err != nil
	return err
}

func (s *store) find(i item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter(); err != nil {
		return err
	}
	if _, there := s.kept[i.target()]; !there {
		return s.code(errSecItemNotFound, winNotFound)
	}
	return nil
}

func (s *store) get(i item) ([]byte, error) {
	if err := s.find(i); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kept[i.target()]
	if k.foreign {
		if err := s.ask(); err != nil {
			return nil, err
		}
	}
	return []byte(k.data), nil
}

func (s *store) add(i item, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter(); err != nil {
		return err
	}
	_, there := s.kept[i.target()]
	switch {
	case s.windows && len(data) > 5*512: // CRED_MAX_CREDENTIAL_BLOB_SIZE
		return winBadStub
	case s.windows && len(utf16.Encode([]rune(i.label))) > 256: // CRED_MAX_STRING_LENGTH
		return winInvalidParameter
	case there && !s.windows:
		return errSecDuplicateItem
	}
	s.kept[i.target()] = kept{data: string(data), label: i.label}
	return nil
}

func (s *store) update(i item, data []byte) error {
	if err := s.find(i); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kept[i.target()]
	k.data = string(data)
	s.kept[i.target()] = k
	return nil
}

func (s *store) remove(i item) error {
	if err := s.find(i); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept[i.target()].foreign {
		return errSecInvalidOwnerEdit
	}
	delete(s.kept, i.target())
	return nil
}

func newStore(kind string) *store {
	return &store{kept: map[string]kept{}, windows: kind == "wincred", itemState: itemState{asks: true}}
}

func kindOf(s *store) Kind {
	open := func() items { return s }
	if s.windows {
		return wincred(open)
	}
	return keychain(open)
}

// ItemKinds gives the kinds whose store comes with a system, each on a fake of
// that store, for the contract.
func ItemKinds() []Kind { return []Kind{kindOf(newStore("keychain")), kindOf(newStore("wincred"))} }

// A store that holds the key of a slot may change in every way that a system's
// calls can tell of.
func TestItemsFail(t *testing.T) {
	t.Parallel()
	const (
		opens  = ""
		locked = "keychain: it is locked, and nobody can be asked here, as over ssh: security unlock-keychain"
		reset  = "wincred: it can no longer decrypt what it has, as after the password of this user was reset by somebody else"
		logon  = "wincred: this logon may keep nothing there, as over ssh with a key, in a service, or where a policy forbids it: sign in with a password"
		other  = "keychain: it wants to ask whether this build of fob may have the key, and nobody can be asked here, as over ssh: run fob once on the desktop and choose Always Allow"
		denied = "keychain: its question was answered with Cancel or Deny"
		none   = ": it has no key for this store"
		edit   = "keychain: another build of fob made the item: remove it in Keychain Access, where its name begins with fob store"
		junk   = ": what it has for this store is not the key of a slot"
	)
	foreign := func(s *store) {
		for account, k := range s.kept {
			k.foreign = true
			s.kept[account] = k
		}
	}
	both := func(text string) map[string]said {
		return map[string]said{"keychain": {"keychain" + text, "keychain" + text, ""}, "wincred": {"wincred" + text, "wincred" + text, ""}}
	}
	for _, c := range []struct {
		name   string
		change func(*store)
		want   map[string]said
	}{
		{"as it was", func(*store) {}, map[string]said{"keychain": {}, "wincred": {}}},
		{"gone", func(s *store) { clear(s.kept) }, both(none)},
		{"locked, unlocked on request", func(s *store) { s.locked = true }, map[string]said{"keychain": {}}},
		{"locked, declined", func(s *store) { s.locked, s.declines = true, true }, map[string]said{"keychain": {opens, denied, denied}}},
		{"locked over ssh", func(s *store) { s.itemState = itemState{locked: true} }, map[string]said{"keychain": {locked, locked, locked}}},
		{"another build, allowed", foreign, map[string]said{"keychain": {opens, opens, edit}}},
		{"another build, declined", func(s *store) { foreign(s); s.declines = true }, map[string]said{"keychain": {opens, denied, edit}}},
		{"another build, over ssh", func(s *store) { foreign(s); s.asks = false }, map[string]said{"keychain": {opens, other, edit}}},
		{"foreign data", func(s *store) {
			for account := range s.kept {
				s.kept[account] = kept{data: "CANARY\x00\xff" + strings.Repeat("CANARY", 1000)}
			}
		}, map[string]said{"keychain": {"", "keychain" + junk, ""}, "wincred": {"", "wincred" + junk, ""}}},
		{"no data", func(s *store) {
			for account := range s.kept {
				s.kept[account] = kept{}
			}
		}, map[string]said{"keychain": {"", "keychain" + junk, ""}, "wincred": {"", "wincred" + junk, ""}}},
		{"logon without credentials", func(s *store) { s.is = winNoLogonSession }, map[string]said{"wincred": {logon, logon, logon}}},
		{"reset password", func(s *store) { s.is = winBadKeyState }, map[string]said{"wincred": {reset, reset, reset}}},
		{"frameworks do not load", func(s *store) { s.broken = errors.New("loading CoreFoundation: no such file") },
			map[string]said{"keychain": {"keychain: loading CoreFoundation: no such file", "keychain: loading CoreFoundation: no such file", "keychain: loading CoreFoundation: no such file"}}},
	} {
		for kind, want := range c.want {
			t.Run(c.name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				s, env := newStore(kind), Env{Dir: filepath.Join(t.TempDir(), "slots")}
				u := kindOf(s).Open(env)
				if err := u.Save(t.Context(), cred.NewSecret(vaultIdentity)); err != nil {
					t.Fatal(err)
				}
				c.change(s)
				usable := u.Usable(t.Context())
				if s.asked > 0 {
					t.Errorf("Usable asked the person %d times", s.asked)
				}
				got, loaded := u.Load(t.Context())
				if loaded == nil && !got.Equal(cred.NewSecret(vaultIdentity)) {
					t.Error("Load gave another identity")
				}
				if got := (said{text(usable), text(loaded), text(u.Forget(t.Context()))}); got != want {
					t.Errorf("got  %+v\nwant %+v", got, want)
				}
				if _, err := u.Load(t.Context()); !errors.Is(err, ErrNoSlot) {
					t.Errorf("Load after Forget = %v, want ErrNoSlot", err)
				}
			})
		}
	}
}

// Where nobody may be asked, macOS asks nobody, and the reason is known.
func TestItemsUnattended(t *testing.T) {
	t.Parallel()
	foreign := func(s *store) {
		for account, k := range s.kept {
			k.foreign = true
			s.kept[account] = k
		}
	}
	for name, c := range map[string]struct {
		change func(*store)
		want   string
	}{
		"open":          {func(*store) {}, ""},
		"locked":        {func(s *store) { s.locked = true }, "keychain: it is locked, and nobody may be asked"},
		"another build": {foreign, "keychain: it wants to ask whether this build of fob may have the key, and nobody may be asked"},
	} {
		s, env := newStore("keychain"), Env{Dir: filepath.Join(t.TempDir(), "slots")}
		if err := kindOf(s).Open(env).Save(t.Context(), cred.NewSecret(vaultIdentity)); err != nil {
			t.Fatal(err)
		}
		c.change(s)
		env.Unattended = func() bool { return true }
		_, err := kindOf(s).Open(env).Load(t.Context())
		if text(err) != c.want || (c.want != "") != errors.Is(err, ErrUnattended) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// said is what each method of an unlocker says.
type said struct{ usable, load, forget string }

// Every code of a system reaches the person in words, and those without words
// of their own with the code.
func TestItemWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind string
		code error
		want string
	}{
		{"keychain", errSecAuthFailed, "keychain: it does not let this program have the key: the password was wrong, or another build of fob made the item"},
		{"keychain", errSecNoDefaultKeychain, "keychain: this user has no login keychain: open Keychain Access once, which makes it"},
		{"keychain", errSecNoSuchKeychain, "keychain: this user has no login keychain: open Keychain Access once, which makes it"},
		{"keychain", errSecNotAvailable, "keychain: no keychain is within reach of this process"},
		{"keychain", osStatus(-34018), "keychain: it answers with code -34018, which security error -34018 explains"},
		{"wincred", winAccessDenied, "wincred: this program is refused the access"},
		{"wincred", winServiceDisabled, "wincred: its service does not run: start VaultSvc"},
		{"wincred", winServiceStopped, "wincred: its service does not run: start VaultSvc"},
		{"wincred", winNoServer, "wincred: its service does not run: start VaultSvc"},
		{"wincred", winBadStub, "wincred: it does not take an item of this size or name"},
		{"wincred", syscall.Errno(99999), "wincred: it answers with code 99999: " + syscall.Errno(99999).Error()},
	} {
		s, env := newStore(c.kind), Env{Dir: filepath.Join(t.TempDir(), "slots")}
		s.is = c.code
		err := kindOf(s).Open(env).Save(t.Context(), cred.NewSecret(vaultIdentity))
		if text(err) != c.want {
			t.Errorf("Save with %v: %q, want %q", c.code, text(err), c.want)
		}
	}
}

// An item that is there and no key is replaced: on macOS by an update, since a
// second add is refused.
func TestItemReplaced(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"keychain", "wincred"} {
		s, env := newStore(kind), Env{Dir: filepath.Join(t.TempDir(), "slots")}
		s.kept[itemFor(env.Dir).target()] = kept{data: "CANARY"}
		u := kindOf(s).Open(env)
		if err := u.Save(t.Context(), cred.NewSecret(vaultIdentity)); err != nil {
			t.Fatal(kind, err)
		}
		if got, err := u.Load(t.Context()); err != nil || !got.Equal(cred.NewSecret(vaultIdentity)) {
			t.Errorf("%s: Load = %v", kind, err)
		}
	}
}

// The Credential Manager takes 2,560 bytes, and some programs that show them
// write UTF-16.
func TestItemSize(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"keychain", "wincred"} {
		s, env := newStore(kind), Env{Dir: filepath.Join(t.TempDir(), strings.Repeat("\U0001F511", 60), strings.Repeat("k", 200), "slots")}
		if err := kindOf(s).Open(env).Save(t.Context(), cred.NewSecret(vaultIdentity)); err != nil {
			t.Fatal(kind, err)
		}
		for account, k := range s.kept {
			if n := 2 * len(utf16.Encode([]rune(k.data))); n > 2560 || n < 2*74 {
				t.Errorf("%s: the item has %d bytes as UTF-16, want 2560 at most", kind, n)
			}
			if n := len(utf16.Encode([]rune(k.label))); n > 256 || !strings.HasPrefix(k.label, "fob store ") || len(account) != len("fob:")+16 {
				t.Errorf("%s: label %q (%d units), account %q", kind, k.label, n, account)
			}
			if strings.Contains(k.data, vaultIdentity) {
				t.Errorf("%s: the item is the identity itself", kind)
			}
		}
	}
}

// Two stores never share an item.
func TestItemsApart(t *testing.T) {
	t.Parallel()
	s, dir := newStore("keychain"), t.TempDir()
	one, two := kindOf(s).Open(Env{Dir: filepath.Join(dir, "one")}), kindOf(s).Open(Env{Dir: filepath.Join(dir, "two")})
	for _, u := range []Unlocker{one, two} {
		if err := u.Save(t.Context(), cred.NewSecret(vaultIdentity)); err != nil {
			t.Fatal(err)
		}
	}
	if err := one.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Load(t.Context()); err != nil || len(s.kept) != 1 {
		t.Errorf("the other store: %v, and %d items", err, len(s.kept))
	}
}

func TestItemsAvailable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, kind string
		change     func(*store)
		want       string
	}{
		{"empty", "keychain", func(*store) {}, ""},
		{"locked on a desktop", "keychain", func(s *store) { s.locked = true }, ""},
		{"locked over ssh", "keychain", func(s *store) { s.itemState = itemState{locked: true} }, "it is locked, and nobody can be asked here, as over ssh: security unlock-keychain"},
		{"open over ssh", "keychain", func(s *store) { s.asks = false }, ""},
		{"no keychain", "keychain", func(s *store) { s.broken = errSecNoDefaultKeychain }, "this user has no login keychain: open Keychain Access once, which makes it"},
		{"empty", "wincred", func(*store) {}, ""},
		{"no service", "wincred", func(s *store) { s.is = winServiceDisabled }, "its service does not run: start VaultSvc"},
	} {
		s := newStore(c.kind)
		c.change(s)
		if err := kindOf(s).Available(t.Context(), Env{Dir: t.TempDir()}); text(err) != c.want || s.asked > 0 {
			t.Errorf("%s, %s: %q after %d questions, want %q", c.kind, c.name, text(err), s.asked, c.want)
		}
	}
}

// A person who stops fob need not answer the window that macOS shows.
func TestItemsNotWaitedFor(t *testing.T) {
	t.Parallel()
	s, env := newStore("keychain"), Env{Dir: filepath.Join(t.TempDir(), "slots")}
	u := kindOf(s).Open(env)
	if err := u.Save(t.Context(), cred.NewSecret(vaultIdentity)); err != nil {
		t.Fatal(err)
	}
	s.locked, s.asking, s.answer = true, make(chan struct{}), make(chan struct{})
	defer close(s.answer)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := u.Load(ctx)
		done <- err
	}()
	<-s.asking
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Load = %v, want the context's end", err)
	}
}
