//go:build unix

package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestDrivers runs the programs that ask and show things: dialogs on a
// virtual screen, ykman with a card that stands for a YubiKey, and a browser.
func TestDrivers(t *testing.T) {
	t.Parallel()
	needTools(t, "zenity", "kdialog", "xvfb-run", "xdotool")
	needTools(t, "ykman", "pcscd", "unshare", "python3", "chromium")
	startCard(t)
	testscript.Run(t, scriptParams("testdata/drivers", func(env *testscript.Env) (localAWS, error) {
		aws, err := startOurs(env)
		if err == nil {
			user, _ := aws.(ours).User("gruntwork")
			env.Setenv("SEED", user.Seed.Reveal())
		}
		return aws, err
	}))
}

// startCard puts a card into a virtual reader, in a network namespace of its own.
func startCard(t *testing.T) {
	t.Helper()
	source := os.Getenv("FOB_TEST_MOTO")
	if source == "" {
		t.Skip("the card is missing: FOB_TEST_MOTO does not name the folder of vicc_oath.py")
	}
	c := exec.Command("python3", filepath.Join(source, "vicc_oath.py"), "--serve", "--touch-delay", "0.2")
	c.Env = os.Environ()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait()
	})
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) { // the daemon tells nobody when it is ready
		out, err := exec.Command("ykman", "-r", "Virtual PCD 00 00", "oath", "info").CombinedOutput()
		if err == nil {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("the card does not answer: %v\n%s", err, strings.TrimSpace(string(out)))
		}
	}
}
