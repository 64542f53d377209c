// Package cache is the sealed sessions of this machine by step name, and the
// index: the little that must be known before the vault is opened. Both open
// with the seal key only. It does not know profiles, AWS or the vault, nor
// whether a session is still worth handing out.
package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/keep/lock"
)

const (
	dirName = "cache"
	// entryBlock is what an entry's content is filled up to, so that the size
	// of a file does not tell one kind of session from another.
	entryBlock = 512
	// maxEntry is far above the largest session: AWS packs at most a few
	// kilobytes of policy and tags into a session token.
	maxEntry = 256 << 10
	// keepEnded is how long an ended session is kept for list to show.
	keepEnded = time.Hour
)

// ErrNotFound says that there is no such entry, or none that opens.
var ErrNotFound = errors.New("not in the cache")

// Entry is one session, and what list and clear need to know of it.
type Entry struct {
	Name    string // from NameOf
	Session cred.Session
	Made    time.Time
	Kind    string // of the step, such as "AssumeRole"
	Owner   string // the profile that owns the step
	Detail  string // role ARN or MFA serial
	Renews  bool   // can be made again without a person
	KeyID   string // of the stored key that it comes from, "" where none does
}

// Cache is one data directory, seen with one seal key. It may be used from
// several goroutines and processes at once.
type Cache struct {
	dataDir string
	seal    *sealer // nil without a seal key
	names   namer
}

// New touches nothing. Without a seal key the cache is empty and stores
// nothing; names are then of use for locks only.
func New(dataDir string, seal cred.Secret) *Cache {
	root := extract(seal)
	c := &Cache{dataDir: dataDir, names: newNamer(root)}
	if !seal.IsZero() {
		c.seal = newSealer(root)
	}
	return c
}

// NameOf gives the name of the entry for a step: 64 hexadecimal digits from
// which nobody without the seal key can tell what it stands for. No two lists
// of parts have the same name.
func (c *Cache) NameOf(parts ...string) string { return c.names.name(parts) }

// Load gives an entry by its name, whatever its age. ErrNotFound also stands
// for a file that does not open: damaged, cut, of another epoch, or put under
// another name. Such a file stays until Sweep, Clear or the next Store.
func (c *Cache) Load(name string) (Entry, error) {
	if err := checkName(name); err != nil {
		return Entry{}, err
	}
	return c.load(name)
}

func (c *Cache) load(name string) (Entry, error) {
	sealed, err := lock.ReadFile(c.path(name), maxEntry)
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, ErrNotFound
	}
	if err != nil {
		return Entry{}, err
	}
	text, ok := c.seal.open(entryMagic, name, sealed)
	if !ok {
		return Entry{}, ErrNotFound
	}
	defer clear(text)
	e, ok := decodeEntry(text)
	if !ok || e.Name != name {
		return Entry{}, ErrNotFound
	}
	return e, nil
}

// ErrNoSealKey is Store's answer where there is no store, or it is locked. Who
// opened the cache knows that before.
var ErrNoSealKey = errors.New("there is no seal key to cache a session with")

// Store writes e under e.Name. A power cut may take it back, which costs a
// question and nothing else. A session without an end is refused: it would be
// a long-term key.
func (c *Cache) Store(e Entry) error {
	if err := checkName(e.Name); err != nil {
		return err
	}
	if e.Session.Expires.IsZero() {
		return errors.New("a session without an end is not cached")
	}
	if c.seal == nil {
		return ErrNoSealKey
	}
	for _, dir := range []string{c.dataDir, c.dir()} {
		if err := lock.MakeDir(dir); err != nil {
			return err
		}
	}
	text := encodeEntry(e)
	defer clear(text)
	sealed := c.seal.seal(entryMagic, e.Name, text)
	if len(sealed) > maxEntry {
		return fmt.Errorf("a session of %d bytes is not cached", len(text))
	}
	return lock.WriteFile(c.path(e.Name), sealed, lock.WriteOptions{NoDirSync: true})
}

// Delete removes an entry; an absent one is no error.
func (c *Cache) Delete(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := c.checkDirs(); err != nil {
		return absent(err)
	}
	return c.remove(name)
}

func (c *Cache) remove(name string) error {
	return absent(os.Remove(c.path(name)))
}

// absent is err, but nil for what is not there.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Names are those of the entries that are there, whether they open or not: one
// look at a folder for whoever asks for many.
func (c *Cache) Names() (map[string]bool, error) {
	if err := c.checkDirs(); err != nil {
		return nil, absent(err)
	}
	files, err := os.ReadDir(c.dir())
	names := make(map[string]bool, len(files))
	for _, f := range files {
		names[f.Name()] = true
	}
	return names, absent(err)
}

// Entries gives every entry that opens, ended ones included, in no order.
func (c *Cache) Entries() ([]Entry, error) {
	var all []Entry
	err := c.each(func(name string, e Entry, err error) error {
		if err == nil {
			all = append(all, e)
		}
		return nil
	})
	return all, err
}

// Clear removes the entries that match, or everything when match is nil, and
// says how many went. Files that do not open go with everything only.
func (c *Cache) Clear(match func(Entry) bool) (int, error) {
	return c.removeIf(func(e Entry, err error) bool { return match == nil || err == nil && match(e) })
}

// Sweep removes entries that ended over an hour before now, files that do not
// open, and what dead writers left. A file that cannot be read at the moment
// stays; so does every file when there is no seal key. An entry that another
// process stores again at the same instant can be lost, which costs one call.
func (c *Cache) Sweep(now time.Time) (int, error) {
	if c.seal == nil {
		return 0, nil
	}
	return c.removeIf(func(e Entry, err error) bool {
		unsafe := (*lock.UnsafeError)(nil)
		return errors.Is(err, ErrNotFound) || errors.As(err, &unsafe) || err == nil && e.Session.Left(now) < -keepEnded
	})
}

func (c *Cache) removeIf(match func(Entry, error) bool) (int, error) {
	n := 0
	err := c.each(func(name string, e Entry, err error) error {
		if !match(e, err) {
			return nil
		}
		if err := c.remove(name); err != nil {
			return err
		}
		n++
		return nil
	})
	if err == nil {
		err = lock.Clean(c.dir())
	}
	return n, err
}

// each visits every file that could be an entry, with what Load says of it. A
// link to another folder leads to nothing of ours, and what is there stays.
func (c *Cache) each(visit func(string, Entry, error) error) error {
	if err := c.checkDirs(); err != nil {
		return absent(err)
	}
	files, err := os.ReadDir(c.dir())
	failed := []error{err}
	for _, f := range files {
		if checkName(f.Name()) != nil || f.IsDir() {
			continue
		}
		e, err := c.load(f.Name())
		failed = append(failed, visit(f.Name(), e, err))
	}
	return errors.Join(failed...)
}

// checkDirs is lock.CheckDir for what names go through.
func (c *Cache) checkDirs() error {
	if err := lock.CheckDir(c.dataDir); err != nil {
		return err
	}
	return lock.CheckDir(c.dir())
}

// Changed is when an entry was last added or removed, by any process.
func (c *Cache) Changed() (time.Time, error) {
	info, err := os.Stat(c.dir())
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

func (c *Cache) dir() string { return filepath.Join(c.dataDir, dirName) }

func (c *Cache) path(name string) string { return filepath.Join(c.dataDir, dirName, name) }

// checkName keeps names to what is one plain file on every system. NameOf
// gives no others.
func checkName(name string) error {
	const plain = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
	if name == "" || len(name) > 128 || strings.Trim(name, plain) != "" {
		return fmt.Errorf("%q is not the name of a cache entry", name)
	}
	return nil
}
