package sealkey

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
)

// outcome is what a step of these tests came to: "ok" or what was wrong.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	return err.Error()
}

// A lock that knows none of the places shuts them all.
func TestLockReachesEverywhere(t *testing.T) {
	t.Parallel()
	c, dir, here := &clocks{wall: start, boot: time.Hour}, t.TempDir(), newMemory()
	saveBoth(t, again(dir, c, here))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Skip(err)
	}
	if _, err := again(link, c, here).Load(); err != nil {
		t.Fatalf("not found under another spelling: %v", err)
	}
	elsewhere := again(link, c, newMemory())
	if err := elsewhere.Forget(); err != nil {
		t.Fatal(err)
	}
	locked := again(dir, c, here)
	if diff := cmp.Diff([]Place{{Name: "place 1"}}, locked.Places()); diff != "" {
		t.Error(diff)
	}
	wantShut(t, locked)
	if len(here.held) > 0 {
		t.Errorf("%d locked keys were not removed", len(here.held))
	}
	info, err := os.Stat(filepath.Join(dir, "stamp"))
	if err != nil || info.Size() != 16 || info.Mode() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("stamp: %v, %v", info, err)
	}
	saveBoth(t, locked) // which met only the new stamp
	if _, err := again(dir, c, here).Load(); err != nil {
		t.Errorf("shut after it was unlocked again: %v", err)
	}
}

func saveBoth(t *testing.T, r *Rest) {
	t.Helper()
	_, one := r.Save(cred.NewSecret(canary))
	_, two := r.SaveIdentity(cred.NewSecret(canary))
	if err := errors.Join(one, two); err != nil {
		t.Fatal(err)
	}
}

func wantShut(t *testing.T, r *Rest) {
	t.Helper()
	if _, err := r.Load(); !errors.Is(err, ErrNone) {
		t.Errorf("the seal key opens: %v", err)
	}
	if _, err := r.LoadIdentity(); !errors.Is(err, ErrNone) {
		t.Errorf("the identity opens: %v", err)
	}
}

// A run under way does not undo a lock, whenever the lock comes.
func TestLockHoldsAgainstRunUnderWay(t *testing.T) {
	t.Parallel()
	const none, locked = "no key is at rest", "no place for the seal key: place 1: the store was locked meanwhile"
	tests := []struct {
		name string
		play func(r *Rest, m *memory, lock func()) error
		want string
	}{
		{"after it looked", func(r *Rest, _ *memory, lock func()) error {
			_, _ = r.Load()
			lock()
			return second(r.Save(cred.NewSecret(canary)))
		}, locked},
		{"after it asked", func(r *Rest, _ *memory, lock func()) error {
			_, _ = r.LoadIdentity()
			lock()
			return second(r.Save(cred.NewSecret(canary)))
		}, locked},
		{"while it saved", func(r *Rest, m *memory, lock func()) error {
			m.saved = lock
			return second(r.Save(cred.NewSecret(canary)))
		}, locked},
		{"after it saved", func(r *Rest, m *memory, lock func()) error {
			_, err := r.Save(cred.NewSecret(canary))
			lock()
			_, _ = again(r.o.DataDir, &clocks{wall: start, boot: time.Hour}, m).Load()
			return err
		}, "ok"},
		{"before it locked itself", func(r *Rest, _ *memory, lock func()) error {
			_, _ = r.Load()
			lock()
			return errors.Join(r.Forget(), second(r.Save(cred.NewSecret(canary))))
		}, locked},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, dir, m := &clocks{wall: start, boot: time.Hour}, t.TempDir(), newMemory()
			lock := func() {
				if err := again(dir, c, newMemory()).Forget(); err != nil {
					t.Error(err)
				}
			}
			if got := outcome(tt.play(again(dir, c, m), m, lock)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if len(m.held) > 0 {
				t.Error("a stale key stays")
			}
			if _, err := again(dir, c, m).Load(); outcome(err) != none {
				t.Errorf("got %v", err)
			}
		})
	}
}

func second(_ string, err error) error { return err }

