package lock

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/windows"
)

// Windows protects the profile directory of a user by access lists that are
// inherited, so modes and owners are not looked at here.

// lockOffset lies beyond any heartbeat: a locked range cannot be read by
// others, and they must read the heartbeat.
const lockOffset = 1 << 30

func openLock(path string) (*os.File, error) {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &UnsafeError{Path: path, Why: "it is not a regular file"}
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

func tryLock(f *os.File) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	at := &windows.Overlapped{Offset: lockOffset}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}

func unlock(f *os.File) error {
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, &windows.Overlapped{Offset: lockOffset})
}

// hold does nothing: a renamed or removed file that is open elsewhere is
// refused by the system, and cleaning waits for old files.
func hold(*os.File) (release func(), held bool) { return func() {}, true }

// abandoned is never sure here, so nothing is removed.
func abandoned(*os.File) bool { return false }

func checkStat(string, fs.FileInfo) error { return nil }

func checkPrivate(string, fs.FileMode, string) error { return nil }

func checkDir(string, fs.FileInfo) error { return nil }

func syncDir(string) error { return nil }

// syncOpen does nothing: NTFS journals names, and a directory handle cannot be
// flushed without special rights.
func syncOpen(*os.File) error { return nil }

// ReadFile reads a regular file of at most max bytes that is no link. Anything
// else is *UnsafeError; an absent file is fs.ErrNotExist.
func ReadFile(path string, max int64) ([]byte, error) { return readFile(path, max, true) }

func readFile(path string, max int64, _ bool) ([]byte, error) {
	before, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, &UnsafeError{Path: path, Why: "it is not a regular file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if after, err := f.Stat(); err != nil || !os.SameFile(before, after) {
		return nil, errors.Join(err, &UnsafeError{Path: path, Why: "it was replaced while it was looked at"})
	}
	data, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(data)) > max {
		return nil, &UnsafeError{Path: path, Why: "it is larger than " + strconv.FormatInt(max, 10) + " bytes"}
	}
	return data, err
}

// rename tries again for two seconds when a virus scanner or an indexer has
// the file open for a moment.
func rename(root *os.Root, from, to string) error {
	const pause, tries = 20 * time.Millisecond, 100
	var err error
	for range tries {
		err = root.Rename(from, to)
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		time.Sleep(pause) // there is nothing to wait on: Windows tells nobody when a file is let go
	}
	return err
}

func renameNew(root *os.Root, from, to string) error { return lookThenRename(root, from, to) }
