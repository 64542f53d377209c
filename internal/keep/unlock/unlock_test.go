package unlock_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

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

// What every kind must tell of itself. Two options of one name would be one flag.
func TestKinds(t *testing.T) {
	t.Parallel()
	kinds, options := map[string]bool{}, map[string]bool{}
	for _, k := range unlock.Kinds() {
		if k.Name == "" || k.Help == "" || k.Open == nil || kinds[k.Name] {
			t.Errorf("%q has no name of its own, no help, or no way to open", k.Name)
		}
		if k.Asks == (k.Available != nil) {
			t.Errorf("%s: what is typed is always available, and nothing else is", k.Name)
		}
		kinds[k.Name] = true
		for _, o := range k.Options {
			if o.Name == "" || o.Help == "" || options[o.Name] {
				t.Errorf("%s: option %q has no name of its own, or no help", k.Name, o.Name)
			}
			options[o.Name] = true
		}
	}
}

// Every kind has a test that runs the contract on it: those that need something
// of the system beside the calls to it, the others above.
func TestContractRunsOnEveryKind(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "unlocktest.Run") {
			tests.Write(text)
		}
	}
	for _, k := range unlock.Kinds() {
		if k.Available != nil && !strings.Contains(tests.String(), `"`+k.Name+`"`) {
			t.Errorf("no test that runs the contract names %s", k.Name)
		}
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