// What a run saves after a lock of its own rests, and its end has not moved.
func TestSaveAfterOwnLock(t *testing.T) {
	t.Parallel()
	c, dir, m := &clocks{wall: start, boot: time.Hour}, t.TempDir(), newMemory()
	saveBoth(t, again(dir, c, m))
	c.both(5 * time.Minute)
	r := again(dir, c, m)
	if _, err := r.LoadIdentity(); err != nil {
		t.Fatal(err)
	}
	if err := r.Forget(); err != nil {
		t.Fatal(err)
	}
	wantShut(t, r)
	saveBoth(t, r)
	want := []Place{
		{Name: "place 1", Holds: "seal key", Until: start.Add(12 * time.Hour)},
		{Name: "place 1", Holds: "identity", Until: start.Add(15 * time.Minute)},
	}
	if diff := cmp.Diff(want, again(dir, c, m).Places()); diff != "" {
		t.Error(diff)
	}
	if rec, ok := decode([]byte(m.held[holdsIdentity])); !ok || rec.hard.wall != start.Add(12*time.Hour).UnixNano() {
		t.Errorf("the identity ends at %v", time.Unix(0, rec.hard.wall).UTC())
	}
}

// However often a resting identity is used, twelve hours after the passphrase
// all is shut.
func TestHardEndDoesNotSlide(t *testing.T) {
	t.Parallel()
	c, dir, m := &clocks{wall: start, boot: time.Hour}, t.TempDir(), newMemory()
	saveBoth(t, again(dir, c, m))
	for c.wall.Before(start.Add(12*time.Hour - 9*time.Minute)) {
		c.both(9 * time.Minute)
		r := again(dir, c, m)
		identity, err := r.LoadIdentity()
		if err != nil {
			t.Fatalf("%v: %v", c.wall, err)
		}
		_, one := r.Save(cred.NewSecret(canary))
		place, two := r.SaveIdentity(identity)
		if err := errors.Join(one, two); err != nil || place != "place 1" {
			t.Fatalf("%v: %q, %v", c.wall, place, err)
		}
		if left := start.Add(12 * time.Hour).Sub(c.wall); m.lasts[holdsSeal] != left || m.lasts[holdsIdentity] > left {
			t.Fatalf("the place was told %v, and %v are left", m.lasts, left)
		}
	}
	c.both(start.Add(12 * time.Hour).Sub(c.wall))
	wantShut(t, again(dir, c, m))

	r := again(dir, c, m) // whose identity a person gives
	_, _ = r.LoadIdentity()
	saveBoth(t, r)
	want := []Place{
		{Name: "place 1", Holds: "seal key", Until: start.Add(24 * time.Hour)},
		{Name: "place 1", Holds: "identity", Until: start.Add(12*time.Hour + 10*time.Minute)},
	}
	if diff := cmp.Diff(want, r.Places()); diff != "" {
		t.Error(diff)
	}
}

