package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"fob/internal/fault"
	"fob/internal/keep/unlock"
)

// needs says what the recipe of a way takes, beside age.
func needs(name string) string {
	switch name {
	case "secret-service":
		return "; secret-tool is in the package libsecret-tools (Debian), libsecret (others)"
	case "keyctl":
		return "; keyctl is in the package keyutils"
	case "pass":
		return "; pass is in the package pass"
	case "plugin":
		return "; its program has to be on PATH"
	case recoveryKind:
		return "; age wants it as it was printed, in capitals and with hyphens"
	}
	return ""
}

// runRecover prints how the keys are read without fob, with the paths of this
// store.
func (s System) runRecover(ctx context.Context, g *globals) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# The store opens without fob, with the stock age tool (https://age-encryption.org,\n# package age). One of the commands below gives the identity, the last the keys as\n# JSON. The files that they write are for nobody else:\numask 077\n")
	vault, identity := filepath.Join(k.home.Data, "vault.age"), "identity"
	n := 0
	for _, w := range unlock.Ways(ctx, k.unlockEnv(nil), unlock.Kinds()) {
		if !w.Slot {
			continue
		}
		n++
		recipe := w.Recipe(k.unlockEnv(nil), identity)
		if recipe == "" {
			recipe = "# (no program of this system shows what it keeps)"
		}
		fmt.Fprintf(&b, "\n# By %s, %s%s:\n%s\n", w.Name, w.Help, needs(w.Name), recipe)
	}
	if n == 0 {
		if err := k.mustExist(); err != nil {
			return err
		}
		return &fault.Error{What: "nothing here opens a store", Why: fmt.Errorf("%s has no slot", k.slots()), Next: []string{"put the folder back from a backup"}, Code: fault.Locked}
	}
	fmt.Fprintf(&b, "\nage -d -i %s %s\n\n# Remove the file afterwards: it opens everything.\nrm %s\n", identity, fault.Word(vault), identity)
	fmt.Fprintf(&b, "# If that says that the file is damaged, the one before the last change is %s.prev\n", fault.Word(vault))
	_, err = s.Stdout.Write([]byte(b.String()))
	return err
}
