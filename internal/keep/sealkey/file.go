package sealkey

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"fob/internal/keep/lock"
)

// homeHash tells the keys of one data directory from those of another.
func homeHash(dataDir string) string {
	if abs, err := filepath.Abs(dataDir); err == nil {
		dataDir = abs
	}
	sum := sha256.Sum256([]byte(dataDir))
	return hex.EncodeToString(sum[:8])
}

// maxFile is the largest file that is read.
const maxFile = 4096

// file is a private file in a directory that does not outlive the machine's
// run. It starts with the hash of the boot that it belongs to, in case the
// directory does.
type file struct {
	parent string             // must be there
	check  func(string) error // of the parent
	dir    string             // ours, made when absent
	home   string             // homeHash
	memory func(string) error // refuses a directory on a disk; nil: any will do
}

// lasts says why nothing is saved there: what is on a disk outlives the machine's
// run, in backups too. Only a save looks, since loading is what each run pays for.
func (f file) lasts() error {
	if f.parent == "" || f.memory == nil {
		return nil
	}
	return f.memory(f.parent)
}

func (f file) path() string { return filepath.Join(f.dir, "seal-"+f.home) }

func (f file) load(holds string) ([]byte, error) {
	if holds != holdsSeal {
		return nil, fs.ErrNotExist
	}
	if err := f.checkParent(); err != nil {
		return nil, err
	}
	if err := lock.CheckDir(f.dir); err != nil {
		return nil, err
	}
	data, err := lock.ReadFile(f.path(), maxFile)
	if err != nil {
		return nil, err
	}
	boot := bootHash()
	if len(data) < len(boot) || [8]byte(data) != boot {
		return nil, fs.ErrNotExist
	}
	return data[len(boot):], nil
}

func (f file) save(holds string, data []byte, _ time.Duration) error {
	if holds != holdsSeal {
		return errors.New("a file does not hold the " + holds)
	}
	if err := f.checkParent(); err != nil {
		return err
	}
	if err := f.lasts(); err != nil {
		return err
	}
	if err := lock.MakeDir(f.dir); err != nil {
		return err
	}
	boot := bootHash()
	whole := append(boot[:], data...)
	defer clear(whole)
	return lock.WriteFile(f.path(), whole, lock.WriteOptions{NoDirSync: true})
}

func (f file) renew(holds string, data []byte, lasts time.Duration) error {
	if _, err := f.load(holds); err != nil {
		return err
	}
	return f.save(holds, data, lasts)
}

// forget overwrites the file before it removes it. What is no file of ours is
// removed by name only.
func (f file) forget(holds string) error {
	if holds != holdsSeal || f.parent == "" {
		return nil
	}
	if lock.CheckDir(f.dir) != nil {
		return nil // nothing is read from there
	}
	if old, err := lock.ReadFile(f.path(), maxFile); err == nil {
		wipe(f.path(), len(old))
		clear(old)
	}
	if err := os.Remove(f.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// erase empties the file that it has read, through the same descriptor: a file
// that a writer has renamed to this place meanwhile is another one. The name
// stays and holds nothing.
func (f file) erase(holds string, data []byte) error {
	if holds != holdsSeal || f.parent == "" || lock.CheckDir(f.dir) != nil {
		return nil
	}
	file, err := os.OpenFile(f.path(), os.O_RDWR, 0)
	if err != nil {
		return nil // nothing there, or nothing that can be read either
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if named, err := os.Lstat(f.path()); err != nil || !os.SameFile(named, info) {
		return nil
	}
	whole, err := io.ReadAll(io.LimitReader(file, maxFile))
	defer clear(whole)
	boot := bootHash()
	if err != nil || !bytes.Equal(whole, append(boot[:], data...)) {
		return err
	}
	if _, err := file.WriteAt(make([]byte, len(whole)), 0); err != nil {
		return err
	}
	return file.Truncate(0)
}

func wipe(path string, size int) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return
	}
	_, _ = f.Write(make([]byte, size))
	_ = f.Close()
}

func (f file) checkParent() error {
	if f.parent == "" {
		return errors.New("there is no runtime directory")
	}
	err := f.check(f.parent)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New(f.parent + " does not exist")
	}
	return err
}

// checkShared accepts a directory that others use too.
func checkShared(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return errors.New(path + " is not a directory")
	}
	return err
}

func runtimeFile(runtimeDir, home string, memory func(string) error) *spot {
	dir := filepath.Join(runtimeDir, "fob")
	if runtimeDir == "" {
		return &spot{name: "file in the runtime directory", place: file{}}
	}
	return &spot{name: "file in " + dir, place: file{parent: runtimeDir, check: lock.CheckDir, dir: dir, home: home, memory: memory}}
}
