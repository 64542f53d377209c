//go:build unix

package cli

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/keep/cache"
	"fob/internal/keep/store"
)

// BenchmarkStore is what a full store costs, as whole processes: fob list, fob
// list --all and an unlock, with this many keys and sessions. The store's size
// comes along. Read the ratios: the test binary starts slower than fob does.
func BenchmarkStore(b *testing.B) {
	for _, n := range []struct{ keys, sessions int }{{1, 10}, {10, 10}, {100, 10}, {1000, 10}, {10, 10000}, {1000, 10000}} {
		h := furnished(b, n.keys, n.sessions)
		for _, line := range []string{"list", "list --all", "unlock"} {
			b.Run(fmt.Sprintf("keys=%d/sessions=%d/%s", n.keys, n.sessions, strings.ReplaceAll(line, " ", "_")), func(b *testing.B) {
				for b.Loop() {
					if got := h.fob(strings.Fields(line)...); got.status != 0 {
						b.Fatalf("%+v", got)
					}
				}
				size := 0
				for name, text := range h.files() {
					if strings.HasSuffix(name, "/vault.age") {
						size = len(text)
					}
				}
				b.ReportMetric(float64(size), "vault-bytes")
			})
		}
	}
}

// furnished is a house whose open store holds this much.
func furnished(tb testing.TB, keys, sessions int) *house {
	h := newHouse(tb)
	h.write("[profile plain]\nregion = us-east-1\n", ".aws", "config")
	h.store()
	sys := testSystem()
	sys.Environ = nil
	for name, value := range h.env {
		sys.Environ = append(sys.Environ, name+"="+value)
	}
	k, err := sys.newKeeper(&globals{})
	h.must(err)
	defer k.close()
	h.must(k.Open(tb.Context(), func() bool { return true }))
	for i := range keys - 1 {
		h.must(k.vault.Put(tb.Context(), store.Record{Name: fmt.Sprintf("user-%d", i), Key: cred.AccessKey{ID: fmt.Sprintf("AKIACANARY%010d", i), Secret: cred.NewSecret(strings.Repeat("CANARY", 7)[:40])}, Created: time.Now()}))
	}
	h.must(k.reindex(tb.Context()))
	for i := range sessions {
		name := make([]byte, 32)
		_, _ = rand.Read(name)
		h.must(k.cache.Store(cache.Entry{
			Name: hex.EncodeToString(name), Kind: "AssumeRole", Detail: fmt.Sprintf("arn:aws:iam::%012d:role/x", i), Owner: "plain",
			Session: cred.Session{ID: "ASIACANARY", Secret: cred.NewSecret(strings.Repeat("CANARY", 7)[:40]), Token: cred.NewSecret(strings.Repeat("CANARY", 60)), Expires: time.Now().Add(time.Hour)},
		}))
	}
	return h
}
