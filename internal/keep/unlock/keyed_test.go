package unlock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"fob/internal/cred"
)

const vaultIdentity = "AGE-SECRET-KEY-1CANARYQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQY7UKZ"

// memory is a keeper that works, until it is told not to.
type memory struct {
	item   string
	broken error
	lies   bool // gives back something else
	saves  int
}

func (m *memory) usable(context.Context) error { return m.broken }

func (m *memory) load(context.Context) (cred.Secret, error) {
	switch {
	case m.broken != nil:
		return cred.Secret{}, m.broken
	case m.item == "":
		return cred.Secret{}, errNoItem
	case m.lies:
		return cred.NewSecret("CANARY"), nil
	}
	return cred.NewSecret(m.item + "\n"), nil
}

func (m *memory) save(_ context.Context, text cred.Secret) error {
	m.saves++
	if m.broken == nil {
		m.item = text.Reveal()
	}
	return m.broken
}

func (m *memory) remove(context.Context) error {
	m.item = ""
	return m.broken
}

func keptIn(m *memory, dir string) keyed { return keyed{kind: "desk", env: Env{Dir: dir}, keeper: m} }

// A keeper may lose its item, have another one, or not work at all.
func TestKeyedWithoutItsItem(t *testing.T) {
	t.Parallel()
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*memory)
		want   string // PATH stands for the slot's
	}{
		{"as it was", func(*memory) {}, ""},
		{"gone", func(m *memory) { m.item = "" }, "desk: it has no key for this store"},
		{"foreign", func(m *memory) { m.item = other.String() }, "PATH does not open with the key that desk has for it, or is damaged"},
		{"no key", func(m *memory) { m.item = "CANARY" }, "desk: what it has for this store is not the key of a slot"},
		{"broken", func(m *memory) { m.broken = errors.New("nobody is at home") }, "desk: nobody is at home"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, dir := &memory{}, filepath.Join(t.TempDir(), "slots")
			if err := keptIn(m, dir).Save(t.Context(), cred.NewSecret(vaultIdentity)); err != nil {
				t.Fatal(err)
			}
			c.change(m)
			got, err := keptIn(m, dir).Load(t.Context())
			want := strings.ReplaceAll(c.want, "PATH", filepath.Join(dir, "desk.age"))
			if said := text(err); said != want || c.want == "" && !got.Equal(cred.NewSecret(vaultIdentity)) {
				t.Errorf("Load: %q, want %q", said, want)
			}
		})
	}
}

// A second Save, cut off before the slot is written, must leave the slot open:
// the item is not replaced while it serves.
func TestKeyedKeepsItsItem(t *testing.T) {
	t.Parallel()
	m, dir := &memory{}, filepath.Join(t.TempDir(), "slots")
	for range 2 {
		if err := keptIn(m, dir).Save(t.Context(), cred.NewSecret(vaultIdentity)); err != nil {
			t.Fatal(err)
		}
	}
	if m.saves != 1 {
		t.Errorf("the keeper was given %d keys, want 1", m.saves)
	}
	m.item = "CANARY" // damaged: nothing opens by it, so it is replaced
	if err := keptIn(m, dir).Save(t.Context(), cred.NewSecret(vaultIdentity)); err != nil || m.saves != 2 {
		t.Errorf("Save over a damaged item: %v after %d keys", err, m.saves)
	}
}

func TestKeyedSaveFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		m    memory
		want string
	}{
		{"broken", memory{broken: errors.New("the disk is full")}, "desk: the disk is full"},
		{"loses what it is given", memory{lies: true}, "desk: it does not give back what it was given"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "slots")
			err := keptIn(&c.m, dir).Save(t.Context(), cred.NewSecret(vaultIdentity))
			if _, there := os.Stat(dir); text(err) != c.want || there == nil {
				t.Errorf("Save: %q, want %q, and no slot", text(err), c.want)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
