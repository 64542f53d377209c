package broker

import (
	"context"
	"errors"
	"strings"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/keep/cache"
	"fob/internal/obtain/awsapi"
)

// kept looks a step up in the cache. What cannot be read is not kept: what is wrong
// there is told by keep, which comes to the same place.
func (b *Broker) kept(name string) (cache.Entry, bool) {
	return b.Cache().Held(name, b.Now(), b.MinLeft)
}

func (b *Broker) isKept(name string) bool {
	_, ok := b.kept(name)
	return ok
}

// ready is a session that is kept and need not be renewed yet, or cannot be
// without a person: the session before it would have to be made anew first.
func (b *Broker) ready(w walk, i int) (cred.Session, bool) {
	e, ok := b.kept(w.names[i])
	if !ok {
		return cred.Session{}, false
	}
	fresh := e.Fresh(b.Now(), b.MinLeft) && e.Session.Left(b.Now()) >= min(b.RenewUnder, e.Session.Expires.Sub(e.Made)/2)
	return e.Session, fresh || !b.unattended(w, i)
}

// unattended says whether step i can be made without a person: it needs no code,
// and what it begins with is kept, can be made so too, or is no stored key.
func (b *Broker) unattended(w walk, i int) bool {
	if source.Device(w.Steps[i]).Serial != "" {
		return false
	}
	return i == 0 && w.Key == "" || i > 0 && (b.isKept(w.names[i-1]) || b.unattended(w, i-1))
}

// despite is what a failed renewal leaves: the kept session, where it still
// holds for MinLeft, else the failure. A refusal is an answer, and not passed
// over: who may no longer enter a role shall know it.
func (b *Broker) despite(ctx context.Context, w walk, i int, err error) (cred.Session, error) {
	e, ok := b.kept(w.names[i])
	if !ok || refused(err) || errors.Is(err, context.Canceled) || errors.Is(err, ErrShut) {
		return cred.Session{}, b.advise(ctx, w, i, err)
	}
	b.Say("the session of profile %q could not be renewed, and is used as long as it holds: %v", w.Profile, err)
	return e.Session, nil
}

func refused(err error) bool {
	r := (*awsapi.Refusal)(nil)
	return errors.As(err, &r) && r.Status < 500 && !strings.HasPrefix(r.Code, "Throttling") && r.Code != "RequestLimitExceeded"
}

// drop removes the session of step i if it is still the one that was refused:
// another process may have made a new one meanwhile. It says ErrShut when the
// walk must now begin at a key that is not open: the caller then starts again
// without holding a step's lock.
func (b *Broker) drop(ctx context.Context, w walk, i int, refused cred.Signer) error {
	release, err := b.lock(ctx, w, i)
	if err != nil {
		return err
	}
	defer release()
	if e, err := b.Cache().Load(w.names[i]); err == nil && e.Session.ID == refused.ID {
		if err := b.Cache().Delete(w.names[i]); err != nil {
			return unkept(w, err)
		}
	}
	for _, name := range w.names[:i+1] {
		if b.isKept(name) {
			return nil
		}
	}
	if w.Key == "" {
		return nil
	}
	_, err = b.Keys.Key(ctx)
	return err
}

// keep puts the session into the cache. It was got with a person's code, so a
// cache that cannot be written is told of and does not lose the session.
func (b *Broker) keep(w walk, i int, s cred.Session) {
	if b.made == nil {
		b.made = map[string]bool{}
	}
	b.made[s.ID] = true
	if w.names[i] == "" || s.Expires.IsZero() {
		return // what names no end is asked for each time
	}
	step := w.Steps[i]
	card := source.CardOf(step)
	e := cache.Entry{Name: w.names[i], Session: s, Made: b.Now(), Kind: card.Call, Owner: card.Owner, Detail: card.Detail, Renews: source.Device(step).Serial == "" && !b.guarded(w, i)}
	if w.Key != "" && w.InClear.ID == "" {
		e.KeyID = b.Keys.ID()
	}
	// Without a seal key nothing is kept, which was said at the start.
	if err := b.Cache().Store(e); err != nil && !errors.Is(err, cache.ErrNoSealKey) {
		b.Say("the session is not kept, so the next run asks again: %v", err)
	}
}

// Renew makes the session at the end of c anew, because AWS did not take old in a
// call of the caller's. renewed is false where nothing was done: a session that
// this broker has just got from AWS is not better the second time.
func (b *Broker) Renew(ctx context.Context, c chain.Chain, old cred.Session) (s cred.Session, renewed bool, err error) {
	if len(c.Steps) == 0 || old.ID == "" || b.made[old.ID] {
		return old, false, nil
	}
	b.debug("AWS does not take the kept session any more: it is dropped, and made anew once")
	if err := b.drop(ctx, b.walk(c), len(c.Steps)-1, old.Signer()); err != nil && !errors.Is(err, ErrShut) {
		return old, false, err
	}
	s, err = b.Session(ctx, c)
	return s, true, err
}

func unkept(w walk, err error) error {
	return &fault.Error{What: fault.NoCredentials(w.Profile), Why: err, Code: fault.Failed}
}
