package cli

import (
	"os"
	"testing"
)

// TestRotateKilled kills the program at the first, second, ... system call of a
// kind while it rotates a key. Whatever is left, the stored key works, and the
// same command goes on until the user has that key and no other. The renames
// are where the store changes; FOB_TEST_SWEEP adds every other kind.
func TestRotateKilled(t *testing.T) {
	t.Parallel()
	needTools(t, "strace")
	calls := []string{"renameat"}
	if os.Getenv("FOB_TEST_SWEEP") != "" {
		calls = append(calls, "connect", "fsync", "flock", "openat", "write", "fchmod", "close")
	}
	for _, call := range calls {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			kills := 0
			for rotateKilledAt(t, call, kills+1) {
				kills++
			}
			t.Logf("%d kills", kills)
			// Four changes of the vault and of the copy before it; connects are made by
			// other threads than the one whose calls are counted.
			if kills < 8 && call != "connect" || kills == 0 {
				t.Errorf("%d kills: nothing was proved", kills)
			}
		})
	}
}

// rotateKilledAt says whether there was an n-th call to be killed at.
func rotateKilledAt(t *testing.T, call string, n int) (killed bool) {
	t.Helper()
	h := newHouse(t)
	h.store()
	h.env["AWS_ENDPOINT_URL"], h.env["AWS_EC2_METADATA_DISABLED"] = h.aws.URL, "true"
	killed = h.killedAt(call, n, nil, "fob", "rotate", "plain")
	if found, _, err := sweep([]string{h.home}, []string{"CANARY", "AKIA", "123456789012"}); err != nil || len(found) > 0 {
		t.Errorf("%s %d: left in the clear: %q, %v", call, n, found, err)
	}
	if got := h.fob("whoami", "plain", "--no-session"); got.status != 0 {
		t.Errorf("%s %d: the stored key does not work: %+v", call, n, got)
	}
	if got := h.fob("rotate", "plain", "--yes"); got.status != 0 {
		t.Errorf("%s %d: the next run: %+v", call, n, got)
	}
	if got := h.fob("whoami", "plain", "--no-session"); got.status != 0 {
		t.Errorf("%s %d: the stored key does not work in the end: %+v", call, n, got)
	}
	if ids := h.aws.KeyIDs("plain"); len(ids) != 1 {
		t.Errorf("%s %d: the user has %d keys in the end", call, n, len(ids))
	}
	return killed
}
