package store_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/keep/lock"
	"fob/internal/keep/store"
)

// wantDamaged checks that the vault with these bytes is refused for every use
// and left as it is.
func (h home) wantDamaged(t *testing.T, data []byte) *store.DamagedError {
	t.Helper()
	write(t, h.file("vault.age"), data)
	_, err := h.open().Records(t.Context())
	damaged := (*store.DamagedError)(nil)
	if !errors.As(err, &damaged) {
		t.Fatalf("Records of %d bytes = %v, want *DamagedError", len(data), err)
	}
	if err := h.open().Put(t.Context(), record("new")); !errors.As(err, &damaged) {
		t.Fatalf("Put into %d bytes = %v, want *DamagedError", len(data), err)
	}
	if !bytes.Equal(read(t, h.file("vault.age")), data) {
		t.Fatal("a damaged vault was changed")
	}
	return damaged
}

// wantUnreadable is wantDamaged for reading alone, which is faster.
func (h home) wantUnreadable(t *testing.T, data []byte, how string) {
	t.Helper()
	write(t, h.file("vault.age"), data)
	records, err := h.open().Records(t.Context())
	if damaged := (*store.DamagedError)(nil); !errors.As(err, &damaged) || records != nil {
		t.Fatalf("%s: Records = %d, %v, want *DamagedError", how, len(records), err)
	}
}

func TestTruncatedAtEveryLength(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.put(t, "a")
	whole := read(t, h.file("vault.age"))
	for n := range whole {
		h.wantUnreadable(t, whole[:n], fmt.Sprintf("cut to %d bytes", n))
	}
	h.wantDamaged(t, append(bytes.Clone(whole), 0))
	write(t, h.file("vault.age"), whole)
	if diff := cmp.Diff([]string{"a"}, h.names(t)); diff != "" {
		t.Error(diff)
	}
}

// Every bit of the header and its nonce, and one of each byte of the content,
// which is under a single tag.
func TestEveryByteChanged(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.put(t, "a")
	whole := read(t, h.file("vault.age"))
	content := len(whole) - 4096 - 16
	for i := range whole {
		bits := []int{i % 8}
		if i < content {
			bits = []int{0, 1, 2, 3, 4, 5, 6, 7}
		}
		for _, bit := range bits {
			changed := bytes.Clone(whole)
			changed[i] ^= 1 << bit
			h.wantUnreadable(t, changed, fmt.Sprintf("bit %d of byte %d flipped", bit, i))
		}
	}
}

// What a person is told, and that they are told how to go back one change.
func TestDamage(t *testing.T) {
	t.Parallel()
	random := make([]byte, 5000)
	_, _ = rand.Read(random)
	for _, tc := range []struct {
		name  string
		data  func(h home, whole []byte) []byte
		why   string
		asked bool
	}{
		{name: "empty", data: func(home, []byte) []byte { return nil }, why: "is empty"},
		{name: "one byte", data: func(home, []byte) []byte { return []byte("a") }, why: "is not an age file, or damaged at its beginning"},
		{name: "junk", data: func(home, []byte) []byte { return []byte("junk.junk.junk.junk.junk") }, why: "is not an age file, or damaged at its beginning"},
		{name: "random", data: func(home, []byte) []byte { return random }, why: "is not an age file, or damaged at its beginning"},
		{name: "8 MiB and a byte", data: func(home, []byte) []byte { return make([]byte, 8<<20+1) }, why: "is larger than 8 MiB"},
		{name: "cut in its header", data: func(_ home, w []byte) []byte { return w[:60] }, why: "is damaged: its header was cut or changed"},
		{name: "cut in its content", data: func(_ home, w []byte) []byte { return w[:len(w)-1] }, why: "is damaged: its content was cut or changed", asked: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.put(t, "a", "b")
			*h.asked = 0
			got := h.wantDamaged(t, tc.data(h, read(t, h.file("vault.age"))))
			want := &store.DamagedError{
				Path: h.file("vault.age"), Why: tc.why,
				Next: []string{"put back the copy before the last change: cp -p " + h.file("vault.age.prev") + " " + h.file("vault.age")},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got, want := got.Error(), h.file("vault.age")+" "+tc.why; got != want {
				t.Errorf("it reads %q, want %q", got, want)
			}
			if (*h.asked > 0) != tc.asked {
				t.Errorf("asked for the identity %d times", *h.asked)
			}
			// The advice, followed: the state before, once it is accepted.
			write(t, h.file("vault.age"), read(t, h.file("vault.age.prev")))
			_, err := h.open().Records(t.Context())
			if rolled := (*store.RolledBackError)(nil); !errors.As(err, &rolled) {
				t.Errorf("Records of the copy before = %v, want *RolledBackError", err)
			}
			records, err := h.open(store.AcceptRollback()).Records(t.Context())
			if err != nil || len(records) != 1 {
				t.Errorf("the copy before: %d records, %v", len(records), err)
			}
		})
	}
}

