package broker

import (
	"context"
	"errors"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/keep/cache"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/mfa"
)

const (
	// codeStep is how long a device shows one code (RFC 6238, X = 30 s).
	codeStep = 30 * time.Second
	// codeMemory is how long a code could still be taken by AWS: its own step
	// and one on either side.
	codeMemory = 3 * codeStep
	// codeTries bounds how often a person is asked again.
	codeTries = 3
)

// withCode asks for a code and sends it, again while AWS says that it is wrong
// and a person is there to read the device anew.
func (b *Broker) withCode(ctx context.Context, w walk, i int, in source.Input) (cred.Session, error) {
	m, card := source.Device(w.Steps[i]), source.CardOf(w.Steps[i])
	driver := b.Driver(m)
	q := mfa.Question{Serial: m.Serial, Profile: w.Profile, Why: card.Opens, Host: card.Endpoint.URL}
	for q.Attempt = 1; ; q.Attempt++ {
		code, err := b.unspent(ctx, driver, q)
		if err != nil {
			return cred.Session{}, err
		}
		in.Code = code
		s, err := w.Steps[i].Fetch(ctx, b.Env, in)
		b.takeBack(ctx, code, err)
		if wrongCode(err) && q.Attempt == 1 {
			if other := b.notOwn(ctx, w, i, in.Signer); other != nil {
				return cred.Session{}, other
			}
		}
		if !wrongCode(err) || !driver.Interactive() || q.Attempt == codeTries {
			return s, err
		}
		q.Problem = "AWS did not take that code: it was mistyped, is too old, or was used before. Wait for the next one"
	}
}

// takeBack lets a code be used that never left this machine: the connection was
// refused, or the host has no address. In every other case it stays spent.
func (b *Broker) takeBack(ctx context.Context, code string, err error) {
	if gone := (*awsapi.UnreachableError)(nil); errors.As(err, &gone) && gone.Unsent {
		_ = b.Cache().Unspend(context.WithoutCancel(ctx), b.Now, code) // it costs a wait for the next code
	}
}

// notOwn says that the user has no such device, where a user's key signs: AWS calls
// every code of it wrong.
func (b *Broker) notOwn(ctx context.Context, w walk, i int, signer cred.Signer) error {
	if i > 0 || w.Key == "" || b.NotOwn == nil {
		return nil
	}
	return b.NotOwn(ctx, w.Chain, source.Device(w.Steps[i]), signer)
}

// unspent gets a code that no process of this machine has sent, and records it
// as spent before it is sent: a crash must not send it twice.
func (b *Broker) unspent(ctx context.Context, driver mfa.Driver, q mfa.Question) (string, error) {
	if err := b.Cache().MaySpend(ctx, b.Now); err != nil {
		return "", err // of many runs that wait, each would ask before it knew
	}
	for try := 0; ; try++ {
		code, err := driver.Code(ctx, q)
		if err != nil {
			return "", err
		}
		err = b.spend(ctx, code)
		if err == nil || !errors.Is(err, cache.ErrSpent) {
			return code, err
		}
		if try == codeTries {
			return "", &fault.Error{
				What: "cannot use that MFA code", Why: cache.ErrSpent,
				Next: []string{"wait for the next code of " + q.Serial + " and run the command again"},
				Code: fault.Attend,
			}
		}
		q.Problem = "That code was used already. Type the next one"
		if try == 0 && !driver.Interactive() {
			continue // a code that was given once has no next one: the driver says so
		}
		if err := b.awaitStep(ctx); err != nil {
			return "", err
		}
	}
}

// awaitStep waits until devices show the next code.
func (b *Broker) awaitStep(ctx context.Context) error {
	left := codeStep - time.Duration(b.Now().UnixNano())%codeStep
	b.Say("that code was used already; the next one comes in %d s", int(left/time.Second)+1)
	return b.Sleep(ctx, left)
}

// spend records a code, or says cache.ErrSpent.
func (b *Broker) spend(ctx context.Context, code string) error {
	return b.Cache().Spend(ctx, b.Now, code, codeMemory)
}

func wrongCode(err error) bool {
	r := (*awsapi.Refusal)(nil)
	return errors.As(err, &r) && r.Code == "AccessDenied" && contains(r.Message, "MultiFactorAuthentication failed")
}
