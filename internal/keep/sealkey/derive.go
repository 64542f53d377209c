package sealkey

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"fob/internal/cred"
	"fob/internal/keep/lock"
)

const (
	keySize   = 32
	epochSize = 16
	epochFile = "epoch"
)

// Derive gives the seal key that belongs to the vault's identity and an epoch:
// HKDF-SHA256 (RFC 5869) with the epoch as salt. It opens sessions and nothing
// else, and nobody gets from it to the identity.
func Derive(identity cred.Secret, epoch []byte) cred.Secret {
	key, err := hkdf.Key(sha256.New, []byte(identity.Reveal()), epoch, "fob seal key v1", keySize)
	if err != nil {
		panic("sealkey: " + err.Error()) // only for a length that HKDF cannot give
	}
	return cred.NewSecret(string(key))
}

// Epoch reads the 16 bytes at DataDir/epoch, which are no secret, and makes
// them when they are absent. Of several processes that make them at once, all
// get the same. A damaged file is *lock.UnsafeError, and RenewEpoch mends it.
func Epoch(dataDir string) ([]byte, error) {
	path := filepath.Join(dataDir, epochFile)
	for range 2 {
		epoch, err := lock.ReadFile(path, 2*epochSize)
		if err == nil && len(epoch) != epochSize {
			return nil, &lock.UnsafeError{Path: path, Why: fmt.Sprintf("it holds %d bytes and not %d", len(epoch), epochSize), Mend: "fob lock --forget"}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return epoch, err
		}
		if err := writeEpoch(dataDir, lock.WriteOptions{Create: true}); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("reading %s: it goes away as soon as it is made", path)
}

// RenewEpoch puts a new epoch in place of the old one: every session that was
// sealed before is then beyond reach.
func RenewEpoch(dataDir string) error { return writeEpoch(dataDir, lock.WriteOptions{}) }

func writeEpoch(dataDir string, o lock.WriteOptions) error {
	if err := lock.MakeDir(dataDir); err != nil {
		return err
	}
	epoch := make([]byte, epochSize)
	_, _ = rand.Read(epoch) // never an error, says its documentation
	return lock.WriteFile(filepath.Join(dataDir, epochFile), epoch, o)
}
