package cache

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/keep/lock"
)

func TestSpend(t *testing.T) {
	t.Parallel()
	dir := home(t)
	spend := func(seal cred.Secret, code string, after time.Duration) error {
		return New(dir, seal).Spend(t.Context(), at(start.Add(after)), code, 90*time.Second)
	}
	must(t, spend(seal, "123456", 0))
	for name, tt := range map[string]struct {
		seal  cred.Secret
		code  string
		after time.Duration
		want  error
	}{
		"again":                  {seal, "123456", 89 * time.Second, ErrSpent},
		"after the seal changed": {cred.NewSecret("CANARY"), "123456", 0, ErrSpent},
		"without a seal key":     {cred.Secret{}, "123456", 0, ErrSpent},
		"the clock set back":     {seal, "123456", -time.Hour, ErrSpent},
		"another code":           {seal, "123457", 0, nil},
	} {
		if err := spend(tt.seal, tt.code, tt.after); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	c := New(dir, seal)
	must(t, c.Unspend(t.Context(), at(start), "123457"))
	must(t, spend(seal, "123457", 0))
	file, err := os.ReadFile(c.spentPath())
	must(t, err)
	if bytes.Contains(file, []byte("123456")) {
		t.Error("a code stands there in the clear")
	}
	must(t, spend(seal, "123456", 90*time.Second))
	if all, err := c.spent(); err != nil || len(all) != 1 {
		t.Errorf("%d codes are kept, %v; those whose time is over go", len(all), err)
	}
	// Damage costs one refusal by AWS; what others could have written stops it.
	for n := range file {
		must(t, os.WriteFile(c.spentPath(), file[:n], 0o600))
		if all, err := c.spent(); err != nil || len(all) != 0 {
			t.Fatalf("cut to %d bytes: %v, %v", n, all, err)
		}
	}
	must(t, spend(seal, "123456", 0))
	must(t, os.Chmod(c.spentPath(), 0o644))
	unsafe := (*lock.UnsafeError)(nil)
	if err := spend(seal, "123458", 0); !errors.As(err, &unsafe) {
		t.Errorf("got %v", err)
	}
}

// Of many that spend one code at once, one may send it.
func TestSpendAtOnce(t *testing.T) {
	t.Parallel()
	dir := home(t)
	var wg sync.WaitGroup
	var won atomic.Int32
	for range 20 {
		wg.Go(func() {
			err := New(dir, seal).Spend(t.Context(), at(start), "123456", time.Minute)
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, ErrSpent) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d may send the code", won.Load())
	}
}

// Before it was made a session holds for nothing: the clock was set back.
func TestFresh(t *testing.T) {
	t.Parallel()
	made := Entry{Made: start, Session: cred.Session{Expires: start.Add(time.Hour)}}
	renews := made
	renews.Renews = true
	for name, tt := range map[string]struct {
		entry        Entry
		at           time.Duration
		holds, fresh bool
	}{
		"just made":                {made, 0, true, true},
		"a little set back":        {made, -time.Minute, true, true},
		"set back":                 {made, -time.Minute - time.Second, false, false},
		"at the least":             {made, 55 * time.Minute, true, true},
		"under the least":          {made, 55*time.Minute + 1, false, false},
		"renews, a tenth left":     {renews, 54 * time.Minute, true, true},
		"renews, less than that":   {renews, 54*time.Minute + 1, true, false},
		"renews, and was set back": {renews, -time.Hour, false, false},
	} {
		now, least := start.Add(tt.at), 5*time.Minute
		if holds, fresh := tt.entry.Holds(now, least), tt.entry.Fresh(now, least); holds != tt.holds || fresh != tt.fresh {
			t.Errorf("%s: holds %v, fresh %v", name, holds, fresh)
		}
	}
}

// What is asked for in vain is not asked for: the trial fails where the record
// would, and leaves none.
func TestMaySpend(t *testing.T) {
	t.Parallel()
	c := New(home(t), seal)
	must(t, c.MaySpend(t.Context(), at(start)))
	must(t, c.Spend(t.Context(), at(start), "123456", 90*time.Second))
	must(t, c.MaySpend(t.Context(), at(start)))
	if err := c.Spend(t.Context(), at(start), "123456", 90*time.Second); !errors.Is(err, ErrSpent) {
		t.Errorf("the trial has forgotten a code: %v", err)
	}
	must(t, c.Spend(t.Context(), at(start), "123457", 90*time.Second))
	if all, err := c.spent(); err != nil || len(all) != 2 {
		t.Errorf("%d codes are kept, %v", len(all), err)
	}
	must(t, os.Chmod(c.spentPath(), 0o644))
	unsafe := (*lock.UnsafeError)(nil)
	if err := c.MaySpend(t.Context(), at(start)); !errors.As(err, &unsafe) {
		t.Errorf("got %v", err)
	}
}
