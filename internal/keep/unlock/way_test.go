package unlock_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/keep/unlock"
)

func TestInOrder(t *testing.T) {
	t.Parallel()
	way := func(name string, slot, asks bool) unlock.Way {
		return unlock.Way{Kind: unlock.Kind{Name: name, Asks: asks}, Slot: slot}
	}
	desk, pass, tpm := way("desk", true, false), way("passphrase", true, true), way("tpm", true, false)
	none, code := way("keyctl", false, false), way("recovery", true, true)
	for _, c := range []struct {
		name  string
		ways  []unlock.Way
		first string
		given bool
		want  string
	}{
		{"nothing", nil, "", false, ""},
		{"no slot", []unlock.Way{none}, "keyctl", false, ""},
		{"what asks nothing goes first", []unlock.Way{pass, none, desk, tpm, code}, "", false, "desk tpm passphrase"},
		{"the choice goes before it", []unlock.Way{desk, tpm, pass}, "passphrase", false, "passphrase desk tpm"},
		{"another choice", []unlock.Way{desk, tpm, pass}, "tpm", false, "tpm desk passphrase"},
		{"a choice that has no slot", []unlock.Way{desk, none, pass}, "keyctl", false, "desk passphrase"},
		{"a passphrase that was given", []unlock.Way{desk, pass}, "desk", true, "passphrase"},
		{"given, and there is none", []unlock.Way{desk, code}, "", true, "desk"},
		{"the code alone", []unlock.Way{code}, "", false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, w := range unlock.InOrder(c.ways, c.first, c.given) {
				got = append(got, w.Name)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A slot is seen without a question, and so is what is wrong with it.
func TestWays(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "slots")
	if err := open(t, "passphrase", dir, "CANARY").Save(t.Context(), cred.NewSecret(identity)); err != nil {
		t.Fatal(err)
	}
	never := errors.New("nobody asks here")
	broken := unlock.Kind{Name: "broken", Open: func(unlock.Env) unlock.Unlocker { return failing{never} }}
	var kinds []unlock.Kind
	for _, k := range unlock.Kinds() {
		if k.Asks {
			kinds = append(kinds, k)
		}
	}
	var got []string
	for _, w := range unlock.Ways(t.Context(), unlock.Env{Dir: dir, Cheap: true}, append(kinds, broken)) {
		line := w.Name
		if w.Slot {
			line += " slot"
		}
		if w.Why != nil {
			line += ": " + w.Why.Error()
		}
		got = append(got, line)
	}
	want := []string{"passphrase slot", "recovery", "broken slot: nobody asks here"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if got := unlock.First(filepath.Join(dir, "none")); got != "" {
		t.Errorf("without a folder: %q", got)
	}
	if err := unlock.SetFirst(dir, "pass"); err != nil {
		t.Fatal(err)
	}
	if got := unlock.First(dir); got != "pass" {
		t.Errorf("got %q", got)
	}
}

// Every kind says how its slot is opened without fob.
func TestRecipe(t *testing.T) {
	t.Parallel()
	env := unlock.Env{Dir: "/home/ann/.local/share/fob/slots", Lookup: func(string) (string, bool) { return "", false }}
	for _, k := range unlock.Kinds() {
		got := k.Recipe(env, "identity")
		if k.Asks != (k.Show == nil) {
			t.Errorf("%s: asks a person: %v, shows its key: %v", k.Name, k.Asks, k.Show != nil)
		}
		if got != "" && (!strings.HasSuffix(got, "age -d -o identity /home/ann/.local/share/fob/slots/"+k.Name+".age") && !strings.HasSuffix(got, " | age -d -i - -o identity /home/ann/.local/share/fob/slots/"+k.Name+".age")) {
			t.Errorf("%s: %q", k.Name, got)
		}
	}
}
