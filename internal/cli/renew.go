package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/deliver/serve"
	"fob/internal/fault"
)

const (
	// mostAhead is how long before its end a served session is renewed: the AWS CLI
	// and boto3 ask for another one when fewer than 15 minutes are left.
	mostAhead = 20 * time.Minute
	// look is how often the clock is looked at. A timer alone would be wrong after
	// the machine has slept.
	look = 5 * time.Second
	// leastPause bounds how often clients can make fob try again, mostPause how
	// long it waits to try again by itself.
	leastPause = time.Second
	mostPause  = time.Minute
)

// renewer keeps one profile's session fresh for its endpoints. It is one
// goroutine, and the only one that gets sessions; requests read what it has put.
type renewer struct {
	sys     System
	g       *globals
	w       wanted
	current *serve.Current
	// person, if it is not nil, is held while a person is asked, who has one
	// terminal for all profiles. Where it is nil nobody is asked: the terminal is
	// the command's.
	person *sync.Mutex
	said   *once

	held  cred.Session
	ahead time.Duration
	due   time.Time
	tried time.Time
	pause time.Duration
}

// newRenewer serves first, the session that was got before anything was served. The
// profile stays as it was typed: what an agent gets is ruled by that name each time.
func (s System) newRenewer(g *globals, w wanted, c chain.Chain, first cred.Session) (*renewer, error) {
	w.code, w.fresh, w.promised = "", false, &c
	said := &once{to: s.Stderr}
	s.Stderr = said
	r := &renewer{sys: s, g: g, w: w, current: serve.NewCurrent(s.Now), said: said}
	r.ahead = min(mostAhead, c.Card().Lifetime/3)
	if r.ahead == 0 && !first.Expires.IsZero() {
		r.ahead = min(mostAhead, first.Left(s.Now())/3)
	}
	return r, r.put(first)
}

// put serves s from now on.
func (r *renewer) put(s cred.Session) error {
	r.due = time.Time{}
	if !s.Expires.IsZero() {
		r.due = s.Expires.Add(-r.ahead)
	}
	if s.ID == r.held.ID {
		// Nothing newer is to be had: what is kept cannot be renewed yet.
		r.pause = max(min(2*r.pause, mostPause), look)
	} else {
		r.held, r.pause = s, 0
	}
	return r.current.Put(s, r.w.promised.Account, r.due)
}

// run renews until ctx ends.
func (r *renewer) run(ctx context.Context) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-r.current.Wanted():
			asked = true
		case <-tick.C:
		}
		now := r.sys.Now()
		pause := r.pause
		if asked {
			pause = min(pause, leastPause)
		}
		since := now.Sub(r.tried)
		if r.due.IsZero() || now.Before(r.due) || since >= 0 && since < pause {
			continue
		}
		r.tried = now
		r.renew(ctx)
	}
}

// renew gets the next session without a person, and with one where there is one
// to be asked.
func (r *renewer) renew(ctx context.Context) {
	s, err := r.session(ctx, r.ahead, true)
	if fault.CodeOf(err) == fault.Attend {
		// What the next session would be made from may end soon, too: a new session
		// by an old one is better than none.
		s, err = r.session(ctx, 0, true)
	}
	if fault.CodeOf(err) == fault.Attend && r.person != nil && ctx.Err() == nil {
		r.current.Fail(serve.NeedsPerson)
		r.person.Lock()
		s, err = r.session(ctx, 0, false)
		r.person.Unlock()
	}
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		err = r.put(s)
	}
	if err != nil {
		r.failed(err)
		return
	}
	if r.pause == 0 {
		r.said.forget()
	}
}

// failed tells the person once, and the clients as long as it lasts.
func (r *renewer) failed(err error) {
	r.pause = max(min(2*r.pause, mostPause), look)
	trouble := serve.Failed
	if fault.CodeOf(err) == fault.Attend {
		trouble, r.pause = serve.NeedsPerson, look // another fob may get it any moment
	}
	r.current.Fail(trouble)
	until := "has ended"
	if left := r.held.Left(r.sys.Now()); left > 0 {
		until = "ends at " + r.held.Expires.Local().Format("15:04")
	}
	if trouble == serve.NeedsPerson {
		r.sys.say("the session of profile %q %s, and a person is needed for the next; in another terminal: fob exec %s -- true", r.w.profile, until, fault.Operand(r.w.profile))
		return
	}
	why := err.Error()
	if next := nextOf(err); next != "" {
		why += "; " + next
	}
	r.sys.say("the session of profile %q %s and could not be renewed: %s", r.w.profile, until, why)
}

func nextOf(err error) string {
	if f := (*fault.Error)(nil); errors.As(err, &f) && len(f.Next) > 0 {
		return f.Next[0]
	}
	return ""
}

// session goes the whole way once more, with a keeper of its own: the store may
// have been locked, and its ways in changed. ahead is how long what is kept must
// still hold; 0 is what the person has asked for.
func (r *renewer) session(ctx context.Context, ahead time.Duration, alone bool) (cred.Session, error) {
	g, sys := *r.g, r.sys
	if alone {
		g.noInput, sys.OpenTTY = true, noTTY
	}
	k, err := sys.newKeeper(&g)
	if err != nil {
		return cred.Session{}, err
	}
	defer k.close()
	if least, err := k.minLeft(); err == nil && ahead > least.Duration {
		g.minTTL = ahead.String()
	}
	h, err := k.session(ctx, r.w)
	return h.session, err
}

// admits refuses, before it is made, a session of another account than the one that
// is wanted, and one of other rights than a running command has: a profile that is
// edited meanwhile does not change what that gets.
func (k *keeper) admits(w wanted, c chain.Chain) error {
	if err := ofAccount(c, w.account); err != nil || w.promised == nil || c.SameEnd(*w.promised) {
		return err
	}
	no := &fault.Error{What: fmt.Sprintf("cannot renew the session of profile %q", w.profile), Next: []string{"start the command again"}, Code: fault.Config}
	switch {
	case w.promised.Granted && !c.Granted:
		no.Why = errors.New("the grant that it began with has ended")
	case w.promised.Key != "" && c.Key == "" && k.seal.IsZero():
		no.Why, no.Next, no.Code = errors.New("the store is locked, and it began with a stored key"), []string{"fob unlock"}, fault.Attend
	case w.promised.Key == "" && c.Key != "":
		no.Why = errors.New("it began without a stored key, and there is one for the profile now")
	default:
		no.Why = errors.New("the profile was edited and gives something else now")
	}
	return no
}

// once passes each line on one time, until it is told to forget: what is tried
// every few seconds fails with the same words.
type once struct {
	to   io.Writer
	mu   sync.Mutex
	seen map[string]bool
}

func (o *once) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for line := range strings.Lines(string(p)) {
		if o.seen[line] {
			continue
		}
		if o.seen == nil || len(o.seen) > 100 {
			o.seen = map[string]bool{}
		}
		o.seen[line] = true
		if _, err := io.WriteString(o.to, line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (o *once) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = nil
}
