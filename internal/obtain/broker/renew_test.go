package broker_test

import (
	"strings"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/source"

	"github.com/google/go-cmp/cmp"
)

// A session that AWS does not take in a call of the caller's is made anew once,
// by another process if that was faster, and what has just been made is not.
func TestRenew(t *testing.T) {
	t.Parallel()
	type result struct {
		ID      string
		Renewed bool
		Calls   []string
	}
	tests := []struct {
		name  string
		set   func(*testing.T, world)
		chain chain.Chain
		again bool // it was made by this broker
		want  result
	}{
		{name: "kept", want: result{"ASIAAssumeRole1", true, words("AssumeRole")}},
		{name: "dropped by another process", set: func(t *testing.T, w world) { must(t, w.cache.Delete(w.names[1])) }, want: result{"ASIAAssumeRole1", true, words("AssumeRole")}},
		{name: "renewed by another process", set: func(t *testing.T, w world) { w.store(t, 1, "ASIAOTHER", time.Hour) }, want: result{"ASIAOTHER", true, nil}},
		{name: "just made", again: true, want: result{"ASIAAssumeRole1", false, words("AssumeRole")}},
		{name: "a stored key", chain: chain.Chain{Profile: "security", Key: "security"}, want: result{"ASIAKEPT", false, nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.store(t, 0, "ASIABASE", time.Hour)
			w.store(t, 1, "ASIAKEPT", time.Hour)
			if tt.set != nil {
				tt.set(t, w)
			}
			if tt.chain.Profile == "" {
				tt.chain = plan()
			}
			old := cred.Session{ID: "ASIAKEPT"}
			if tt.again {
				var err error
				must(t, w.cache.Delete(w.names[1]))
				old, err = w.broker.Session(t.Context(), tt.chain)
				must(t, err)
			}
			s, renewed, err := w.broker.Renew(t.Context(), tt.chain, old)
			must(t, err)
			if diff := cmp.Diff(tt.want, result{s.ID, renewed, w.aws.calls}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What is renewed before it ends, and what is not: a session lives on until its
// last tenth or the least that is wanted, whichever is more, if no person is
// needed for a new one; else until the least that is wanted.
func TestRenewedEarly(t *testing.T) {
	t.Parallel()
	const m = time.Minute
	hop := func() chain.Chain {
		c := plan()
		c.Steps = append(c.Steps, source.AssumeRole{Profile: "hop", RoleARN: roleARN, SessionName: "y", Lifetime: time.Hour})
		return c
	}
	tests := []struct {
		name      string
		chain     chain.Chain
		left      []time.Duration // of each step; 0 is not kept
		life, min time.Duration
		calls     []string
	}{
		{name: "above a tenth", left: []time.Duration{time.Hour, 61 * m}, life: 10 * time.Hour},
		{name: "below a tenth", left: []time.Duration{time.Hour, 59 * m}, life: 10 * time.Hour, calls: words("AssumeRole")},
		{name: "below the least wanted", left: []time.Duration{time.Hour, 59 * m}, life: time.Hour, min: 60 * m, calls: words("AssumeRole")},
		{name: "a person would be needed", left: []time.Duration{0, 6 * m}, life: 10 * time.Hour},
		{name: "a person would be needed soon", left: []time.Duration{4 * m, 6 * m}, life: 10 * time.Hour},
		{name: "a person is needed", left: []time.Duration{0, 4 * m}, life: 10 * time.Hour, calls: words("GetSessionToken 111111", "AssumeRole")},
		{name: "the session of the person", chain: chain.Chain{Profile: "security", Key: "security", Steps: plan().Steps[:1]}, left: []time.Duration{6 * m}, life: 10 * time.Hour},
		{name: "two roles, the first is kept", chain: hop(), left: []time.Duration{0, time.Hour, 6 * m}, life: 10 * time.Hour, calls: words("AssumeRole")},
		{name: "two roles, neither needs a person", chain: hop(), left: []time.Duration{time.Hour, 0, 6 * m}, life: 10 * time.Hour, calls: words("AssumeRole", "AssumeRole")},
		{name: "two roles over a person's session that ended", chain: hop(), left: []time.Duration{0, 0, 6 * m}, life: 10 * time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.keys.open = true
			if tt.min != 0 {
				w.broker.MinLeft = tt.min
			}
			if tt.chain.Profile == "" {
				tt.chain = plan()
			}
			w.names = chain.Names(tt.chain, keyID, w.cache.NameOf)
			for i, left := range tt.left {
				if left != 0 {
					w.storeOf(t, i, left, tt.life)
				}
			}
			_, err := w.broker.Session(t.Context(), tt.chain)
			must(t, err)
			if diff := cmp.Diff(tt.calls, w.aws.calls); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Answers whose end makes no sense: what has ended, or will not for years, is
// refused and not kept; what ends in a moment is handed to who asked, once, and
// to nobody from the cache. No run asks twice.
func TestOddEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		life time.Duration
		want string   // in the error
		runs []string // the calls of two runs
	}{
		{-time.Second, "this machine's clock may be wrong", words("GetSessionToken 111111", "GetSessionToken 222222")},
		{10 * 365 * 24 * time.Hour, "far beyond the 1h0m0s asked for", words("GetSessionToken 111111", "GetSessionToken 222222")},
		{time.Second, "", words("GetSessionToken 111111", "AssumeRole", "GetSessionToken 222222", "AssumeRole")},
	} {
		t.Run(tt.life.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.keys.open = true
			w.aws.life = tt.life
			for range 2 {
				_, err := w.broker.Session(t.Context(), plan())
				if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
			}
			if diff := cmp.Diff(tt.runs, w.aws.calls); diff != "" {
				t.Error(diff)
			}
		})
	}
}
