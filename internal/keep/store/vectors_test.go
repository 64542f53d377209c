package store

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	agevectors "c2sp.org/CCTV/age"

	"fob/internal/cred"
	"fob/internal/keep/lock"
	"fob/internal/keep/unlock"
)

// vector is one of the files that every implementation of age is tested with
// (https://c2sp.org/CCTV/age), with what must come of it.
type vector struct {
	expect, payload, identity, passphrase string
	armored                               bool
	file                                  []byte
}

func parseVector(t *testing.T, name string) vector {
	t.Helper()
	text, err := fs.ReadFile(agevectors.Vectors, name)
	if err != nil {
		t.Fatal(err)
	}
	header, file, _ := bytes.Cut(text, []byte("\n\n"))
	v := vector{file: file}
	for line := range strings.Lines(string(header)) {
		switch key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); key {
		case "expect":
			v.expect = value
		case "payload":
			v.payload = value
		case "identity":
			v.identity = value
		case "passphrase":
			v.passphrase = value
		case "armored":
			v.armored = true
		case "compressed":
			r, err := zlib.NewReader(bytes.NewReader(file))
			if err == nil {
				v.file, err = io.ReadAll(r)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return v
}

func allVectors(t *testing.T) []string {
	t.Helper()
	entries, err := fs.ReadDir(agevectors.Vectors, ".")
	if err != nil || len(entries) < 143 {
		t.Fatalf("%d vectors, want at least 143: %v", len(entries), err)
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// asVault opens a vector as a vault is opened, and says what came of it.
func (v vector) asVault() string {
	if why := glance(v.file); why != "" {
		return why
	}
	k, err := newKey(cred.NewSecret(v.identity))
	if err != nil {
		return err.Error()
	}
	plain, err := k.unseal(v.file)
	if err != nil {
		if plain != nil {
			return "a part was opened"
		}
		return err.Error()
	}
	sum := sha256.Sum256(plain)
	return "success " + hex.EncodeToString(sum[:])
}

// Every vector as a vault: what age opens with a key of the vault's kind opens to
// the same bytes, and everything else is refused as a whole. A vault is never
// armored, and its key is never one of another kind.
func TestVectorsAsVault(t *testing.T) {
	t.Parallel()
	const noAge, header, content = "is not an age file, or damaged at its beginning", "is damaged: its header was cut or changed", "is damaged: its content was cut or changed"
	const foreign, noKey = "belongs to another identity, or its header is damaged", "opening the vault: what should be its identity is not an age secret key"
	fixed, err := NewIdentity() // where a vector has a passphrase, or nothing
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for _, name := range allVectors(t) {
		v := parseVector(t, name)
		if v.identity == "" {
			v.identity = fixed.Reveal()
		}
		want := map[string][]string{
			"success": {"success " + v.payload}, "no match": {foreign}, "HMAC failure": {header},
			"header failure": {header, noAge, "is empty"}, "payload failure": {content},
		}[v.expect]
		switch {
		case v.armored:
			want = []string{noAge, "is empty"}
		case strings.HasPrefix(v.identity, "AGE-SECRET-KEY-PQ-"):
			want = []string{noKey}
		case v.passphrase != "":
			want = []string{foreign, header, noAge}
		}
		got := v.asVault()
		if !slices.Contains(want, got) {
			t.Errorf("%s (%s): got %q, want one of %q", name, v.expect, got, want)
		}
		if strings.HasPrefix(got, "success") {
			opened++
		}
	}
	if opened < 10 {
		t.Errorf("%d vectors opened: nothing was proved", opened)
	}
}

// asSlot opens a vector as the slot of a passphrase is opened, and says what kind
// of error came of it.
func (v vector) asSlot(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "passphrase.age"), v.file, 0o600); err != nil {
		t.Fatal(err)
	}
	asked := false
	env := unlock.Env{Dir: dir, Ask: func(context.Context, unlock.Question) (cred.Secret, error) {
		asked = true
		return cred.NewSecret(v.passphrase), nil
	}}
	byPassphrase := slices.IndexFunc(unlock.Kinds(), func(k unlock.Kind) bool { return k.Name == "passphrase" })
	got, err := unlock.Kinds()[byPassphrase].Open(env).Load(t.Context())
	slot, wrong, unsafe := (*unlock.SlotError)(nil), (*unlock.WrongError)(nil), (*lock.UnsafeError)(nil)
	switch {
	case err == nil || !got.IsZero():
		return "opened"
	case errors.As(err, &wrong):
		return "wrong"
	case errors.As(err, &slot) && asked:
		return slot.Why
	case errors.As(err, &slot), errors.As(err, &unsafe):
		return "refused"
	}
	return err.Error()
}

// Every vector as the slot of a passphrase: only those with one passphrase of a
// cost that fob allows are tried at all, and one that opens holds no identity.
func TestVectorsAsSlot(t *testing.T) {
	t.Parallel()
	tried := map[string]string{
		"scrypt":                   "holds no vault identity",
		"scrypt_bad_tag":           "wrong",
		"scrypt_no_match":          "wrong",
		"scrypt_work_factor_wrong": "wrong",
	}
	names := allVectors(t)
	for name := range maps.Keys(tried) {
		if !slices.Contains(names, name) {
			t.Errorf("there is no vector %s", name)
		}
	}
	for _, name := range names {
		want, ok := tried[name]
		if !ok {
			want = "refused"
		}
		v := parseVector(t, name)
		if v.passphrase == "" {
			v.passphrase = "CANARY"
		}
		if got := v.asSlot(t); got != want {
			t.Errorf("%s (%s): got %q, want %q", name, v.expect, got, want)
		}
	}
}

// Every single bit of a vault, flipped: nothing opens. The content is under one
// tag, which is why it has to be opened once for each of them.
func TestEveryBitOfVault(t *testing.T) {
	t.Parallel()
	identity, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	k, err := newKey(identity)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := encode(newDocument())
	if err != nil {
		t.Fatal(err)
	}
	file, err := k.seal(plain)
	if err != nil {
		t.Fatal(err)
	}
	const parts = 4
	step := parts
	if raced { // of which there are none in here
		step = 29 * parts
	}
	for part := range parts {
		t.Run(strconv.Itoa(part), func(t *testing.T) {
			t.Parallel()
			changed := bytes.Clone(file)
			for bit := part; bit < len(file)*8; bit += step {
				changed[bit/8] ^= 1 << (bit % 8)
				if got, err := k.unseal(changed); err == nil || got != nil {
					t.Fatalf("bit %d flipped: %d bytes opened, %v", bit, len(got), err)
				}
				changed[bit/8] ^= 1 << (bit % 8)
			}
			if _, err := k.unseal(changed); err != nil {
				t.Error(err)
			}
		})
	}
}
