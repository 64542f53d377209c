package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"fob/internal/keep/lock"
)

// open reads the document, without a lock: a file is always whole.
func (v *Vault) open(ctx context.Context) (*document, error) {
	if _, err := v.read(); err != nil {
		return nil, err
	}
	k, err := v.key(ctx)
	if err != nil {
		return nil, err
	}
	return v.load(k)
}

// changeTries bounds how often a change is made again because another came in
// between, which it can where somebody has removed the lock file.
const changeTries = 5

// change is every change: lock, read again, edit, write.
func (v *Vault) change(ctx context.Context, edit func(*document) error) error {
	if _, err := v.read(); err != nil {
		return err
	}
	k, err := v.key(ctx)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := v.locked(ctx, func(l *lock.Lock) error {
			d, err := v.load(k)
			if err != nil {
				return err
			}
			if err := edit(d); err != nil {
				return err
			}
			return v.write(l, k, d)
		})
		if try == changeTries || !v.overtaken(err) {
			return err
		}
	}
}

// overtaken says whether nothing was written because another change may have come
// in between.
func (v *Vault) overtaken(err error) bool {
	changed, lost := (*lock.ChangedError)(nil), (*lock.UnsafeError)(nil)
	return errors.As(err, &changed) || errors.As(err, &lost) && lost.Path == v.path(lockName)
}

func (v *Vault) locked(ctx context.Context, work func(*lock.Lock) error) error {
	l, err := lock.Acquire(ctx, v.path(lockName), v.wait)
	if err != nil {
		return fmt.Errorf("changing the vault: %w", err)
	}
	err = work(l)
	// The lock ends with the process at the latest, and the change is made.
	_ = l.Release()
	return err
}

// key asks for the identity.
func (v *Vault) key(ctx context.Context) (key, error) {
	if err := ctx.Err(); err != nil {
		return key{}, err
	}
	id, err := v.identity(ctx)
	if err != nil {
		return key{}, fmt.Errorf("opening the vault: %w", err)
	}
	return newKey(id)
}

// load reads and opens the file. What was seen last is read first: a writer
// who comes in between makes the vault newer than that, never older.
func (v *Vault) load(k key) (*document, error) {
	last, err := v.seen()
	if err != nil {
		return nil, err
	}
	file, err := v.read()
	if err != nil {
		return nil, err
	}
	d, err := k.open(file)
	if err != nil {
		return nil, v.named(err)
	}
	d.file = file
	return d, v.compare(last, d)
}

// read gives the bytes of the vault once they look like one, so that nobody is
// asked for a passphrase in vain.
func (v *Vault) read() ([]byte, error) {
	there, err := v.Exists()
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, fmt.Errorf("%w in %s", ErrNoVault, v.dir)
	}
	path, err := v.target()
	if err != nil {
		return nil, err
	}
	file, err := lock.ReadFile(path, maxFile)
	if err != nil {
		if info, lerr := os.Lstat(path); lerr == nil && info.Mode().IsRegular() && info.Size() > maxFile {
			return nil, damaged(path, "is larger than 8 MiB")
		}
		return nil, fmt.Errorf("reading the vault: %w", err)
	}
	if why := glance(file); why != "" {
		return nil, damaged(path, why)
	}
	return file, nil
}

// target is the file itself where vault.age is a link, as people make it who
// keep such files in one place. One that somebody else made is refused.
func (v *Vault) target() (string, error) {
	path := v.path(vaultName)
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return path, nil
	}
	if err := lock.CheckLink(path); err != nil {
		return "", fmt.Errorf("reading the vault: %w", err)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", damaged(path, "is a symbolic link that leads nowhere")
	}
	return real, nil
}

// write makes d the next generation on disk: verified before it replaces
// anything, the bytes before kept beside it, unless something was removed.
func (v *Vault) write(l *lock.Lock, k key, d *document) error {
	d.generation++
	d.written, d.version = v.now().UTC(), v.version
	plain, err := encode(d)
	if err != nil {
		return fmt.Errorf("writing the vault: %w", err)
	}
	file, err := k.seal(plain)
	if err != nil {
		return fmt.Errorf("writing the vault: %w", err)
	}
	if len(file) > maxFile {
		return errors.New("writing the vault: it would be larger than 8 MiB")
	}
	path, err := v.target()
	if err != nil {
		return err
	}
	if err := l.Check(); err != nil {
		return fmt.Errorf("writing the vault: %w", err)
	}
	o := lock.WriteOptions{
		Mode:   0o600,
		Create: d.generation == 1,
		// A lock file that somebody removed keeps nobody out.
		Compare: d.generation > 1, Expect: d.file,
		Verify: func(temp string) error { return verify(temp, k, plain) },
	}
	if !d.removed {
		o.Previous = previousName
	} else if err := v.replacePrevious(path, file, o); err != nil {
		return err
	}
	if err := lock.WriteFile(path, file, o); err != nil {
		return fmt.Errorf("writing the vault: %w", err)
	}
	// Without it a rollback would be missed; with an error here the caller
	// would think that the change is not made.
	_ = v.remember(d)
	return nil
}

// replacePrevious makes the copy before a copy of the new vault, so that what is
// removed is in neither. The copy goes first: when the change is cut off behind
// it the record is still in the vault, and removing it again does the rest.
func (v *Vault) replacePrevious(path string, file []byte, o lock.WriteOptions) error {
	o.Compare, o.Create, o.NoDirSync = false, false, true // the flush behind the vault is for both
	if err := lock.WriteFile(filepath.Join(filepath.Dir(path), previousName), file, o); err != nil {
		return fmt.Errorf("writing the vault: %w", err)
	}
	return nil
}

// verify reads back what was written, before it may replace anything.
func verify(path string, k key, plain []byte) error {
	file, err := lock.ReadFile(path, maxFile)
	if err != nil {
		return err
	}
	got, err := k.unseal(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, plain) {
		return errors.New("it holds something else")
	}
	return nil
}
