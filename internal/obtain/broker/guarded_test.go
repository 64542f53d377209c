package broker_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/decide/chain"
	"fob/internal/decide/guard"
	"fob/internal/fault"

	"github.com/google/go-cmp/cmp"
)

// agreeing is a person who is asked to agree.
type agreeing struct {
	mu    sync.Mutex
	asked int
	err   error
	away  bool
}

func (a *agreeing) Ready() bool { return !a.away }

func (a *agreeing) Approve(context.Context, chain.Chain) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	return a.err
}

func guardedPlan(terminal string) chain.Chain {
	c := plan()
	c.Guard, c.Terminal = guard.Confirm, terminal
	return c
}

// A person agrees once in a terminal session, before anything is called, however
// many runs want the session at once.
func TestAgreedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agreed := &agreeing{}
	w.broker.Approver = agreed
	for _, terminal := range []string{"one", "one", "two", "", ""} {
		if _, err := w.broker.Session(t.Context(), guardedPlan(terminal)); err != nil {
			t.Fatal(err)
		}
	}
	// Without a terminal session nothing is kept, so each time is the first.
	if agreed.asked != 4 {
		t.Errorf("asked %d times, want 4", agreed.asked)
	}
	want := "GetSessionToken 111111,AssumeRole,AssumeRole,AssumeRole,AssumeRole"
	if got := strings.Join(w.aws.calls, ","); got != want {
		t.Errorf("calls: %s, want %s", got, want)
	}
}

// Near its end a guarded session is not renewed behind a person's back.
func TestGuardedIsNotRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agreed := &agreeing{}
	w.broker.Approver = agreed
	if _, err := w.broker.Session(t.Context(), guardedPlan("one")); err != nil {
		t.Fatal(err)
	}
	w.broker.MinLeft = time.Second
	w.broker.Now = func() time.Time { return noon.Add(59 * time.Minute) }
	if _, err := w.broker.Session(t.Context(), guardedPlan("one")); err != nil || agreed.asked != 1 || len(w.aws.calls) != 2 {
		t.Errorf("%v, asked %d times, calls %v", err, agreed.asked, w.aws.calls)
	}
}

// Who does not agree, and who is not there, gets nothing: nothing is called, no
// code is asked for, and the store stays shut.
func TestNotAgreed(t *testing.T) {
	t.Parallel()
	no := errors.New("no")
	for _, tt := range []struct {
		name   string
		agreed *agreeing
		key    bool // the stored key itself
		opened int
	}{
		{name: "no", agreed: &agreeing{err: no}, opened: 1},
		{name: "away", agreed: &agreeing{err: no, away: true}},
		{name: "nobody can be asked"},
		{name: "no, for the key", agreed: &agreeing{err: no}, key: true},
		{name: "nobody can be asked for the key", key: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if tt.agreed != nil {
				w.broker.Approver = tt.agreed
			}
			c := guardedPlan("one")
			if tt.key {
				c.Steps = nil
			}
			_, err := w.broker.Session(t.Context(), c)
			if tt.agreed == nil && fault.CodeOf(err) != fault.Attend || tt.agreed != nil && !errors.Is(err, no) {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff([]any{0, 0, tt.opened}, []any{len(w.aws.calls), len(w.person.asked), w.keys.opened}); diff != "" {
				t.Errorf("calls, codes, openings of the store: %s", diff)
			}
		})
	}
}
