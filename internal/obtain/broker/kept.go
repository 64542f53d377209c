package broker

import (
	"fmt"

	"fob/internal/cred"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/keep/cache"
)

// kept looks a step up in the cache.
func (b *Broker) kept(name string) (cache.Entry, bool) {
	if name == "" {
		return cache.Entry{}, false
	}
	e, err := b.Cache.Load(name)
	return e, err == nil && e.Session.Left(b.Now()) >= b.MinLeft
}

// ready is a session that is kept and need not be renewed yet, or cannot be
// without a person.
func (b *Broker) ready(w walk, i int) (cred.Session, bool) {
	e, ok := b.kept(w.names[i])
	if !ok {
		return cred.Session{}, false
	}
	if e.Fresh(b.Now(), b.MinLeft) {
		return e.Session, true
	}
	if i == 0 {
		return e.Session, true
	}
	_, base := b.kept(w.names[i-1])
	return e.Session, !base
}

// keep puts the session into the cache. It was got with a person's code, so a
// cache that cannot be written is told of and does not lose the session.
func (b *Broker) keep(w walk, i int, s cred.Session) {
	if w.names[i] == "" {
		return
	}
	e := cache.Entry{Name: w.names[i], Session: s, Made: b.Now(), Kind: operation(w.Steps[i]), Renews: device(w.Steps[i]).Serial == ""}
	if o, ok := w.Steps[i].(source.Owned); ok {
		e.Owner = o.Owner()
	}
	switch step := w.Steps[i].(type) {
	case source.AssumeRole:
		e.Detail = step.RoleARN
	case source.SessionToken:
		e.Detail = step.Device.Serial
	}
	if err := b.Cache.Store(e); err != nil {
		b.Say("the session is not kept, so the next run asks again: %v", err)
	}
}

func unkept(w walk, err error) error {
	return &fault.Error{What: fmt.Sprintf("cannot get credentials for profile %q", w.Profile), Why: err, Code: fault.Failed}
}
