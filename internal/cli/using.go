package cli

import (
	"context"
	"errors"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/broker"
)

// afterwards says what a run has found beside its session, and renews what was
// made from the config.
func (k *keeper) afterwards(set profile.Set, err error) {
	k.warn(set, err)
	k.warnClock()
	k.renewSDKConfig(set)
}

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
