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

// handout is what came of a request for credentials, with all that is told, recorded
// or done of it afterwards.
type handout struct {
	chain   chain.Chain
	session cred.Session
	broker  *broker.Broker // that makes the session anew; nil where a grant gave it
	grant   string         // that gave it, or ""
	gives   string         // what an agent gets of the profile, in a word
	notice  string         // said with an agent's session, or ""
}

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
// A grant is made once.
func (k *keeper) using(ctx context.Context, h handout, call func(cred.Session) error) (cred.Session, error) {
	k.close()
	err := call(h.session)
	if no := (*awsapi.Refusal)(nil); h.broker == nil || !errors.As(err, &no) || !awsapi.Ended(no.Code) {
		return h.session, err
	}
	renewed, ok, failed := h.broker.Renew(ctx, h.chain, h.session)
	k.close()
	if failed != nil {
		return h.session, failed
	}
	if !ok {
		return h.session, err
	}
	return renewed, call(renewed)
}
