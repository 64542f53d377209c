package unlock_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/keep/unlock"
	"fob/internal/keep/unlock/unlocktest"
)

// Every kind on the list that needs nothing of the system keeps the contract,
// and so does one whose keeper is this process. The others have their own tests.
func TestContract(t *testing.T) {
	t.Parallel()
	t.Run("keyed", func(t *testing.T) {
		t.Parallel()
		keepers := sync.Map{}
		unlocktest.Run(t, func(_ *testing.T, env unlock.Env) unlock.Unlocker {
			made, _ := keepers.LoadOrStore(env.Dir, unlock.Remembering())
			return made.(func(unlock.Env) unlock.Unlocker)(env)
		})
	})
	for _, k := range unlock.Kinds() {
		if k.Available != nil {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			unlocktest.Run(t, func(_ *testing.T, env unlock.Env) unlock.Unlocker { return k.Open(env) })
		})
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	var got []string
	for _, k := range unlock.Kinds() {
		if k.Available != nil {
			continue
		}
		line := k.Name
		for _, o := range k.Options {
			line += fmt.Sprintf(" [%s %s]", o.Name, o.Env)
			if o.Help == "" || o.Name == "" && o.Env == "" {
				t.Errorf("%s: option %+v has no help, or neither flag nor variable", k.Name, o)
			}
		}
		if k.Help == "" {
			t.Errorf("%s has no help", k.Name)
		}
		got = append(got, line)
	}
	want := []string{
		"passphrase [passphrase-fd ] [ FOB_PASSPHRASE] [ AWS_VAULT_FILE_PASSPHRASE]",
		"recovery",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// vaultIdentity opens nothing anywhere.
const vaultIdentity = "AGE-SECRET-KEY-1CANARYQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQY7UKZ"

func kindNamed(t *testing.T, name string) unlock.Kind {
	t.Helper()
	for _, k := range unlock.Kinds() {
		if k.Name == name {
			return k
		}
	}
	t.Fatalf("no kind %q", name)
	return unlock.Kind{}
}

// open gives a kind whose questions all get the same answer.
func open(t *testing.T, kind, dir, answer string) unlock.Unlocker {
	t.Helper()
	return kindNamed(t, kind).Open(unlock.Env{Dir: dir, Cheap: true, Ask: answering(answer)})
}

func answering(answer string) func(context.Context, unlock.Question) (cred.Secret, error) {
	return func(context.Context, unlock.Question) (cred.Secret, error) { return cred.NewSecret(answer), nil }
}

// failing is an unlocker of which nothing works.
type failing struct{ err error }

func (f failing) Usable(context.Context) error              { return f.err }
func (f failing) Load(context.Context) (cred.Secret, error) { return cred.Secret{}, f.err }
func (f failing) Save(context.Context, cred.Secret) error   { return f.err }
func (f failing) Forget(context.Context) error              { return f.err }
