//go:build unix

package lock

import (
	"errors"
	"io/fs"
	"strconv"

	"golang.org/x/sys/unix"
)

// ReadFile reads a file of our own: regular, of this user, without group or
// other bits, with one name, at most max bytes. Anything else is *UnsafeError;
// an absent file is fs.ErrNotExist. It follows no link at path and never waits
// for a FIFO. It calls the system directly, because os.File would set up the
// poller first, and this is what a cached run spends its time on.
func ReadFile(path string, max int64) ([]byte, error) {
	return readFile(path, max, true)
}

// readFile without private reads what others may read too, such as the AWS
// configuration.
func readFile(path string, max int64, private bool) ([]byte, error) {
	fd, err := open(path, unix.O_NONBLOCK)
	if err != nil {
		return nil, openError(path, &fs.PathError{Op: "open", Path: path, Err: err})
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, &UnsafeError{Path: path, Why: "it is not a regular file"}
	case st.Nlink > 1:
		return nil, &UnsafeError{Path: path, Why: "it has " + strconv.FormatUint(uint64(st.Nlink), 10) + " names (hard links)"}
	case st.Size > max:
		return nil, tooLarge(path, max)
	}
	if err := checkOwner(path, st.Uid); err != nil {
		return nil, err
	}
	if private {
		if err := checkPrivate(path, fs.FileMode(st.Mode&0o777), "600"); err != nil {
			return nil, err
		}
	}
	return readAll(fd, path, int(st.Size), max)
}

// readAll reads to the end, which may have moved since the size was taken.
func readAll(fd int, path string, size int, max int64) ([]byte, error) {
	data := make([]byte, 0, size+1)
	for {
		if int64(len(data)) > max {
			return nil, tooLarge(path, max)
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := unix.Read(fd, data[len(data):cap(data)])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return nil, &fs.PathError{Op: "read", Path: path, Err: err}
		case n == 0:
			return data, nil
		default:
			data = data[:len(data)+n]
		}
	}
}

func open(path string, flags int) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NOCTTY|flags, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

func tooLarge(path string, max int64) error {
	return &UnsafeError{Path: path, Why: "it is larger than " + strconv.FormatInt(max, 10) + " bytes"}
}
