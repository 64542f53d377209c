package cli

import (
	"context"
	"errors"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/obtain/broker"
)

// session is the whole way from a profile's name to its session: the config, the
// store, the plan, and the walk. A length that AWS refuses is remembered, and the
// way is planned once more; the new plan says what it gives instead.
func (k *keeper) session(ctx context.Context, w wanted) (h handout, err error) {
	request, err := k.sys.request(w)
	if err != nil {
		return h, err
	}
	set, err := k.load()
	if err != nil {
		return h, err
	}
	k.sys.sweepAgents(k.home)
	h, err = k.sessionIn(ctx, set, request, w)
	err = k.outcome(ctx, w, h, err)
	k.afterwards(set, err)
	if err = k.refuseUnrecorded(h, err); err == nil && h.notice != "" {
		k.sys.say("%s", h.notice)
	}
	return h, k.sys.toAgent(w.profile, err)
}

// sessionIn is session in a config that need not be the one on the disk.
func (k *keeper) sessionIn(ctx context.Context, set profile.Set, request chain.Request, w wanted) (h handout, err error) {
	minLeft, err := k.minLeft()
	if err != nil {
		return h, err
	}
	in := k.inClear(set)
	kinds := source.Kinds(in)
	if h, request, err = k.grantOrRule(set, kinds, w, request); err != nil || h.session.ID != "" {
		return h, err
	}
	if err := k.openFor(ctx, set, kinds, request); err != nil {
		return h, err
	}
	if err := k.canRecord(w); err != nil {
		return h, err
	}
	plan := func(life time.Duration) (chain.Chain, error) {
		r := request
		r.Lifetime = life
		return chain.Resolve(set, kinds, k.hasKey, k.index.Refused(k.sys.Now()), r)
	}
	for try := 1; ; try++ {
		if h.chain, err = plan(request.Lifetime); err != nil {
			return h, err
		}
		k.debugChain(set, h.chain)
		if err = k.admits(w, h.chain); err == nil {
			err = k.longEnough(minLeft, h.chain, plan)
		}
		if err != nil {
			return h, err
		}
		h.broker = k.broker(minLeft.Duration, w, chainKeys{k, in, h.chain})
		h.session, err = k.walk(ctx, h.chain, w, h.broker)
		tooLong := (*broker.TooLongError)(nil)
		if err == nil || try == 2 || !errors.As(err, &tooLong) {
			return h, err
		}
		if k.index, err = k.cache.Index(); err != nil {
			return h, storeFault(err)
		}
	}
}

// walk goes the way of c, once what a person must know of it is said.
func (k *keeper) walk(ctx context.Context, c chain.Chain, w wanted, b *broker.Broker) (cred.Session, error) {
	k.warnOf(c)
	if err := k.sys.endless(c, w.code != ""); err != nil {
		return cred.Session{}, err
	}
	if (c.Key == "" || c.InClear.ID != "") && w.profile != "" && k.seal.IsZero() {
		k.sayUnkept(c)
	}
	if !w.fresh {
		return b.Session(ctx, c)
	}
	back := k.setAside(c)
	s, err := b.Session(ctx, c)
	if err != nil {
		back()
	}
	return s, err
}

// openFor opens sessions and the index, but not for a profile that no stored key
// could mend: nobody should type a passphrase to read of a mistake there.
func (k *keeper) openFor(ctx context.Context, set profile.Set, kinds []source.Kind, r chain.Request) error {
	if r.Profile == "" {
		return nil // what is in the environment needs no store
	}
	if ok, err := k.exists(); err != nil || !ok || k.unseal() {
		return err
	}
	if err := hopeless(set, kinds, r); err != nil {
		return err
	}
	err := k.open(ctx)
	if fault.CodeOf(err) != fault.Attend {
		return err
	}
	// A chain that needs no key can be walked without the store. One whose line asks
	// fob for its own profile has its key there: import leaves it so.
	c, keyless := chain.Resolve(set, kinds, func(string) bool { return false }, nil, r)
	if (keyless != nil || asksItself(c)) && set.Has(r.Profile) {
		return err
	}
	// Or a key may be stored for a name that the config does not have. Only the
	// open store knows; with nobody to open it, a mistyped name is likelier.
	return keyless
}