// Another identity than the one that rested is a person's.
func TestOtherIdentityStartsAnew(t *testing.T) {
	t.Parallel()
	c, dir, m := &clocks{wall: start, boot: time.Hour}, t.TempDir(), newMemory()
	saveBoth(t, again(dir, c, m))
	r := again(dir, c, m)
	if _, err := r.LoadIdentity(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SaveIdentity(cred.NewSecret("CANARY other")); err != nil {
		t.Fatal(err)
	}
	if got, err := again(dir, c, m).LoadIdentity(); err != nil || got.Reveal() != "CANARY other" {
		t.Errorf("the identity before it stays, %v", err)
	}
}

// What a newer fob has put there stays, and an older one's goes.
func TestOtherVersions(t *testing.T) {
	t.Parallel()
	for version, stays := range map[byte]bool{1: false, 3: true} {
		c, m := &clocks{wall: start, boot: time.Hour}, newMemory()
		r := in(t, c, m)
		saveBoth(t, r)
		for holds, text := range m.held {
			m.held[holds] = text[:4] + string(version) + text[5:]
		}
		wantShut(t, r)
		if got := len(m.held) == 2; got != stays {
			t.Errorf("version %d: %d of 2 stay", version, len(m.held))
		}
	}
}

// Where the stamp cannot be written, what can be reached is removed all the
// same; where it cannot be read, nothing opens.
func TestPartialLock(t *testing.T) {
	t.Parallel()
	c, m := &clocks{wall: start, boot: time.Hour}, newMemory()
	r := in(t, c, m)
	saveBoth(t, r)
	path := filepath.Join(r.o.DataDir, "stamp")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	wantShut(t, again(r.o.DataDir, c, m))
	if len(m.held) != 2 {
		t.Error("removed, although nobody knows whether it was locked")
	}
	why := "reading nothing"
	if places := again(r.o.DataDir, c, m).Places(); len(places) == 1 {
		why = places[0].Why
	}
	if !strings.Contains(why, path) {
		t.Errorf("the place says %q", why)
	}
	err := r.Forget()
	if err == nil || !strings.Contains(err.Error(), "the lock is only partial") || len(m.held) > 0 {
		t.Errorf("got %v, and %d keys stay", err, len(m.held))
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// A run that waited while others locked may let rest what a person opened after
// that; a lock that comes while the person types ends it as ever.
func TestAskedAfterLock(t *testing.T) {
	t.Parallel()
	c, m := &clocks{wall: start, boot: time.Hour}, newMemory()
	r := in(t, c, m)
	if _, err := r.Load(); !errors.Is(err, ErrNone) {
		t.Fatal(err)
	}
	lock := func() {
		t.Helper()
		if err := again(r.o.DataDir, c, m).Forget(); err != nil {
			t.Fatal(err)
		}
	}
	lock()
	if _, err := r.Save(cred.NewSecret(canary)); err == nil {
		t.Error("what was opened before the lock rests")
	}
	r.Asking()
	if _, err := r.Save(cred.NewSecret(canary)); err != nil {
		t.Errorf("asked for after the lock: %v", err)
	}
	r.Asking()
	lock()
	if _, err := r.Save(cred.NewSecret(canary)); err == nil {
		t.Error("what was typed before the lock rests")
	}
}

// A damaged stamp opens nothing, and a lock mends it.
func TestDamagedStamp(t *testing.T) {
	t.Parallel()
	c, m := &clocks{wall: start, boot: time.Hour}, newMemory()
	r := in(t, c, m)
	if err := os.WriteFile(filepath.Join(r.o.DataDir, "stamp"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Save(cred.NewSecret(canary)); err == nil || !strings.Contains(err.Error(), "it holds 5 bytes and not 16") {
		t.Errorf("got %v", err)
	}
	if err := again(r.o.DataDir, c, m).Forget(); err != nil {
		t.Error(err)
	}
	saveBoth(t, again(r.o.DataDir, c, m))
}

// Where there is no data directory there is nothing to lock: none is made, and
// the caller is told.
func TestLockBeforeAnything(t *testing.T) {
	t.Parallel()
	c, dir := &clocks{wall: start}, filepath.Join(t.TempDir(), "share", "fob")
	if err := again(dir, c, newMemory()).Forget(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock made %s: %v", dir, err)
	}
}

// A stamp that cannot be written as it should, because its mode or its links
// are not ours, is replaced all the same: every other login is locked.
func TestLockOverAnOddStamp(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(string) error{
		"mode":      func(path string) error { return os.Chmod(path, 0o644) },
		"hard link": func(path string) error { return os.Link(path, path+".2") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, m := &clocks{wall: start}, newMemory()
			r := in(t, c, m)
			if err := r.Forget(); err != nil {
				t.Fatal(err)
			}
			saveBoth(t, again(r.o.DataDir, c, m))
			if err := spoil(filepath.Join(r.o.DataDir, "stamp")); err != nil {
				t.Fatal(err)
			}
			// Another login, which cannot reach where the key rests.
			if err := again(r.o.DataDir, c, newMemory()).Forget(); err != nil {
				t.Fatal(err)
			}
			if _, err := again(r.o.DataDir, c, m).Load(); !errors.Is(err, ErrNone) {
				t.Errorf("the key still opens: %v", err)
			}
		})
	}
}
