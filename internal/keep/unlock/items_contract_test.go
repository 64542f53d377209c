package unlock_test

import (
	"testing"

	"fob/internal/keep/unlock"
	"fob/internal/keep/unlock/unlocktest"
)

// The kinds of macOS and Windows keep the contract on a fake of the store that
// comes with the system, which is one for all folders as the real one is.
func TestItemsContract(t *testing.T) {
	t.Parallel()
	for _, k := range unlock.ItemKinds() {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			unlocktest.Run(t, func(_ *testing.T, env unlock.Env) unlock.Unlocker { return k.Open(env) })
		})
	}
}