// The vault is gone and the copy before it is not: making a new one would take
// the copy's place with the next change.
func TestMissing(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.put(t, "a")
	if err := os.Remove(h.file("vault.age")); err != nil {
		t.Fatal(err)
	}
	_, exists := h.open().Exists()
	_, list := h.open().Records(t.Context())
	for name, err := range map[string]error{
		"Exists": exists, "Records": list, "Put": h.open().Put(t.Context(), record("b")),
		"Create": store.Create(t.Context(), h.dir, h.identity, at),
	} {
		if damaged := (*store.DamagedError)(nil); !errors.As(err, &damaged) || len(damaged.Next) != 1 {
			t.Errorf("%s = %v, want *DamagedError that says how to put the copy back", name, err)
		}
	}
}

func TestOtherIdentity(t *testing.T) {
	t.Parallel()
	mine, theirs := newHome(t), newHome(t)
	mine.put(t, "mine")
	theirs.put(t, "theirs")
	got := mine.wantDamaged(t, read(t, theirs.file("vault.age")))
	if !got.Foreign || got.Why != "belongs to another identity, or its header is damaged" {
		t.Errorf("the vault of another home: %+v", got)
	}
	// The same file with the wrong identity, as after slots were swapped.
	theirs.identity = mine.identity
	_, err := theirs.open().Records(t.Context())
	if damaged := (*store.DamagedError)(nil); !errors.As(err, &damaged) || !damaged.Foreign {
		t.Errorf("a vault with the identity of another = %v", err)
	}
	theirs.identity = cred.NewSecret("CANARY")
	if _, err := theirs.open().Records(t.Context()); err == nil || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("a vault with no identity = %v", err)
	}
}

