//go:build unix

package lock

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// openLock opens the lock file for writing, because flock over NFS is a range
// lock, which needs that (flock(2)). O_NONBLOCK is for a FIFO in its place.
func openLock(path string) (*os.File, error) {
	dir := filepath.Dir(path)
	d, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) {
		return nil, &UnsafeError{Path: dir, Why: "it is not a directory, or a link to one"}
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	f, err := openAt(d, path)
	if err != nil {
		return nil, openError(path, err)
	}
	info, err := f.Stat()
	if err == nil {
		err = checkOwn(path, info)
	}
	// A umask such as 0777 takes away what the next opener needs, and an old
	// backup program may have added what nobody else should have.
	if err == nil && info.Mode().Perm() != 0o600 {
		err = f.Chmod(0o600)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func openAt(dir *os.File, path string) (*os.File, error) {
	for {
		fd, err := unix.Openat(int(dir.Fd()), filepath.Base(path), unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o600)
		if err == nil {
			return os.NewFile(uintptr(fd), path), nil
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// tryLock takes the lock if it is free. An interrupted call counts as "not
// yet", so that a caller who polls retries it and still ends in time.
func tryLock(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR) {
		return false, nil
	}
	return err == nil, err
}

// unlock gives the lock free at once, also when a child that is just being
// started still has a copy of the descriptor.
func unlock(f *os.File) error { return flock(int(f.Fd()), unix.LOCK_UN) }

// interruptions is how often a call that nobody polls is made again.
const interruptions = 100

// flock is the call for those who do not poll.
func flock(fd, how int) (err error) {
	for range interruptions {
		if err = unix.Flock(fd, how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
	return err
}

// hold locks a temporary file for as long as the returned function is not
// called, the closing of f included. It is false when a cleaner was faster.
// Where the file system has no locks there is no cleaner either.
func hold(f *os.File) (release func(), held bool) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return func() {}, true
	}
	release = func() { _ = unix.Close(fd) }
	if err := flock(fd, unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		release()
		return nil, false
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err == nil && st.Nlink == 0 {
		release()
		return nil, false
	}
	return release, true
}

// abandoned says whether the writer of a temporary file is gone. The lock that
// proves it is kept until f is closed.
func abandoned(f *os.File) bool {
	return flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

// openError turns what open says of a link, a socket or somebody else's file
// into an UnsafeError.
func openError(path string, err error) error {
	switch {
	case errors.Is(err, unix.EACCES):
		var st unix.Stat_t
		if unix.Lstat(path, &st) == nil {
			return cmp.Or(checkOwner(path, st.Uid), err)
		}
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.EMLINK): // EMLINK is FreeBSD's
		return &UnsafeError{Path: path, Why: "it is a symbolic link"}
	case errors.Is(err, unix.EISDIR), errors.Is(err, unix.ENXIO), errors.Is(err, unix.EOPNOTSUPP):
		return &UnsafeError{Path: path, Why: "it is not a regular file"}
	}
	return err
}

// checkOwn refuses what is no regular file of this user with one name.
func checkOwn(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return &UnsafeError{Path: path, Why: "it is not a regular file"}
	}
	return checkStat(path, info)
}
