package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/audit"
	"fob/internal/keep/cache"
	"fob/internal/keep/lock"
	"fob/internal/keep/sealkey"
	"fob/internal/keep/store"
	"fob/internal/keep/unlock"
	"fob/internal/obtain/broker"
)

// keeper holds what rests on this machine for one run: the vault, and the seal
// key that opens sessions and the index. It opens the store at most
// once, and while it asks it holds the lock of unlocking until the run has what
// it came for, so that any number of other runs find the work done.
type keeper struct {
	sys     System
	g       *globals
	home    front.Home
	rest    *sealkey.Rest
	vault   *store.Vault
	timeout time.Duration
	// unattended is how long a run that can ask nobody waits for one that is
	// asking.
	unattended time.Duration

	proved     []string    // the ways that were seen to open the store in this run
	passphrase cred.Secret // that opened it in this run

	identity  cred.Secret  // zero while the vault is shut
	seal      cred.Secret  // zero while sessions are shut
	cache     *cache.Cache // without a seal key: empty, and keeps nothing
	index     cache.Index
	kept      map[string]bool // the sessions that there are, for a long list; nil: not looked
	held      *lock.Lock
	warned    bool // of what is wrong in the config
	onlyTyped bool // a code counts only if a person types it
	typed     bool // only what a person types opens the store, where there is such a way
	explained bool // what the chain warns of was printed already
	recorder  recorder
}

const (
	defaultTimeout = "5m"
	// unattendedWait is long enough for a code that is being typed elsewhere, and
	// not so long that a program without a terminal seems to hang.
	unattendedWait = 10 * time.Second
)

// newKeeper opens nothing yet.
func (s System) newKeeper(g *globals) (*keeper, error) {
	home, err := front.FindHome(s.Environ)
	if err != nil {
		return nil, &fault.Error{What: "cannot find the home directory", Why: err, Next: []string{"set HOME"}, Code: fault.Failed}
	}
	timeout, err := time.ParseDuration(cmp.Or(g.timeout, defaultTimeout))
	if err != nil || timeout <= 0 {
		return nil, &fault.Error{What: fmt.Sprintf("--timeout %q is not a duration", g.timeout), Next: []string{"write it like --timeout 5m"}, Code: fault.Usage}
	}
	s.Terminal = sync.OnceValue(s.Terminal) // a list asks for each profile
	k := &keeper{sys: s, g: g, home: home, timeout: timeout, unattended: timeout, cache: cache.New(home.Data, cred.Secret{})}
	if g.timeout == "" {
		k.unattended = unattendedWait
	}
	k.rest = sealkey.New(sealkey.Options{DataDir: home.Data, RuntimeDir: home.Runtime, UID: s.UID, Now: s.Now, NoKeyring: s.NoKeyring, AnyDisk: s.AnyDisk})
	k.vault = store.Open(home.Data, func(context.Context) (cred.Secret, error) {
		if k.identity.IsZero() {
			return k.identity, broker.ErrShut
		}
		return k.identity, nil
	}, s.Now, k.storeOptions()...)
	return k, nil
}

func (k *keeper) storeOptions() []store.Option {
	o := []store.Option{store.Version(k.sys.Version)}
	if k.g.timeout != "" {
		o = append(o, store.Wait(k.timeout, nil))
	}
	if k.g.acceptRollback {
		o = append(o, store.AcceptRollback())
	}
	return o
}

// close lets other runs go on.
func (k *keeper) close() {
	if k.held != nil {
		_ = k.held.Release()
		k.held = nil
	}
}

// exists says whether there is a vault at all.
func (k *keeper) exists() (bool, error) {
	ok, err := k.vault.Exists()
	return ok, storeFault(err)
}

