package cli

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/keep/cache"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/broker"
)

// warnClock says that AWS's clock had to be signed by: what runs with the
// session signs by this machine's.
func (k *keeper) warnClock() {
	if off := k.sys.clock.Off(); off != 0 {
		k.sys.say("this machine's clock is %s: fob signs by AWS's, and other programs will be refused; set it: sudo timedatectl set-ntp true", broker.Off(off))
	}
}

// using makes a call of fob's own with a session. A kept one that AWS takes no
// more is dropped once and made anew once, and what comes then is the answer.
func (k *keeper) using(ctx context.Context, c chain.Chain, s cred.Session, call func(cred.Session) error) (cred.Session, error) {
	k.close()
	err := call(s)
	if no := (*awsapi.Refusal)(nil); !errors.As(err, &no) || !awsapi.Ended(no.Code) {
		return s, err
	}
	renewed, ok, failed := k.walker.Renew(ctx, c, s)
	k.close()
	if failed != nil {
		return s, failed
	}
	if !ok {
		return s, err
	}
	return renewed, call(renewed)
}

// broker walks chains with what this run has.
func (k *keeper) broker(minLeft time.Duration, w wanted, keys chainKeys) *broker.Broker {
	return &broker.Broker{
		Cache: func() *cache.Cache { return k.cache }, Keys: keys, Locks: filepath.Join(k.home.Data, "locks"),
		Env:   source.Env{STS: k.recorded, Outside: k.outside(keys.in), Now: k.sys.Now},
		Trust: checkBundle, Driver: k.driver(cred.NewSecret(w.code)), Unattended: k.unattended,
		NotOwn: k.notOwn, Approver: approver{k, w}, MinLeft: minLeft, RenewUnder: k.renewUnder(), Timeout: k.timeout, Now: k.sys.Now, Sleep: k.sys.Sleep, Say: k.sys.say, Debug: k.debug,
	}
}
