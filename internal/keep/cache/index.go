package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/keep/lock"
)

const (
	indexName  = "index"
	indexLock  = "index.lock"
	indexBlock = 4096
	// maxIndex is the largest index file; with maxItems of the longest ARNs
	// it is not reached.
	maxIndex = 16 << 20
	maxItems = 8192
)

// Index is what must be known before the vault is opened, and is not secret
// enough to open it for. It can always be made again from the vault, but for
// Limits, whose loss costs one refusal by AWS.
type Index struct {
	// Vault is the SHA-256 of the vault file that Keys was made from. When the
	// file's is another, Keys is out of date.
	Vault [32]byte
	// Keys are the stored keys by profile.
	Keys map[string]KeyInfo
	// Limits are the smallest session lifetimes that AWS refused, by role ARN.
	Limits map[string]Limit
	// Rotations are the keys whose rotation has not ended, by profile.
	Rotations map[string]Rotation
	// Directories are the profiles that were chosen for directories, by a sum over
	// all but the config that the choice was made from. Remember adds to them.
	Directories map[string]Directory
	// Log is the key of the record of what was handed out, or zero.
	Log cred.Secret
}

// Directory is the profile of a directory, for as long as the config is the one
// with this SHA-256.
type Directory struct {
	Profile string
	Config  [32]byte
	Made    time.Time
}

// mostDirectories bounds what every cached run reads along with the index.
const mostDirectories = 256

// Remember keeps the profile of a directory, and drops the one that was made
// first when there are too many. It says whether anything is different.
func (x *Index) Remember(sum string, d Directory) bool {
	if old, ok := x.Directories[sum]; ok && old.Profile == d.Profile && old.Config == d.Config {
		return false
	}
	x.Directories[sum] = d
	if len(x.Directories) <= mostDirectories {
		return true
	}
	others := slices.DeleteFunc(sortedKeys(x.Directories), func(s string) bool { return s == sum })
	delete(x.Directories, slices.MinFunc(others, func(a, b string) int {
		return x.Directories[a].Made.Compare(x.Directories[b].Made)
	}))
	return true
}

// Rotation is what may be known of an unfinished rotation while the vault is
// locked: DeleteAfter is zero while the old key still works.
type Rotation struct{ DeleteAfter time.Time }

// KeyInfo is what may be known of a stored key while the vault is locked.
type KeyInfo struct {
	ID      string
	Created time.Time
}

// Limit is a lifetime that a role did not allow, and when AWS said so.
type Limit struct {
	Refused time.Duration
	At      time.Time
}

// believed is how long a refused lifetime is not asked for again: someone may
// raise the role's maximum.
const believed = 7 * 24 * time.Hour

// Refused gives, by role ARN, the smallest lifetime that AWS refused of late.
func (x Index) Refused(now time.Time) map[string]time.Duration {
	refused := make(map[string]time.Duration, len(x.Limits))
	for role, l := range x.Limits {
		if now.Sub(l.At) < believed {
			refused[role] = l.Refused
		}
	}
	return refused
}

// Index gives the index; its maps are never nil. It is ErrNotFound when there
// is none, and when it does not open.
func (c *Cache) Index() (Index, error) {
	x, _, err := c.index()
	return x, err
}

// index also gives the content as it stands in the file.
func (c *Cache) index() (Index, []byte, error) {
	sealed, err := lock.ReadFile(c.indexPath(), maxIndex)
	if errors.Is(err, fs.ErrNotExist) {
		return newIndex(), nil, ErrNotFound
	}
	if err != nil {
		return newIndex(), nil, err
	}
	text, ok := c.seal.open(indexMagic, indexName, sealed)
	if !ok {
		return newIndex(), nil, ErrNotFound
	}
	x, ok := decodeIndex(text)
	if !ok {
		return newIndex(), nil, ErrNotFound
	}
	return x, text, nil
}

// Update changes the index while no other process does: it reads it under a
// lock, an absent or unreadable one as empty, lets change work on it, and writes
// it if anything is different. When change fails, its error is returned and
// nothing is written.
func (c *Cache) Update(ctx context.Context, now func() time.Time, change func(*Index) error) error {
	if c.seal == nil {
		return errors.New("there is no seal key to keep an index with")
	}
	return c.alone(ctx, now, func(l *lock.Lock) error {
		x, before, err := c.index()
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := change(&x); err != nil {
			return err
		}
		if err := l.Check(); err != nil {
			return err
		}
		return c.writeIndex(x, before)
	})
}

