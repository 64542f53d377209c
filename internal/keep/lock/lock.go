// Package lock is one process at a time, and whole files or none: a lock that
// dies with its holder, and a writer after which a file is the old one or the
// new one, whatever happened in between. It also reads and makes what it
// writes, with the same suspicion. It knows nothing of what the files hold.
package lock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	defaultWait  = 10 * time.Second
	defaultAfter = 2 * time.Second

	// stuckAfter is how long a heartbeat may be silent. A holder beats every
	// beatEvery, so that one missed beat is not yet a reason.
	stuckAfter = 10 * time.Second
	beatEvery  = 2 * time.Second

	firstPause = time.Millisecond
	maxPause   = 25 * time.Millisecond
)

// Options says how to wait for a lock. The zero value is usable.
type Options struct {
	// Wait is the longest time to wait, 10 s when zero.
	Wait time.Duration
	// Now gives wall-clock time for the heartbeat. Without it the heartbeat
	// carries no time, and waiters go by whether it changes.
	Now func() time.Time
	// Notice is called once, from within Acquire, when the wait has lasted
	// After (2 s when zero). The holder may be the zero Holder: unknown.
	Notice func(Holder)
	After  time.Duration
}

// Lock is a lock that this process holds until Release or its death.
type Lock struct {
	path string
	file *os.File
	stop chan struct{}
	done chan struct{}
	once sync.Once
	err  error
}

// Acquire takes the lock at path, an otherwise meaningless file which is made
// when absent and is never replaced or removed. It ends with *BusyError when
// the wait is over, *StuckError when the holder gives no sign of life, a
// wrapped ctx.Err(), *UnsupportedError where the file system has no locks, and
// *UnsafeError when something else stands at path. There is no mode without a
// lock. The directory of path must exist.
func Acquire(ctx context.Context, path string, o Options) (*Lock, error) {
	if o.Wait == 0 {
		o.Wait = defaultWait
	}
	if o.After == 0 {
		o.After = defaultAfter
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("taking the lock %s: %w", path, err)
	}
	f, err := wait(ctx, path, o)
	if err != nil {
		return nil, err
	}
	l := &Lock{path: path, file: f, stop: make(chan struct{}), done: make(chan struct{})}
	b := beater{file: f, now: o.Now}
	b.beat()
	go b.run(l.stop, l.done)
	return l, nil
}

// AcquireIn is Acquire for the lock of this name in a directory that is made when
// absent. Somebody may move that away while this process waits, which is no reason
// to fail: it is made again, and the wait begins anew.
func AcquireIn(ctx context.Context, dir, name string, o Options) (*Lock, error) {
	const tries = 10 // who goes on moving it is told
	for try := 1; ; try++ {
		if err := MakeDir(dir); err != nil && (!errors.Is(err, fs.ErrNotExist) || try == tries) {
			return nil, err
		}
		l, err := Acquire(ctx, filepath.Join(dir, name), o)
		if err == nil || !errors.Is(err, fs.ErrNotExist) || try == tries {
			return l, err
		}
	}
}

// Release ends the heartbeat and gives the lock away. The second call does
// nothing.
func (l *Lock) Release() error {
	l.once.Do(func() {
		close(l.stop)
		<-l.done
		l.err = errors.Join(unlock(l.file), l.file.Close())
	})
	return l.err
}

// Check is nil while path still names the file that was locked. When somebody
// has removed or replaced it, another process can hold "the lock" too, and the
// caller had better not write.
func (l *Lock) Check() error {
	if same, err := samePath(l.file, l.path); err != nil {
		return err
	} else if !same {
		return &UnsafeError{Path: l.path, Why: "the lock file was replaced while it was held"}
	}
	return nil
}

// wait polls. A blocking flock could end neither with ctx nor with the wait,
// and its file could be replaced under it.
func wait(ctx context.Context, path string, o Options) (*os.File, error) {
	deadline, notice := time.NewTimer(o.Wait), time.NewTimer(o.After)
	defer deadline.Stop()
	defer notice.Stop()
	pause := firstPause
	var w watch
	for {
		f, beat, err := try(path)
		if err != nil || f != nil {
			return f, err
		}
		w.see(beat)
		if age, stuck := w.stuck(o.Now); stuck {
			return nil, &StuckError{Path: path, Holder: w.holder(), Age: age}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the lock %s: %w", path, ctx.Err())
		case <-deadline.C:
			return nil, &BusyError{Path: path, Holder: w.holder(), Waited: o.Wait}
		case <-notice.C:
			if o.Notice != nil {
				o.Notice(w.holder())
			}
		case <-time.After(pause):
			w.silent += pause
		}
		pause = min(2*pause, maxPause)
	}
}

// try makes one attempt. A held lock is no error: it gives no file, and the
// heartbeat as it stands.
func try(path string) (*os.File, string, error) {
	f, err := openLock(path)
	if err != nil {
		return nil, "", err
	}
	switch locked, err := tryLock(f); {
	case err != nil:
		_ = f.Close()
		return nil, "", &UnsupportedError{Path: path, Err: err}
	case !locked:
		beat := readBeat(f)
		_ = f.Close()
		return nil, beat, nil
	}
	same, err := samePath(f, path)
	if err != nil || !same {
		_ = f.Close() // of a file that nobody else will open any more
		return nil, "", err
	}
	return f, "", nil
}

// samePath says whether path names the open file f.
func samePath(f *os.File, path string) (bool, error) {
	here, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(here, there), err
}