func TestRollback(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.put(t, "a")
	old := read(t, h.file("vault.age"))
	h.put(t, "b", "c")
	write(t, h.file("vault.age"), old)

	want := &store.RolledBackError{Path: h.file("vault.age"), Written: noon, Generation: 2, Remembered: 4}
	_, list := h.open().Records(t.Context())
	for name, err := range map[string]error{"Records": list, "Put": h.open().Put(t.Context(), record("d"))} {
		got := (*store.RolledBackError)(nil)
		if !errors.As(err, &got) {
			t.Fatalf("%s = %v, want *RolledBackError", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	if got, want := want.Error(), h.file("vault.age")+" is generation 2, and 4 was written here before; it was written at 2026-01-02T12:00:00Z"; got != want {
		t.Errorf("it reads %q, want %q", got, want)
	}
	if !bytes.Equal(read(t, h.file("vault.age")), old) {
		t.Error("the older vault was changed")
	}
	// Accepted once, it is the vault from then on.
	if _, err := h.open(store.AcceptRollback()).Records(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.put(t, "d")
	if diff := cmp.Diff([]string{"a", "d"}, h.names(t)); diff != "" {
		t.Error(diff)
	}
}

// Another vault of the same identity is older in effect, whatever its number.
func TestOtherVault(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	other := home{dir: filepath.Join(t.TempDir(), "fob"), identity: h.identity, asked: new(int)}
	if err := store.Create(t.Context(), other.dir, other.identity, at); err != nil {
		t.Fatal(err)
	}
	other.put(t, "a", "b")
	write(t, h.file("vault.age"), read(t, other.file("vault.age")))
	_, err := h.open().Records(t.Context())
	if rolled := (*store.RolledBackError)(nil); !errors.As(err, &rolled) || !rolled.Other {
		t.Fatalf("Records = %v, want *RolledBackError for another vault", err)
	}
	if !strings.Contains(err.Error(), "is not the vault that was last written here") {
		t.Errorf("it reads %q", err)
	}
}

// Without what was last seen, or with nonsense in its place, the vault opens.
func TestSeen(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"absent": "", "junk": "junk", "no number": strings.Repeat("a", 32), "negative": strings.Repeat("a", 32) + " -1",
		"bad id": "../../x 9", "binary": "\x00\xff",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.put(t, "a")
			if err := os.Remove(h.file("seen")); err != nil {
				t.Fatal(err)
			}
			if text != "" {
				write(t, h.file("seen"), []byte(text))
			}
			h.put(t, "b")
			if diff := cmp.Diff([]string{"a", "b"}, h.names(t)); diff != "" {
				t.Error(diff)
			}
			if fields := strings.Fields(string(read(t, h.file("seen")))); len(fields) != 2 || fields[1] != "3" {
				t.Errorf("seen holds %q, want generation 3", fields)
			}
		})
	}
}

// A lock held elsewhere ends a change in time and in words, and stops no reader.
func TestBusy(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.put(t, "a")
	l, err := lock.Acquire(t.Context(), h.file("vault.lock"), lock.Options{Now: at})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	v := h.open(store.Wait(50*time.Millisecond, nil))
	if busy := (*lock.BusyError)(nil); !errors.As(v.Put(t.Context(), record("b")), &busy) {
		t.Error("Put did not say that the vault is busy")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.Put(ctx, record("b")); !errors.Is(err, context.Canceled) {
		t.Errorf("Put after the end of its context = %v", err)
	}
	if diff := cmp.Diff([]string{"a"}, h.names(t)); diff != "" {
		t.Error(diff)
	}
}

// Whoever keeps the vault among other files of theirs has a link in its place.
// The link stays; what it leads to is replaced as a whole.
func TestLink(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.put(t, "a")
	dotfiles := filepath.Join(t.TempDir(), "dot files")
	if err := os.Mkdir(dotfiles, 0o755); err != nil {
		t.Fatal(err)
	}
	real := filepath.Join(dotfiles, "fob-vault")
	if err := os.Rename(h.file("vault.age"), real); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, h.file("vault.age")); err != nil {
		t.Fatal(err)
	}
	h.put(t, "b")
	if to, err := os.Readlink(h.file("vault.age")); to != real || err != nil {
		t.Errorf("the link leads to %q (%v)", to, err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, h.names(t)); diff != "" {
		t.Error(diff)
	}
	write(t, real, nil)
	_, err := h.open().Records(t.Context())
	want := &store.DamagedError{Path: real, Why: "is empty", Next: []string{
		"put back the copy before the last change: cp -p '" + filepath.Join(dotfiles, "vault.age.prev") + "' '" + real + "'",
	}}
	if got := (*store.DamagedError)(nil); !errors.As(err, &got) || !cmp.Equal(want, got) {
		t.Errorf("Records = %#v, want %#v", err, want)
	}
	if err := os.Remove(real); err != nil {
		t.Fatal(err)
	}
	if _, err := h.open().Records(t.Context()); err == nil || !strings.Contains(err.Error(), "is a symbolic link that leads nowhere") {
		t.Errorf("Records through a dangling link = %v", err)
	}
	if err := store.Create(t.Context(), h.dir, h.identity, at); err == nil {
		t.Error("Create took the place of a link")
	}
}
