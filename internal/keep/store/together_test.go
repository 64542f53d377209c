package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/keep/store"
)

// done is one change that took place between two moments.
type done struct {
	secret     string // "" is a removal
	begun, end time.Time
}

// Fifty put and remove one name at once. What is left is what one of them did
// that no other came after, each change is a generation, and there are not more
// removals than there was something to remove.
func TestOneName(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	var mu sync.Mutex
	var all []done
	var workers sync.WaitGroup
	for i := range 50 {
		workers.Go(func() {
			d := done{begun: time.Now()}
			var err error
			if i%2 == 0 {
				d.secret = fmt.Sprintf("CANARY/wJalrXUtnFEMI+%02d", i)
				r := record("one")
				r.Key.Secret = cred.NewSecret(d.secret)
				err = h.patient().Put(t.Context(), r)
			} else if err = h.patient().Delete(t.Context(), "one"); errors.Is(err, store.ErrNotFound) {
				return
			}
			if err != nil {
				t.Errorf("%d: %v", i, err)
				return
			}
			d.end = time.Now()
			mu.Lock()
			defer mu.Unlock()
			all = append(all, d)
		})
	}
	workers.Wait()

	left := ""
	if r, err := h.open().Record(t.Context(), "one"); err == nil {
		left = r.Key.Secret.Reveal()
	} else if !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	removals, last := 0, time.Time{}
	for _, d := range all {
		if d.secret == "" {
			removals++
		}
		if d.begun.After(last) {
			last = d.begun
		}
	}
	possible := false
	for _, d := range all {
		possible = possible || d.secret == left && !d.end.Before(last)
	}
	if !possible || removals > len(all)-removals {
		t.Errorf("left is %q after %d changes, %d of them removals: in no order of them", left, len(all), removals)
	}
	fields := strings.Fields(string(read(t, h.file("seen"))))
	if len(fields) != 2 || fields[1] != fmt.Sprint(1+len(all)) {
		t.Errorf("seen holds %q after %d changes", fields, len(all))
	}
}
