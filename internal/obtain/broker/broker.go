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

// Keys gives the key that a chain begins with.
type Keys interface {
	// ID is the key's id, known without opening the store; "" where there is none.
	ID() string
	// Open makes keys readable; it may wait for another process that is asking
	// for the store, or ask. Once a wait is over it calls needed again and
	// does nothing if the answer has become no.
	Open(ctx context.Context, needed func() bool) error
	// Key gives the key, or ErrShut when the store has not been opened.
	Key(ctx context.Context) (cred.AccessKey, error)
}

// ErrShut says that Key was called on a store that is not open.
var ErrShut = errors.New("the store is not open")

// Approver asks the person at the terminal, as the guard of a chain wants it.
// Ready says whether there is anybody to ask here and now.
type Approver interface {
	Approve(context.Context, chain.Chain) error
	Ready() bool
}

// Broker holds what walking a chain needs.
type Broker struct {
	// Cache gives what is kept, asked for anew each time: opening the store may
	// put another one in its place.
	Cache func() *cache.Cache
	Keys  Keys
	// Locks is the folder of the step locks.
	Locks string
	Env   source.Env
	// Trust says why the calls to an endpoint could not be made as its settings
	// say, before a code is asked for them; nil trusts every one.
	Trust func(source.Endpoint) error
	// Driver gives the way to get a code for one device.
	Driver func(source.MFA) mfa.Driver
	// NotOwn is asked once a code was refused: it says that the user whose key
	// signs has no such device, so that no further code helps. Its answer is what
	// a person reads; nil, as function or as answer, knows nothing.
	NotOwn func(context.Context, chain.Chain, source.MFA, cred.Signer) error
	// Approver has a person agree to what a guard stands before. Without one no
	// guarded session is made.
	Approver Approver
	// Unattended bounds the wait of a run that can ask nobody for one that is
	// asking.
	Unattended time.Duration
	// MinLeft is how long a session must still hold to be handed out.
	MinLeft time.Duration
	// RenewUnder has a session renewed that holds for less, where that needs no
	// person, and in its second half only.
	RenewUnder time.Duration
	// Timeout bounds the wait for another process that is asking or calling.
	Timeout time.Duration
	Now     func() time.Time
	// Sleep waits, or ends early with the context's error.
	Sleep func(context.Context, time.Duration) error
	// Say tells the person something on standard error; Debug, if it is not nil,
	// what they have asked to see.
	Say, Debug func(format string, args ...any)

	made map[string]bool // ids of the sessions that were got from AWS, not kept ones
}

func (b *Broker) debug(format string, args ...any) {
	if b.Debug != nil {
		b.Debug(format, args...)
	}
}
