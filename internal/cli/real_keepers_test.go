//go:build unix

package cli

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestKeepers takes keys over from the programs that aws-vault stores them with.
func TestKeepers(t *testing.T) {
	t.Parallel()
	needTools(t, "pass", "gpg", "gnome-keyring-daemon", "dbus-run-session", "gdbus")
	testscript.Run(t, scriptParams("testdata/keepers", startOurs))
}