// unseal makes sessions and the index readable, without asking where the seal
// key rests somewhere. ok is false where only a way in could.
func (k *keeper) unseal() (ok bool) {
	seal, err := k.rest.Load()
	if err != nil {
		return false
	}
	kept := cache.New(k.home.Data, seal)
	sum, err := k.vault.Sum()
	if err != nil {
		return false
	}
	index, err := kept.Index()
	if err != nil || index.Vault != sum {
		return false
	}
	k.seal, k.cache, k.index = seal, kept, index
	return true
}

// open makes sessions and the index readable, by a way in if it
// must. Where there is no vault it does nothing: no profile has a key then.
func (k *keeper) open(ctx context.Context) error {
	if ok, err := k.exists(); err != nil || !ok {
		return err
	}
	if k.unseal() {
		return nil
	}
	return k.unlock(ctx, func() bool { return !k.unseal() })
}

// Open is open for the broker: the vault itself must be readable.
func (k *keeper) Open(ctx context.Context, needed func() bool) error {
	if !k.identity.IsZero() {
		return nil
	}
	return k.unlock(ctx, needed)
}

// unlock gets the vault's identity: from where it rests, else by a way into the
// store, which may ask a person. It keeps the lock, so that the runs that wait behind
// it look again only when this one is done.
func (k *keeper) unlock(ctx context.Context, needed func() bool) error {
	if err := k.hold(ctx); err != nil {
		return err
	}
	// A run that changed the keys while this one waited made another seal key, under
	// which sessions have other names.
	k.unseal()
	if !needed() {
		k.close()
		return nil
	}
	identity, err := k.rest.LoadIdentity()
	if err == nil {
		err = k.fits(ctx, unlock.Kind{Name: "what rests"}, identity)
	}
	if err != nil {
		k.rest.Asking()
		if identity, err = k.ask(ctx); err != nil {
			return err
		}
	}
	return k.opened(ctx, identity)
}

// hold takes the lock of unlocking, which close gives back. A run that can ask
// nobody does not wait long for one that is asking.
func (k *keeper) hold(ctx context.Context) error {
	if k.held != nil {
		return nil
	}
	if err := k.homeThere(); err != nil {
		return err
	}
	if err := lock.MakeDir(k.home.Data); err != nil {
		return storeFault(err)
	}
	_, given, err := k.given()
	if err != nil {
		return err
	}
	wait, attended := k.timeout, given || k.sys.canAsk()
	if !attended {
		wait = k.unattended
	}
	l, err := lock.AcquireIn(ctx, filepath.Join(k.home.Data, "locks"), "unlock", lock.Options{
		Wait: wait, Now: k.sys.Now,
		Notice: func(h lock.Holder) {
			k.sys.say("waiting up to %s for %s that is opening the store or asking for a code", wait, h)
		},
	})
	if busy := (*lock.BusyError)(nil); errors.As(err, &busy) && !attended {
		return &fault.Error{
			What: "cannot open the store", Why: err,
			Next: []string{fmt.Sprintf("let %s end, or answer its question, then run this again", busy.Holder), "wait longer: --timeout 5m"},
			Code: fault.Attend,
		}
	}
	if err != nil {
		return storeFault(err)
	}
	k.held = l
	return nil
}

// homeThere refuses to make HOME itself. That of a service or of a container may
// be a name only, and what root made there nobody would find again.
func (k *keeper) homeThere() error {
	if k.home.User == "" || !strings.HasPrefix(k.home.Data, k.home.User+string(filepath.Separator)) {
		return nil
	}
	if _, err := os.Stat(k.home.User); err != nil {
		return &fault.Error{What: "cannot keep anything in the home directory", Why: err, Next: []string{"set HOME to a directory that is there"}, Code: fault.Failed}
	}
	return nil
}

