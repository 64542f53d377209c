//go:build unix

package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"fob/internal/hygiene"
	"fob/internal/keep/unlock"
)

// starting is what starts programs, in a test that runs alone: fob's limits and its
// umask are of a whole process, and other tests make files in this one.
func starting(t *testing.T, environ ...string) *processes {
	t.Helper()
	restore := hygiene.Enter()
	t.Cleanup(restore)
	return &processes{restore: restore, environ: environ}
}

// A program that keeps things gets what it is given, and nothing else of ours.
func TestKeeperProgram(t *testing.T) { //nolint:paralleltest // see starting
	p := starting(t, "PATH="+os.Getenv("PATH"), "FOB_PASSPHRASE=CANARY", "AWS_VAULT_FILE_PASSPHRASE=CANARY", "AWS_SECRET_ACCESS_KEY=CANARY", "PASSWORD_STORE_DIR=/s")
	for _, c := range []struct {
		name, script string
		stdin        []byte
		want, failed string
	}{
		{"kept", "cat", []byte("CANARY\nkept"), "CANARY\nkept", ""},
		{"environment", `env | grep -e CANARY -e STORE`, nil, "PASSWORD_STORE_DIR=/s\nPASSWORD_STORE_MORE=1\n", ""},
		{"reads nothing", "exit 3", bytes.Repeat([]byte("CANARY"), 1<<17), "", "exit status 3"},
		{"last words", `echo one >&2; printf 'two\033' >&2; exit 1`, nil, "", `exit status 1: one` + "\n" + `two\x1b`},
		{"many words", `head -c 100000 /dev/zero | tr '\0' x >&2; exit 1`, nil, "", "exit status 1: ..." + strings.Repeat("x", mostSaid)},
		{"too much", "head -c 100000 /dev/zero", nil, "", errTooMuch.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, err := p.keeper(t.Context(), unlock.Command{Args: []string{"sh", "-c", c.script}, Stdin: c.stdin, More: []string{"PASSWORD_STORE_MORE=1"}})
			switch {
			case err == nil && (c.failed != "" || string(out) != c.want):
				t.Errorf("got %q, want %q", out, c.want)
			case err != nil && err.Error() != c.failed:
				t.Errorf("got %q, want %q", err, c.failed)
			}
		})
	}
}

// One that hangs ends with the run, and so does what it has started.
func TestKeeperProgramHangs(t *testing.T) { //nolint:paralleltest // see starting
	p := starting(t, os.Environ()...)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := p.keeper(ctx, unlock.Command{Args: []string{"sh", "-c", "trap '' TERM; sleep 600 & wait; sleep 600"}, Stdin: []byte("CANARY")})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > time.Minute {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
