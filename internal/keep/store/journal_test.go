package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"fob/internal/cred"
	"fob/internal/keep/store"
)

func rotation(profile string) store.Rotation {
	return store.Rotation{
		Profile: profile, Began: noon, Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/ann",
		Old: record(profile).Key, New: cred.AccessKey{ID: "AKIANEW", Secret: cred.NewSecret("CANARY-new")},
	}
}

func (h home) rotations(t *testing.T) []store.Rotation {
	t.Helper()
	got, err := h.open().Rotations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func wantRotations(t *testing.T, h home, want ...store.Rotation) {
	t.Helper()
	if diff := cmp.Diff(want, h.rotations(t), byText, cmpopts.IgnoreUnexported(store.Rotation{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("rotations (-want +got):\n%s", diff)
	}
}

func TestRotationIsWritten(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.put(t, "a", "b")
	intent, pending, waits := rotation("a"), rotation("a"), rotation("b")
	intent.New = cred.AccessKey{}
	waits.DeleteAfter, waits.Grace = noon.Add(24*time.Hour), 24*time.Hour
	for _, r := range []store.Rotation{intent, waits, pending} {
		if err := h.open().WriteRotation(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	wantRotations(t, h, pending, waits)
	if got, err := h.open().Rotation(t.Context(), "a"); err != nil || got == nil || got.New.ID != pending.New.ID {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := h.open().Rotation(t.Context(), "c"); err != nil || got != nil {
		t.Errorf("got %v, %v for a profile without", got, err)
	}
	// Whoever else writes keeps it; who removes the key removes it.
	h.put(t, "c")
	if err := h.open().Delete(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	wantRotations(t, h, pending)
	if err := h.open().EndRotation(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	wantRotations(t, h)
}

func TestSwapKey(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.put(t, "a")
	r := rotation("a")
	if err := h.open().SwapKey(t.Context(), "a", "AKIAOTHER", r.New); !errors.Is(err, store.ErrChanged) {
		t.Errorf("a key that somebody else stored was replaced: %v", err)
	}
	if err := h.open().SwapKey(t.Context(), "nobody", r.Old.ID, r.New); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if err := h.open().SwapKey(t.Context(), "a", r.Old.ID, r.New); err != nil {
		t.Fatal(err)
	}
	got, err := h.open().Record(t.Context(), "a")
	if diff := cmp.Diff(store.Record{Name: "a", Key: r.New, Created: noon}, got, byText); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}
