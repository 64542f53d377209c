package broker

import (
	"context"
	"errors"
	"slices"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/obtain/awsapi"
)

// walk is one chain being walked, with the name of each step.
type walk struct {
	chain.Chain
	names []string
	// dropped are the steps whose kept session AWS did not take in this run.
	dropped map[int]bool
}

// Session gets the session at the end of c: from the cache where it still holds
// for MinLeft, else by as few steps as are missing. Errors are *fault.Error.
func (b *Broker) Session(ctx context.Context, c chain.Chain) (cred.Session, error) {
	if len(c.Steps) == 0 {
		return b.stored(ctx, c)
	}
	if err := b.attended(ctx, c); err != nil {
		return cred.Session{}, err
	}
	// The lock of unlocking comes before every step's lock, never inside one,
	// so that two processes cannot wait for each other. If all sessions vanish
	// between the look and the walk, the walk finds the store shut: again.
	dropped := map[int]bool{}
	for range 4 {
		if err := b.open(ctx, c); err != nil {
			return cred.Session{}, err
		}
		w := b.walk(c) // after open, which may have found another key
		w.dropped = dropped
		s, err := b.step(ctx, w, len(c.Steps)-1)
		if !errors.Is(err, ErrShut) {
			return s, err
		}
	}
	return cred.Session{}, &fault.Error{
		What: fault.NoCredentials(c.Profile), Why: ErrShut,
		Next: []string{"open it first: fob unlock"}, Code: fault.Locked,
	}
}

func (b *Broker) walk(c chain.Chain) walk {
	return walk{Chain: c, names: chain.Names(c, b.Keys.ID(), b.Cache().NameOf)}
}

// open makes the key readable if the walk will have to begin at a key.
func (b *Broker) open(ctx context.Context, c chain.Chain) error {
	needed := func() bool { return c.Key != "" && !slices.ContainsFunc(b.walk(c).names, b.isKept) }
	if !needed() {
		return nil
	}
	return b.Keys.Open(ctx, needed)
}

// step gives the session of step i, by the steps before it where they are
// missing too. Locks are taken from the last step towards the first, in every
// process alike.
func (b *Broker) step(ctx context.Context, w walk, i int) (cred.Session, error) {
	if s, ok := b.ready(w, i); ok {
		b.debug("step %d of %d: a kept session serves: %s", i+1, len(w.Steps), w.Steps[i].Describe())
		return s, nil
	}
	release, err := b.lock(ctx, w, i)
	if err != nil {
		return cred.Session{}, err
	}
	defer release()
	if s, ok := b.ready(w, i); ok {
		return s, nil
	}
	s, signer, err := b.fetch(ctx, w, i)
	if b.stale(w, i, err) {
		// The session before this one was taken back or ended early. It is
		// dropped once and made anew once; a second refusal is the answer, also
		// where the walk had to begin again to open the store.
		w.dropped[i-1] = true
		if err = b.drop(ctx, w, i-1, signer); err == nil {
			if s, ok := b.ready(w, i); ok {
				return s, nil // it cannot be renewed without a person now
			}
			s, _, err = b.fetch(ctx, w, i)
		}
	}
	if err != nil {
		return b.despite(ctx, w, i, err)
	}
	b.keep(w, i, s)
	return s, nil
}

// fetch makes the exchange of step i, with a code where the step needs one, and
// tells what it signed with.
func (b *Broker) fetch(ctx context.Context, w walk, i int) (cred.Session, cred.Signer, error) {
	if b.Trust != nil {
		if err := b.Trust(source.CardOf(w.Steps[i]).Endpoint); err != nil {
			return cred.Session{}, cred.Signer{}, err
		}
	}
	if err := b.approveStep(ctx, w, i); err != nil {
		return cred.Session{}, cred.Signer{}, err
	}
	signer, err := b.signer(ctx, w, i)
	if err != nil {
		return cred.Session{}, signer, err
	}
	in := source.Input{Signer: signer}
	begun := b.Now()
	defer func() {
		b.debug("step %d of %d: asked in %s: %s", i+1, len(w.Steps), b.Now().Sub(begun).Round(time.Millisecond), w.Steps[i].Describe())
	}()
	if source.Device(w.Steps[i]).Serial != "" {
		s, err := b.withCode(ctx, w, i, in)
		return s, signer, err
	}
	s, err := w.Steps[i].Fetch(ctx, b.Env, in)
	return s, signer, err
}

// signer is what step i signs with: the session before it, the stored key, or
// nothing where the chain begins by itself.
func (b *Broker) signer(ctx context.Context, w walk, i int) (cred.Signer, error) {
	switch {
	case i > 0:
		s, err := b.step(ctx, w, i-1)
		return s.Signer(), err
	case w.Key == "":
		return cred.Signer{}, nil
	}
	key, err := b.Keys.Key(ctx)
	return key.Signer(), err
}

// stale says whether AWS no longer takes the kept session that step i signed with.
func (b *Broker) stale(w walk, i int, err error) bool {
	r, advised := (*awsapi.Refusal)(nil), (*fault.Error)(nil)
	if errors.As(err, &advised) {
		return false // the failure of a step before this one
	}
	if i == 0 || w.names[i-1] == "" || w.dropped[i-1] || !errors.As(err, &r) || r.Op != source.CardOf(w.Steps[i]).Call {
		return false
	}
	return awsapi.Ended(r.Code)
}
