package broker

import (
	"context"
	"fmt"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/guard"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

// guarded says whether a person must agree to step i: it is the one whose session
// leaves fob. The steps before it serve other chains too.
func (b *Broker) guarded(w walk, i int) bool {
	return w.Guard != guard.None && i == len(w.Steps)-1
}

// attended refuses, before the store is opened for it, what wants a person where
// there is none.
func (b *Broker) attended(ctx context.Context, c chain.Chain) error {
	names := b.walk(c).names
	if c.Guard == guard.None || b.isKept(names[len(names)-1]) || b.Approver != nil && b.Approver.Ready() {
		return nil
	}
	return b.approve(ctx, c)
}

// approveStep has the person agree before step i is made. The step's lock is held,
// so that runs which start together ask once.
func (b *Broker) approveStep(ctx context.Context, w walk, i int) error {
	if !b.guarded(w, i) {
		return nil
	}
	return b.approve(ctx, w.Chain)
}

func (b *Broker) approve(ctx context.Context, c chain.Chain) error {
	if c.Guard == guard.None {
		return nil
	}
	if b.Approver == nil {
		return &fault.Error{What: fault.NoCredentials(c.Profile), Why: fmt.Errorf("it is guarded (%s), and nobody can be asked here", c.Guard), Code: fault.Attend}
	}
	return b.Approver.Approve(ctx, c)
}

// asks says whether step i asks a person, and whether there is one to answer.
func (b *Broker) asks(w walk, i int) (person, ready bool) {
	ready = true
	if m := source.Device(w.Steps[i]); m.Serial != "" {
		person, ready = true, b.Driver(m).Ready()
	}
	if b.guarded(w, i) {
		person, ready = true, ready && b.Approver != nil && b.Approver.Ready()
	}
	return person, ready
}

// stored hands out the long-term key itself: --no-session and no role.
func (b *Broker) stored(ctx context.Context, c chain.Chain) (cred.Session, error) {
	if err := b.approve(ctx, c); err != nil {
		return cred.Session{}, err
	}
	if err := b.Keys.Open(ctx, func() bool { return true }); err != nil {
		return cred.Session{}, err
	}
	key, err := b.Keys.Key(ctx)
	if err != nil {
		return cred.Session{}, err
	}
	return key.Expose(), nil
}