// opened takes the identity into use: the seal key is derived from it and
// rested, and the index is made to tell what the vault holds.
func (k *keeper) opened(ctx context.Context, identity cred.Secret) error {
	k.identity = identity
	epoch, err := sealkey.Epoch(k.home.Data)
	if err != nil {
		return storeFault(err)
	}
	k.seal = sealkey.Derive(identity, epoch)
	k.cache = cache.New(k.home.Data, k.seal)
	if err := k.reindex(ctx); err != nil {
		return err
	}
	// Ended sessions and what no longer opens; where that fails, the next
	// unlock does it.
	_, _ = k.cache.Sweep(k.sys.Now())
	// Where neither can rest, the next run asks again; status says why.
	_, _ = k.rest.Save(k.seal)
	_, _ = k.rest.SaveIdentity(identity)
	return nil
}

// reindex writes down which profiles have a key, and which keys are being
// rotated. The sum is taken first: if the
// vault changes meanwhile, the index does not fit and is made anew.
func (k *keeper) reindex(ctx context.Context) error {
	sum, err := k.vault.Sum()
	if err != nil {
		return storeFault(err)
	}
	records, err := k.vault.Records(ctx)
	if err != nil {
		return storeFault(err)
	}
	unfinished, err := k.vault.Rotations(ctx)
	if err != nil {
		return storeFault(err)
	}
	rotations := make(map[string]cache.Rotation, len(unfinished))
	for _, r := range unfinished {
		rotations[r.Profile] = cache.Rotation{DeleteAfter: r.DeleteAfter}
	}
	keys := make(map[string]cache.KeyInfo, len(records))
	for _, r := range records {
		keys[r.Name] = cache.KeyInfo{ID: r.Key.ID, Created: r.Created}
	}
	err = k.cache.Update(ctx, k.sys.Now, func(ix *cache.Index) error {
		ix.Vault, ix.Keys, ix.Rotations, ix.Log = sum, keys, rotations, audit.Key(k.identity)
		k.index = *ix
		return nil
	})
	return storeFault(err)
}

func (k *keeper) hasKey(profile string) bool {
	_, ok := k.index.Keys[profile]
	return ok
}

// warnOf says what a person must know of a chain.
func (k *keeper) warnOf(c chain.Chain) {
	for _, text := range c.Warnings {
		if !k.explained {
			k.sys.say("%s", text)
		}
	}
}

// Key gives one stored key.
func (k *keeper) Key(ctx context.Context, profile string) (cred.AccessKey, error) {
	if k.identity.IsZero() {
		return cred.AccessKey{}, broker.ErrShut
	}
	r, err := k.vault.Record(ctx, profile)
	if errors.Is(err, store.ErrNotFound) {
		return cred.AccessKey{}, &fault.Error{What: fmt.Sprintf("no key is stored for profile %q", profile), Next: []string{"fob add " + fault.Operand(profile)}, Code: fault.Config}
	}
	return r.Key, storeFault(err)
}

// endEpoch makes every sealed session unreadable: the seal key is forgotten, the
// session files go, and the next unlock derives another key. Each is tried
// whatever becomes of the others, and what failed is told together.
func (k *keeper) endEpoch() error {
	failed := []error{k.rest.Forget()}
	// What cannot be opened can still be removed.
	_, err := cache.New(k.home.Data, k.seal).Clear(nil)
	failed = append(failed, err, sealkey.RenewEpoch(k.home.Data))
	return errors.Join(failed...)
}

// newEpoch ends every session, and what rests anywhere, since who was shut out
// may have it. This login goes on.
func (k *keeper) newEpoch(ctx context.Context) error {
	if err := k.endEpoch(); err != nil {
		return &fault.Error{
			What: "what opens the store is changed, but not every session could be ended", Why: err,
			Next: []string{"see to it that the folder can be written, then: fob lock --forget"}, Code: fault.Locked,
		}
	}
	return k.opened(ctx, k.identity)
}

// mustExist refuses to go on without a store.
func (k *keeper) mustExist() error {
	ok, err := k.exists()
	if err == nil && !ok {
		err = &fault.Error{What: "there is no store yet", Why: errors.New("none has been made: " + k.home.Data), Next: []string{"fob add PROFILE"}, Code: fault.Config}
	}
	return err
}
