package sealkey

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"fob/internal/cred"
	"fob/internal/keep/lock"
)

// The key for fixed input must never change: every sealed session depends on
// it. The value was computed apart, with Python's hmac, from RFC 5869.
func TestDerive(t *testing.T) {
	t.Parallel()
	epoch := []byte("0123456789abcdef")
	key := Derive(cred.NewSecret("CANARY-IDENTITY"), epoch)
	const want = "3ef617cf40eb1ef14b2bf820de14952642272f4f1ae1e6f64ad9aa8b2f69ccfa"
	if got := hex.EncodeToString([]byte(key.Reveal())); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if key.Equal(Derive(cred.NewSecret("CANARY-IDENTITY"), []byte("0123456789abcdeg"))) {
		t.Error("another epoch gives the same key")
	}
	if key.Equal(Derive(cred.NewSecret("CANARY-IDENTITZ"), epoch)) {
		t.Error("another identity gives the same key")
	}
}

func TestEpoch(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "share", "fob")
	var wg sync.WaitGroup
	epochs := make([][]byte, 50)
	for i := range epochs {
		wg.Go(func() {
			var err error
			if epochs[i], err = Epoch(dir); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, e := range epochs {
		if len(e) != 16 || !bytes.Equal(e, epochs[0]) {
			t.Fatalf("%x differs from %x", e, epochs[0])
		}
	}
	info, err := os.Stat(filepath.Join(dir, "epoch"))
	if err != nil || info.Mode() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := RenewEpoch(dir); err != nil {
		t.Fatal(err)
	}
	renewed, err := Epoch(dir)
	if err != nil || len(renewed) != 16 || bytes.Equal(renewed, epochs[0]) {
		t.Errorf("got %x, %v after %x", renewed, err, epochs[0])
	}
}

func TestDamagedEpoch(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "short", "seventeen bytes!!", "far more than the thirty-two bytes that are read"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "epoch"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if unsafe := (*lock.UnsafeError)(nil); !func() bool { _, err := Epoch(dir); return errors.As(err, &unsafe) }() {
			t.Errorf("%q is an epoch", text)
		}
	}
}
