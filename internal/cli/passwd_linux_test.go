package cli

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestPasswdKilled kills the program at the first, second, ... system call of a
// kind while the passphrase is replaced. One of the two opens the store then,
// never neither, and the key is there.
func TestPasswdKilled(t *testing.T) {
	t.Parallel()
	needTools(t, "strace")
	calls := []string{"renameat", "unlinkat"}
	if os.Getenv("FOB_TEST_SWEEP") != "" {
		calls = append(calls, "fsync", "flock", "openat", "write", "fchmod", "close")
	}
	for _, call := range calls {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			opened := map[string]int{}
			kills := 0
			for {
				killed, by := passwdKilledAt(t, call, kills+1)
				opened[by]++
				if !killed {
					break
				}
				kills++
			}
			// A sweep in which only one of the two ever opens has missed the change.
			t.Logf("%d kills; the store then opened by %v", kills, opened)
			if call == "renameat" && (kills < 4 || opened["old"] == 0 || opened["new"] < 2) || kills == 0 {
				t.Errorf("%d kills, opened by %v: nothing was proved", kills, opened)
			}
		})
	}
}

// passwdKilledAt says whether there was an n-th call to be killed at, and which
// passphrase opens the store afterwards.
func passwdKilledAt(t *testing.T, call string, n int) (killed bool, by string) {
	t.Helper()
	h := newHouse(t)
	h.store()
	killed = h.killedAt(call, n, strings.NewReader("CANARY new\n"), "fob", "store", "passwd", "--new-passphrase-fd", "0")
	for _, one := range []struct{ name, passphrase string }{{"old", h.env["FOB_PASSPHRASE"]}, {"new", "CANARY new"}} {
		h.env["FOB_PASSPHRASE"] = one.passphrase
		h.must(exec.CommandContext(t.Context(), "rm", "-rf", h.path("run")).Run()) // nothing rests
		h.must(os.Mkdir(h.path("run"), 0o700))
		if h.fob("unlock").status != 0 {
			continue
		}
		if by != "" {
			t.Errorf("%s %d: both passphrases open the store", call, n)
		}
		by = one.name
		if got := h.fob("list", "--credentials"); strings.TrimSpace(got.out) != "plain" {
			t.Errorf("%s %d: the key: %+v", call, n, got)
		}
	}
	if by == "" {
		t.Errorf("%s %d: neither passphrase opens the store", call, n)
	}
	return killed, by
}