// alone does work while no other process changes the index or the spent codes.
func (c *Cache) alone(ctx context.Context, now func() time.Time, work func(*lock.Lock) error) (err error) {
	if err := lock.MakeDir(c.dataDir); err != nil {
		return err
	}
	l, err := lock.Acquire(ctx, filepath.Join(c.dataDir, indexLock), lock.Options{Now: now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Release()) }()
	return work(l)
}

func (c *Cache) writeIndex(x Index, before []byte) error {
	for what, n := range map[string]int{"keys": len(x.Keys), "limits": len(x.Limits), "rotations": len(x.Rotations), "directories": len(x.Directories)} {
		if n > maxItems {
			return fmt.Errorf("the index holds at most %d %s, not %d", maxItems, what, n)
		}
	}
	text := encodeIndex(x)
	if bytes.Equal(text, before) {
		return nil
	}
	sealed := c.seal.seal(indexMagic, indexName, text)
	if len(sealed) > maxIndex {
		return fmt.Errorf("an index of %d bytes is not written", len(sealed))
	}
	return lock.WriteFile(c.indexPath(), sealed, lock.WriteOptions{NoDirSync: true})
}

func (c *Cache) indexPath() string { return filepath.Join(c.dataDir, indexName) }

func newIndex() Index {
	return Index{Keys: map[string]KeyInfo{}, Limits: map[string]Limit{}, Rotations: map[string]Rotation{}, Directories: map[string]Directory{}}
}

// encodeIndex writes maps in the order of their keys, so that the same index is
// always the same bytes.
func encodeIndex(x Index) []byte {
	a := newAppender()
	a.b = append(a.b, x.Vault[:]...)
	a.int(int64(len(x.Keys)))
	for _, profile := range sortedKeys(x.Keys) {
		a.text(profile)
		a.text(x.Keys[profile].ID)
		a.time(x.Keys[profile].Created)
	}
	a.int(int64(len(x.Limits)))
	for _, role := range sortedKeys(x.Limits) {
		a.text(role)
		a.int(int64(x.Limits[role].Refused))
		a.time(x.Limits[role].At)
	}
	more := len(x.Directories) > 0 || !x.Log.IsZero()
	if more || len(x.Rotations) > 0 { // left out for older versions, which know nothing of them
		a.int(int64(len(x.Rotations)))
		for _, profile := range sortedKeys(x.Rotations) {
			a.text(profile)
			a.time(x.Rotations[profile].DeleteAfter)
		}
	}
	if more {
		a.int(int64(len(x.Directories)))
		for _, sum := range sortedKeys(x.Directories) {
			d := x.Directories[sum]
			a.text(sum)
			a.text(d.Profile)
			a.b = append(a.b, d.Config[:]...)
			a.time(d.Made)
		}
	}
	if !x.Log.IsZero() {
		a.secret(x.Log)
	}
	return a.padded(indexBlock)
}

// The least number of bytes of each kind of item.
const (
	timeSize  = 12
	keySize   = 4 + 4 + timeSize
	limitSize = 4 + 8 + timeSize

	rotationSize  = 4 + timeSize
	directorySize = 4 + 4 + 32 + timeSize
)

func decodeIndex(text []byte) (Index, bool) {
	r := newReader(text)
	x := newIndex()
	copy(x.Vault[:], r.take(len(x.Vault)))
	for range r.count(keySize) {
		profile := r.text()
		x.Keys[profile] = KeyInfo{ID: r.text(), Created: r.time()}
	}
	for range r.count(limitSize) {
		role := r.text()
		x.Limits[role] = Limit{Refused: time.Duration(r.int()), At: r.time()}
	}
	if r.done() {
		return x, true
	}
	for range r.count(rotationSize) {
		profile := r.text()
		x.Rotations[profile] = Rotation{DeleteAfter: r.time()}
	}
	if r.done() {
		return x, true
	}
	for range r.count(directorySize) {
		sum, d := r.text(), Directory{Profile: r.text()}
		copy(d.Config[:], r.take(len(d.Config)))
		d.Made = r.time()
		x.Directories[sum] = d
	}
	if !r.done() {
		x.Log = cred.NewSecret(r.text())
	}
	return x, r.done()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, strings.Compare)
	return keys
}
