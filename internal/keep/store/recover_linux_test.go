package store_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/keep/unlock"
)

// The two commands of the package comment, with the stock program and nothing
// of fob: whoever has the recovery code has the keys.
func TestRecoverWithStockAge(t *testing.T) {
	t.Parallel()
	age, err := exec.LookPath("age")
	if err != nil {
		t.Skip("the stock age program is not on PATH")
	}
	h := newHome(t)
	h.put(t, "prod")
	code, err := unlock.NewRecoveryCode(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	slot := unlock.Recovery(unlock.Env{Dir: h.file("slots"), Cheap: true, Ask: func(context.Context, unlock.Question) (cred.Secret, error) { return code, nil }})
	if err := slot.Save(t.Context(), h.identity); err != nil {
		t.Fatal(err)
	}

	identity := filepath.Join(t.TempDir(), "identity")
	typed(t, exec.CommandContext(t.Context(), age, "-d", "-o", identity, "slots/recovery.age"), h.dir, code.Reveal())
	c := exec.CommandContext(t.Context(), age, "-d", "-i", identity, "vault.age")
	c.Dir = h.dir
	out, err := c.Output()
	if err != nil {
		t.Fatalf("age -d -i identity vault.age: %v", err)
	}
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("what age prints is no JSON: %v", err)
	}
	delete(got, "vault_id")
	want := map[string]any{
		"format": 1.0, "generation": 2.0, "written_at": "2026-01-02T12:00:00Z", "fob_version": "1.0", "journal": []any{},
		"records": []any{map[string]any{
			"name": "prod", "access_key_id": "AKIACANARY0000000000", "secret_access_key": "CANARY/wJalrXUtnFEMI+4", "created": "2026-01-02T11:00:00Z",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// typed runs a program on a terminal of its own and answers its question.
func typed(t *testing.T, c *exec.Cmd, dir, answer string) {
	t.Helper()
	c.Dir, c.Env = dir, append(os.Environ(), "TERM=dumb")
	terminal, err := pty.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if err := terminal.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	for !bytes.Contains(seen.Bytes(), []byte("passphrase")) {
		if _, err := io.CopyN(&seen, terminal, 1); err != nil {
			t.Fatalf("age asked nothing: %v\n%s", err, seen.Bytes())
		}
	}
	if _, err := io.WriteString(terminal, answer+"\n"); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(&seen, terminal) // ends with an error when the program does
	if err := c.Wait(); err != nil {
		t.Fatalf("age -d slots/recovery.age: %v\n%s", err, seen.Bytes())
	}
}
