// Package broker walks a chain: it looks in the cache, takes the step's lock,
// looks again, and only then asks for a code or calls AWS. It does not know who
// asked for the session, nor what becomes of it.
package broker

import (
	"context"
	"errors"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/keep/cache"
	"fob/internal/obtain/mfa"
)

// Keys gives stored keys.
type Keys interface {
	// ID is the id of the key stored for a profile, known without opening the
	// store; "" where there is none.
	ID(profile string) string
	// Open makes keys readable; it may wait for another process that is asking
	// for the passphrase, or ask. Once a wait is over it calls needed again and
	// does nothing if the answer has become no.
	Open(ctx context.Context, needed func() bool) error
	// Key gives one key, or ErrShut when the store has not been opened.
	Key(ctx context.Context, profile string) (cred.AccessKey, error)
}

// ErrShut says that Key was called on a store that is not open.
var ErrShut = errors.New("the store is not open")

// Broker holds what walking a chain needs.
type Broker struct {
	Cache *cache.Cache
	// Seal keys the record of spent codes.
	Seal cred.Secret
	Keys Keys
	// Locks is the folder of the step locks.
	Locks string
	Env   source.Env
	// Driver gives the way to get a code for one device.
	Driver func(source.MFA) mfa.Driver
	// MinLeft is how long a session must still hold to be handed out.
	MinLeft time.Duration
	// Timeout bounds the wait for another process that is asking or calling.
	Timeout time.Duration
	Now     func() time.Time
	// Sleep waits, or ends early with the context's error.
	Sleep func(context.Context, time.Duration) error
	// Say tells the person something on standard error.
	Say func(format string, args ...any)
}

// walk is one chain being walked.
type walk struct {
	chain.Chain
	names []string
}

// Session gets the session at the end of c: from the cache where it still holds
// for MinLeft, else by as few steps as are missing. Errors are *fault.Error.
func (b *Broker) Session(ctx context.Context, c chain.Chain) (cred.Session, error) {
	w := walk{c, chain.Names(c, b.Keys.ID(c.Key), b.Cache.NameOf)}
	if len(c.Steps) == 0 {
		return b.stored(ctx, w)
	}
	last := len(c.Steps) - 1
	// The lock of unlocking comes before every step's lock, never inside one,
	// so that two processes cannot wait for each other. If all sessions vanish
	// between the look and the walk, the walk finds the store shut: again.
	for try := 0; ; try++ {
		if err := b.open(ctx, w); err != nil {
			return cred.Session{}, err
		}
		s, err := b.step(ctx, w, last)
		if errors.Is(err, ErrShut) && try < 3 {
			continue
		}
		return s, err
	}
}

// open makes the key readable if the walk will have to begin at the key.
func (b *Broker) open(ctx context.Context, w walk) error {
	needed := func() bool {
		for _, name := range w.names {
			if _, ok := b.kept(name); ok {
				return false
			}
		}
		return true
	}
	if !needed() {
		return nil
	}
	return b.Keys.Open(ctx, needed)
}

// stored hands out the long-term key itself: --no-session and no role.
func (b *Broker) stored(ctx context.Context, w walk) (cred.Session, error) {
	if err := b.Keys.Open(ctx, func() bool { return true }); err != nil {
		return cred.Session{}, err
	}
	key, err := b.Keys.Key(ctx, w.Key)
	if err != nil {
		return cred.Session{}, err
	}
	return key.Expose(), nil
}
