// Package store is the vault: one age file that holds every long-term key, and
// the copy before it. It asks for the vault's identity when it must open the
// file, and does not know where that identity rests or who is asked for it.
//
// # Recover
//
// The vault opens without fob, with the stock age program (https://age-encryption.org)
// in the data directory:
//
//	age -d -o identity slots/recovery.age
//	age -d -i identity vault.age
//
// The first command asks for the recovery code, typed exactly as it was
// printed; slots/passphrase.age asks for the passphrase. The second prints the
// JSON document with every key, padded with spaces. Remove the file identity
// afterwards: it opens everything.
package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"fob/internal/cred"
	"fob/internal/keep/lock"
)

// The files of the data directory that are the vault's.
const (
	vaultName    = "vault.age"
	previousName = "vault.age.prev"
	lockName     = "vault.lock" // never replaced, never removed
	seenName     = "seen"
)

// maxFile is the largest vault that is read or written: about 20,000 keys.
const maxFile = 8 << 20

// ErrNotFound says that the vault has no record of that name. Only this error
// means so; one that cannot be opened has others.
var ErrNotFound = errors.New("no such record")

// ErrNoVault says that there is no vault yet.
var ErrNoVault = errors.New("no vault")

// Record is one long-term key under the name of its profile. The name is any
// text of 1 to 4096 bytes: it never becomes a file name.
type Record struct {
	Name    string
	Key     cred.AccessKey
	Created time.Time // when it was stored; zero when unknown
}

// Identity gives the vault's age secret key. It is called only when the vault
// must be opened and looks as if it could be, before any lock is taken, because
// it may wait for a person.
type Identity func(context.Context) (cred.Secret, error)

// Option changes how a vault is opened or made.
type Option func(*Vault)

// Version is what the document names as its last writer.
func Version(text string) Option { return func(v *Vault) { v.version = text } }

// AcceptRollback takes a vault older than the one last written here for the
// right one, for a person who says that it was restored from a backup.
func AcceptRollback() Option { return func(v *Vault) { v.accept = true } }

// Wait is how long a change waits for another writer, 10 s without it, and what
// is called once when that has lasted 2 s. notice may be nil.
func Wait(longest time.Duration, notice func(lock.Holder)) Option {
	return func(v *Vault) { v.wait = lock.Options{Wait: longest, Notice: notice} }
}

// Vault is the vault in one data directory. It holds nothing open and may be
// used from several goroutines if its Identity may.
type Vault struct {
	dir      string
	identity Identity
	now      func() time.Time
	version  string
	accept   bool
	wait     lock.Options
}

// Open gives the vault in dir. It does no I/O.
func Open(dir string, id Identity, now func() time.Time, o ...Option) *Vault {
	v := &Vault{dir: dir, identity: id, now: now}
	for _, set := range o {
		set(v)
	}
	v.wait.Now = now
	return v
}

// Create makes an empty vault that opens to id, in dir, which is made when
// absent. A vault that is there stays, and the error is fs.ErrExist.
func Create(ctx context.Context, dir string, id cred.Secret, now func() time.Time, o ...Option) error {
	v := Open(dir, nil, now, o...)
	k, err := newKey(id)
	if err != nil {
		return err
	}
	if err := lock.MakeDir(dir); err != nil {
		return fmt.Errorf("making the vault: %w", err)
	}
	return v.locked(ctx, func(l *lock.Lock) error {
		there, err := v.Exists()
		if err != nil {
			return err
		}
		if there {
			return fmt.Errorf("%s: %w", v.path(vaultName), fs.ErrExist)
		}
		// What an older vault left would make this one look rolled back.
		if err := os.Remove(v.path(seenName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("making the vault: %w", err)
		}
		return v.write(l, k, newDocument())
	})
}

// Exists says whether there is a vault. One that is gone while the copy before
// it is there is no absent one: making another in its place would lose keys.
func (v *Vault) Exists() (bool, error) {
	err := lock.CheckDir(v.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for the vault: %w", err)
	}
	_, err = os.Lstat(v.path(vaultName))
	if err == nil {
		return true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("looking for the vault: %w", err)
	}
	if _, err := os.Lstat(v.path(previousName)); err == nil {
		return false, damaged(v.path(vaultName), "is missing, and the copy before it is there")
	}
	return false, nil
}

// Records gives every record, in the order in which they were first put.
func (v *Vault) Records(ctx context.Context) ([]Record, error) {
	d, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	records := make([]Record, 0, len(d.records))
	for _, r := range d.records {
		records = append(records, r.Record)
	}
	return records, nil
}

// Record gives the record of that name, or ErrNotFound.
func (v *Vault) Record(ctx context.Context, name string) (Record, error) {
	d, err := v.open(ctx)
	if err != nil {
		return Record{}, err
	}
	at := d.find(name)
	if at < 0 {
		return Record{}, fmt.Errorf("%w: %q", ErrNotFound, name)
	}
	return d.records[at].Record, nil
}

// Put stores a record, in place of one with its name. It is durable when Put
// returns nil; *lock.NotDurableError is the one error after which it is stored.
func (v *Vault) Put(ctx context.Context, r Record) error {
	if err := r.check(); err != nil {
		return err
	}
	return v.change(ctx, func(d *document) error {
		if at := d.find(r.Name); at >= 0 {
			d.records[at].Record = r
		} else {
			d.records = append(d.records, entry{Record: r})
		}
		return nil
	})
}

// Delete removes the record of that name and its rotation, or gives ErrNotFound.
// The copy before does not hold it either: it becomes a copy of the new vault.
func (v *Vault) Delete(ctx context.Context, name string) error {
	return v.change(ctx, func(d *document) error {
		at := d.find(name)
		if at < 0 {
			return fmt.Errorf("%w: %q", ErrNotFound, name)
		}
		d.records = slices.Delete(d.records, at, at+1)
		d.endRotation(name)
		d.removed = true
		return nil
	})
}

// Sum is the SHA-256 of the vault's file as it stands, or ErrNoVault. It asks
// nobody.
func (v *Vault) Sum() ([32]byte, error) {
	file, err := v.read()
	if err != nil {
		return [32]byte{}, err
	}
	return sha256.Sum256(file), nil
}

func (v *Vault) path(name string) string { return filepath.Join(v.dir, name) }
