package cli

import (
	"context"
	"path/filepath"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/keep/cache"
	"fob/internal/obtain/broker"
)

// broker walks chains with what this run has.
func (k *keeper) broker(minLeft time.Duration, w wanted, keys chainKeys) *broker.Broker {
	return &broker.Broker{
		Cache: func() *cache.Cache { return k.cache }, Keys: keys, Locks: filepath.Join(k.home.Data, "locks"),
		Env:   source.Env{STS: k.recorded(keys.chain), Outside: k.outside(keys.in), Now: k.sys.Now},
		Trust: checkBundle, Driver: k.driver(cred.NewSecret(w.code)), Unattended: k.unattended,
		NotOwn: k.notOwn, Approver: approver{k, w}, MinLeft: minLeft, RenewUnder: k.renewUnder(), Timeout: k.timeout, Now: k.sys.Now, Sleep: k.sys.Sleep, Say: k.sys.say, Debug: k.debug,
	}
}

// chainKeys gives the broker the key of one chain: the stored one, or the one in
// the clear, for which no store is opened.
type chainKeys struct {
	*keeper
	in    source.InClearKind
	chain chain.Chain
}

func (c chainKeys) ID() string { return c.keyID(c.chain) }

func (c chainKeys) Open(ctx context.Context, needed func() bool) error {
	if c.chain.InClear.ID != "" {
		return nil
	}
	return c.keeper.Open(ctx, needed)
}

func (c chainKeys) Key(ctx context.Context) (cred.AccessKey, error) {
	if c.chain.InClear.ID == "" {
		return c.keeper.Key(ctx, c.chain.Key)
	}
	s, err := readInClear(c.in, c.chain.InClear)
	return cred.AccessKey{ID: s.ID, Secret: s.Secret}, err
}

// keyID is the id of the key that a chain begins with, or "".
func (k *keeper) keyID(c chain.Chain) string {
	if c.InClear.ID != "" {
		return c.InClear.ID
	}
	return k.index.Keys[c.Key].ID
}
