package cache

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fob/internal/keep/lock"
)

const (
	spentName  = "spent"
	spentMagic = "fobs\x01"
	spentSize  = sha256.Size + timeSize
	maxSpent   = 1 << 20
)

// ErrSpent says that a code was sent before and must not be sent again.
var ErrSpent = errors.New("this code was used already; AWS takes each one once")

// spent is one code that was sent. After until AWS itself would refuse it.
type spent struct {
	sum   [sha256.Size]byte
	until time.Time
}

// Spend records a code as sent, for as long as AWS could take it, or says
// ErrSpent. Of several processes that spend one code, one may send it.
//
// The record is a file of its own and is not sealed: a seal key ends with lock
// --forget and with a removal, and AWS remembers its codes beyond that. What
// stands there is hashes of codes, which six digits do not hide, and of codes
// only: no serial and no profile. A code that was sent opens nothing any more.
// Two devices that show one code at one time, one time in a million, cost a
// wait for the next.
func (c *Cache) Spend(ctx context.Context, now func() time.Time, code string, lasts time.Duration) error {
	sum := sha256.Sum256([]byte(spentMagic + code))
	return c.addSpent(ctx, now, func(all []spent, at time.Time) (spent, error) {
		if slices.ContainsFunc(all, func(s spent) bool { return s.sum == sum }) {
			return spent{}, ErrSpent
		}
		return spent{sum: sum, until: at.Add(lasts)}, nil
	})
}

// MaySpend says what Spend would say of the file, before a person is asked for a
// code in vain: it writes a record of no code, which has ended.
func (c *Cache) MaySpend(ctx context.Context, now func() time.Time) error {
	return c.addSpent(ctx, now, func(_ []spent, at time.Time) (spent, error) { return spent{until: at}, nil })
}

// Unspend takes the record of a code back. It is for a code of which it is certain
// that no byte of the call was sent.
func (c *Cache) Unspend(ctx context.Context, now func() time.Time, code string) error {
	sum := sha256.Sum256([]byte(spentMagic + code))
	return c.changeSpent(ctx, now, func(all []spent, _ time.Time) ([]spent, error) {
		return slices.DeleteFunc(all, func(s spent) bool { return s.sum == sum }), nil
	})
}

// addSpent adds a record.
func (c *Cache) addSpent(ctx context.Context, now func() time.Time, record func([]spent, time.Time) (spent, error)) error {
	return c.changeSpent(ctx, now, func(all []spent, at time.Time) ([]spent, error) {
		more, err := record(all, at)
		return append(all, more), err
	})
}

// changeSpent changes the records, and leaves out those that have ended.
func (c *Cache) changeSpent(ctx context.Context, now func() time.Time, change func([]spent, time.Time) ([]spent, error)) error {
	return c.alone(ctx, now, func(l *lock.Lock) error {
		all, err := c.spent()
		if err != nil {
			return err
		}
		at := now()
		all = slices.DeleteFunc(all, func(s spent) bool { return !s.until.After(at) })
		if all, err = change(all, at); err != nil {
			return err
		}
		if err := l.Check(); err != nil {
			return err
		}
		return lock.WriteFile(c.spentPath(), encodeSpent(all), lock.WriteOptions{NoDirSync: true})
	})
}

// spent reads the file; what makes no sense counts as none, which costs one
// refusal by AWS.
func (c *Cache) spent() ([]spent, error) {
	text, err := lock.ReadFile(c.spentPath(), maxSpent)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeSpent(text), nil
}

func (c *Cache) spentPath() string { return filepath.Join(c.dataDir, spentName) }

func encodeSpent(all []spent) []byte {
	a := &appender{b: []byte(spentMagic)}
	a.int(int64(len(all)))
	for _, s := range all {
		a.b = append(a.b, s.sum[:]...)
		a.time(s.until)
	}
	return a.b
}

func decodeSpent(text []byte) []spent {
	if !strings.HasPrefix(string(text), spentMagic) {
		return nil
	}
	r := &reader{b: text[len(spentMagic):]}
	all := make([]spent, r.count(spentSize))
	for i := range all {
		copy(all[i].sum[:], r.take(sha256.Size))
		all[i].until = r.time()
	}
	if !r.done() {
		return nil
	}
	return all
}
