//go:build unix

package lock

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// checkDir looks again at the directory that is open, not at the name: what
// the name led to before may be gone.
func checkDir(path string, before fs.FileInfo) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) {
		return &UnsafeError{Path: path, Why: "it was replaced while it was looked at"}
	}
	if err != nil {
		if owner := checkStat(path, before); owner != nil {
			return owner
		}
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(before, info) {
		return &UnsafeError{Path: path, Why: "it was replaced while it was looked at"}
	}
	if err := checkStat(path, info); err != nil {
		return err
	}
	return checkPrivate(path, info.Mode().Perm(), "700")
}

// syncDir flushes a directory's names. EINVAL means that this file system has
// nothing to flush there (fsync(2)). A directory that may be entered and not
// read, such as the parent of a home, cannot be opened for it.
func syncDir(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return syncOpen(f)
}

func syncOpen(f *os.File) error {
	if err := f.Sync(); err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	return nil
}
