//go:build unix

package lock

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// checkDir looks again at the directory that is open, not at the name: what
// the name led to before may be gone. Like ReadFile it leaves os.File alone: a
// cached run whose seal key rests in a file comes by here twice.
func checkDir(path string, before fs.FileInfo) error {
	fd, err := open(path, unix.O_DIRECTORY)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) {
		return &UnsafeError{Path: path, Why: "it was replaced while it was looked at"}
	}
	if err != nil {
		if owner := checkStat(path, before); owner != nil {
			return owner
		}
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	was, ok := before.Sys().(*syscall.Stat_t)
	if !ok || was.Ino != st.Ino || was.Dev != st.Dev {
		return &UnsafeError{Path: path, Why: "it was replaced while it was looked at"}
	}
	if err := checkOwner(path, st.Uid); err != nil {
		return err
	}
	return checkPrivate(path, fs.FileMode(st.Mode&0o777), "700")
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
