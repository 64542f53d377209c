//go:build darwin || windows

package unlock_test

import (
	"errors"
	"path/filepath"
	"testing"

	"fob/internal/cred"
	"fob/internal/keep/unlock"
)

// The store of this system keeps what it is given. The item that this makes
// goes by a hash of the test's folder, and is removed.
func TestRealItems(t *testing.T) {
	t.Parallel()
	const first, second = "AGE-SECRET-KEY-1CANARYQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQY7UKZ",
		"AGE-SECRET-KEY-1CANARYANEWERQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ609RZG"
	for _, k := range unlock.Kinds() {
		if k.Name != "keychain" && k.Name != "wincred" {
			continue
		}
		env := unlock.Env{Dir: filepath.Join(t.TempDir(), "slots")}
		if err := k.Available(t.Context(), env); err != nil {
			t.Skipf("%s: %v", k.Name, err)
		}
		u := k.Open(env)
		defer func() {
			if err := u.Forget(t.Context()); err != nil {
				t.Errorf("Forget: %v", err)
			}
		}()
		for _, identity := range []string{first, second} {
			if err := u.Save(t.Context(), cred.NewSecret(identity)); err != nil {
				t.Fatalf("Save: %v", err)
			}
			if err := u.Usable(t.Context()); err != nil {
				t.Errorf("Usable: %v", err)
			}
			if got, err := k.Open(env).Load(t.Context()); err != nil || !got.Equal(cred.NewSecret(identity)) {
				t.Errorf("Load: %v, or another identity", err)
			}
		}
		slotOnly(t, k, env)
	}
}

// slotOnly looks at what a slot says whose item is gone, and at an item that is
// no key, which a second Save replaces.
func slotOnly(t *testing.T, k unlock.Kind, env unlock.Env) {
	t.Helper()
	if err := unlock.DropItem(k, env); err != nil {
		t.Fatal(err)
	}
	_, err := k.Open(env).Load(t.Context())
	lost := (*unlock.KeeperError)(nil)
	if !errors.As(err, &lost) || k.Open(env).Usable(t.Context()) == nil {
		t.Errorf("Load without the item: %v, want *KeeperError, and Usable to say so", err)
	}
	if err := unlock.PutItem(k, env, "CANARY"); err != nil {
		t.Fatal(err)
	}
	const identity = "AGE-SECRET-KEY-1CANARYQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQY7UKZ"
	if err := k.Open(env).Save(t.Context(), cred.NewSecret(identity)); err != nil {
		t.Errorf("Save over an item that is no key: %v", err)
	}
	if got, err := k.Open(env).Load(t.Context()); err != nil || !got.Equal(cred.NewSecret(identity)) {
		t.Errorf("Load after that: %v, or another identity", err)
	}
}
