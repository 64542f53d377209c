package sealkey

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"fob/internal/keep/lock"
)

const (
	stampSize = 16
	stampFile = "stamp"
)

// errLocked is why a key that was unlocked before a lock does not rest.
var errLocked = errors.New("the store was locked meanwhile")

// stamp names the time between two locks. It is no secret. It stands at
// DataDir/stamp and in everything that rests, and what bears another one is
// locked, also in places that the process that locked could not reach. Before
// the first lock there is no file, and the stamp is zero.
type stamp [stampSize]byte

// stampNow reads the stamp, and remembers the first one that this Rest met: a
// run may let rest what it unlocked only until the next lock.
func (r *Rest) stampNow() (stamp, error) {
	now, err := readStamp(r.o.DataDir)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == nil {
		r.first = &firstStamp{stamp: now, err: err}
	}
	return now, err
}

// Asking begins anew: what a person opens from now on is opened after every lock
// that was met until now, and may rest although the run is older than they are.
func (r *Rest) Asking() {
	r.mu.Lock()
	r.first = nil
	r.mu.Unlock()
	_, _ = r.stampNow() // a lock that comes while the person types counts
}

// firstStamp is what the first reading gave. One that failed is remembered,
// too: nobody knows what stood there then.
type firstStamp struct {
	stamp stamp
	err   error
}

// sameStamp gives the stamp of this run, or an error when the store has been
// locked since.
func (r *Rest) sameStamp() (stamp, error) {
	now, err := r.stampNow()
	if err != nil {
		return stamp{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first.err != nil || r.first.stamp != now {
		return stamp{}, errLocked
	}
	return now, nil
}

// renewStamp locks everything that rests anywhere. The run that locks may go
// on under the new stamp, unless another lock came before its own.
func (r *Rest) renewStamp() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, alone := lock.WriteOptions{}, r.first == nil
	if !alone && r.first.err == nil {
		o, alone = lock.WriteOptions{Compare: true, Expect: r.first.stamp.text()}, true
	}
	var next stamp
	_, _ = rand.Read(next[:]) // never an error, says its documentation
	err := writeStamp(r.o.DataDir, next, o)
	if changed := (*lock.ChangedError)(nil); errors.As(err, &changed) {
		alone = false
		err = writeStamp(r.o.DataDir, next, lock.WriteOptions{})
	}
	if err == nil && alone {
		r.first = &firstStamp{stamp: next}
	}
	return err
}

// text is what the file holds.
func (s stamp) text() []byte {
	if s == (stamp{}) {
		return nil
	}
	return bytes.Clone(s[:])
}

func readStamp(dataDir string) (stamp, error) {
	path := filepath.Join(dataDir, stampFile)
	text, err := lock.ReadFile(path, 2*stampSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return stamp{}, nil
	case err != nil:
		return stamp{}, err
	case len(text) != stampSize:
		return stamp{}, &lock.UnsafeError{Path: path, Why: fmt.Sprintf("it holds %d bytes and not %d", len(text), stampSize), Mend: "fob lock"}
	}
	return stamp(text), nil
}

// writeStamp makes no directory: where there is none, there is no store to lock.
func writeStamp(dataDir string, s stamp, o lock.WriteOptions) error {
	path := filepath.Join(dataDir, stampFile)
	err := lock.WriteFile(path, s[:], o)
	late, changed := (*lock.NotDurableError)(nil), (*lock.ChangedError)(nil)
	if errors.As(err, &late) {
		return nil // it is in place, and what rests does not outlive a crash
	}
	if err == nil || errors.As(err, &changed) || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// A full disk, or a file whose mode or links are not ours: an empty stamp
	// needs no room, takes the place of any file, and locks as well.
	if emptyStamp(dataDir) != nil {
		return err
	}
	_ = lock.WriteFile(path, s[:], lock.WriteOptions{})
	return nil
}

// emptyStamp puts an empty file in the stamp's place, which readStamp refuses
// until the next lock writes a whole one.
func emptyStamp(dataDir string) error {
	root, err := lock.OpenRoot(dataDir)
	if err != nil {
		return err
	}
	defer root.Close()
	const name = ".stamp.empty"
	_ = root.Remove(name)
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return root.Rename(name, stampFile)
}
