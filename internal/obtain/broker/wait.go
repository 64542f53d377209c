package broker

import (
	"context"
	"errors"
	"fmt"

	"fob/internal/fault"
	"fob/internal/keep/lock"
)

// lock takes the step's lock. Waiting for it means waiting for a process that
// is asking a person or calling AWS for the very session that is wanted here.
func (b *Broker) lock(ctx context.Context, w walk, i int) (release func(), err error) {
	if w.names[i] == "" {
		return func() {}, nil
	}
	wait, attended := b.Timeout, true
	if person, ready := b.asks(w, i); person && !ready {
		wait, attended = min(wait, b.Unattended), false
	}
	l, err := lock.AcquireIn(ctx, b.Locks, w.names[i], lock.Options{
		Wait: wait, Now: b.Now,
		Notice: func(h lock.Holder) {
			b.Say("waiting up to %s for %s to get the same session for profile %q", fault.Lasting(wait), h, w.Profile)
		},
	})
	if err != nil {
		return nil, waitFault(w.Profile, err, attended)
	}
	return func() { _ = l.Release() }, nil
}

func waitFault(profile string, err error, attended bool) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	f := &fault.Error{What: fault.NoCredentials(profile), Why: err, Code: fault.Failed}
	stuck, busy := (*lock.StuckError)(nil), (*lock.BusyError)(nil)
	switch {
	case errors.As(err, &stuck):
		f.Next = []string{fmt.Sprintf("end that process: kill %d", stuck.Holder.PID)}
	case errors.As(err, &busy) && !attended:
		f.Code = fault.Attend
		f.Next = []string{fmt.Sprintf("let %s end, or answer its question, then run this again", busy.Holder), "wait longer: --timeout 5m"}
	case errors.As(err, &busy):
		f.Next = []string{"answer its question, or end it", "wait longer: --timeout 10m"}
	}
	return f
}
