package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"filippo.io/age"
)

const (
	manyProfiles = 10_000
	manyKeys     = 1_000
)

// withManyKeys puts keys beside the one that is stored, by the program age alone:
// a key after the other takes longer than the test.
func (h *house) withManyKeys() {
	h.t.Helper()
	open := func(file string, id age.Identity) []byte {
		sealed, err := os.ReadFile(file)
		h.must(err)
		r, err := age.Decrypt(bytes.NewReader(sealed), id)
		h.must(err)
		plain, err := io.ReadAll(r)
		h.must(err)
		return plain
	}
	typed, err := age.NewScryptIdentity(h.env["FOB_PASSPHRASE"])
	h.must(err)
	identity, err := age.ParseX25519Identity(strings.TrimSpace(string(open(h.data("slots", "passphrase.age"), typed))))
	h.must(err)
	var vault map[string]any
	h.must(json.Unmarshal(open(h.data("vault.age"), identity), &vault))
	records, _ := vault["records"].([]any)
	for i := range manyKeys {
		records = append(records, map[string]any{"name": fmt.Sprintf("user%d", i), "access_key_id": fmt.Sprintf("AKIACANARY%010d", i), "secret_access_key": otherSecret})
	}
	vault["records"] = records
	text, err := json.Marshal(vault)
	h.must(err)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, identity.Recipient())
	h.must(err)
	_, err = w.Write(text)
	h.must(err)
	h.must(w.Close())
	h.must(os.WriteFile(h.data("vault.age"), sealed.Bytes(), 0o600))
}

// Ten thousand profiles over a thousand keys are listed without a file for each
// of them, and in bounded memory.
func TestManyProfiles(t *testing.T) {
	t.Parallel()
	needTools(t, "strace")
	h := newHouse(t)
	h.store()
	h.withManyKeys()
	var config strings.Builder
	config.WriteString(strings.ReplaceAll(oddConfig, "URL", h.aws.URL))
	for i := range manyProfiles {
		fmt.Fprintf(&config, "[profile p%d]\nrole_arn = arn:aws:iam::%012d:role/x\nsource_profile = user%d\nregion = us-east-1\n", i, i, i%manyKeys)
	}
	for i := range manyKeys {
		fmt.Fprintf(&config, "[profile user%d]\nregion = us-east-1\n", i)
	}
	h.write(config.String(), ".aws", "config")
	if got := h.sh("fob exec r -- true && fob list --sessions && fob list --credentials | wc -l"); !strings.HasSuffix(got.out, "\n1001\n") || !strings.HasPrefix(got.out, "sts.AssumeRole:") {
		t.Fatalf("%+v", got)
	}
	for script, few := range map[string]bool{"fob list": true, "fob list --json": true, "naive look": false} {
		t.Run(script, func(t *testing.T) {
			h := *h
			h.t = t
			h.enter = []string{"strace", "-f", "-qq", "-o", h.path("strace"), "-e", "trace=%file"}
			got := h.sh(script)
			if few && strings.Count(got.out, "user")+strings.Count(got.out, `"p`) < manyKeys {
				t.Errorf("%d bytes were listed: %+v", len(got.out), got.errors)
			}
			calls := strings.Count(h.read("strace"), "\n")
			if calls < 10 || few != (calls < 1000) {
				t.Errorf("%d calls for files", calls)
			}
			h.measured()
			h.sh(script)
			took, kib := h.took()
			t.Logf("%d calls for files, %v of the processor, %d KiB", calls, took, kib)
			if kib > 100<<10 && !raced {
				t.Errorf("it took %d KiB", kib)
			}
		})
	}
}
