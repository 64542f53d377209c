package cli

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/keep/lock"
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

// Runs that wait for a lock whose directory somebody moves away go on with a new
// one.
func TestLocksMovedAway(t *testing.T) {
	t.Parallel()
	first := newHouse(t)
	first.store()
	for _, which := range []string{"unlock", "a session"} {
		t.Run(which, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.storeOf(first)
			h.env["AWS_ENDPOINT_URL"], h.env["AWS_EC2_METADATA_DISABLED"] = h.aws.URL, "true"
			h.write(roleBehindPlain, ".aws", "config")
			if got := h.fob("export", "--format", "json", "x"); got.status != 0 {
				t.Fatal(got)
			}
			if got := h.fob("clear"); got.status != 0 {
				t.Fatal(got)
			}
			files, err := filepath.Glob(h.data("locks", "*"))
			h.must(err)
			for _, file := range files {
				if (filepath.Base(file) == "unlock") != (which == "unlock") {
					continue
				}
				held, err := lock.Acquire(t.Context(), file, lock.Options{})
				h.must(err)
				defer func() { _ = held.Release() }()
			}
			c := exec.CommandContext(t.Context(), "sh", "-c", "for i in 1 2 3; do fob export --format json x >/dev/null && echo served >&2 & done; wait")
			c.Dir = h.home
			for name, value := range h.env {
				c.Env = append(c.Env, name+"="+value)
			}
			said, err := c.StderrPipe()
			h.must(err)
			h.must(c.Start())
			waiting, served, all := 0, 0, ""
			for lines := bufio.NewScanner(said); lines.Scan(); {
				all += lines.Text() + "\n"
				if strings.Contains(lines.Text(), "waiting up to") {
					if waiting++; waiting == 3 {
						h.must(os.Rename(h.data("locks"), h.data("locks.away")))
					}
				}
				if lines.Text() == "served" {
					served++
				}
			}
			h.must(c.Wait())
			if waiting < 3 || served != 3 {
				t.Errorf("%d waited, %d were served: %s", waiting, served, all)
			}
		})
	}
}
