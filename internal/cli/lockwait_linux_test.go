package cli

import (
	"strings"
	"testing"
)

// Runs that wait while the store is locked from elsewhere ask once more for all of
// them: what is typed after the lock rests.
func TestLockedWhileWaiting(t *testing.T) {
	t.Parallel()
	v := newVault(t, false)
	delete(v.env, "FOB_PASSPHRASE")
	lock := func() {
		t.Helper()
		if got := v.fob("lock"); got.status != 0 {
			t.Fatalf("lock: %+v", got)
		}
	}
	lock()
	s := v.sit(nil, "sh", "-c", "for i in 1 2 3 4 5; do fob exec dev -- echo served & done; wait")
	for range 4 { // all of them began while the store was locked
		s.asked("waiting up to")
	}
	s.says(v.passphrase)
	s.asked("MFA code for")
	s.asked(": ")
	lock()
	s.says(v.code())
	s.asked("Passphrase of the store: ")
	s.says(v.passphrase)
	_, said := s.end()
	if n := strings.Count(said, "Passphrase of the store"); n > 0 {
		t.Errorf("asked %d times more: %q", n, said)
	}
	if n := strings.Count(said, "served"); n < 4 { // the first may have been served before
		t.Errorf("%d were served: %q", n, said)
	}
}
