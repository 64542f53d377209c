package broker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"fob/internal/fault"
	"fob/internal/keep/lock"
)

// lock takes the step's lock. Waiting for it means waiting for a process that
// is asking a person or calling AWS for the very session that is wanted here.
func (b *Broker) lock(ctx context.Context, w walk, i int) (release func(), err error) {
	if w.names[i] == "" {
		return func() {}, nil
	}
	if err := lock.MakeDir(b.Locks); err != nil {
		return nil, unkept(w, err)
	}
	l, err := lock.Acquire(ctx, filepath.Join(b.Locks, w.names[i]), lock.Options{
		Wait: b.Timeout, Now: b.Now,
		Notice: func(h lock.Holder) {
			b.Say("waiting for another fob (pid %d) to get the same session for profile %q", h.PID, w.Profile)
		},
	})
	if err != nil {
		return nil, waitFault(w.Profile, err)
	}
	return func() { _ = l.Release() }, nil
}

func waitFault(profile string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	f := &fault.Error{What: fmt.Sprintf("cannot get credentials for profile %q", profile), Why: err, Code: fault.Failed}
	stuck, busy := (*lock.StuckError)(nil), (*lock.BusyError)(nil)
	switch {
	case errors.As(err, &stuck):
		f.Next = []string{fmt.Sprintf("end that process: kill %d", stuck.Holder.PID)}
	case errors.As(err, &busy):
		f.Next = []string{"answer its question, or end it", "wait longer: --timeout 10m"}
	}
	return f
}
