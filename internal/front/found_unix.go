//go:build unix

package front

import (
	"errors"
	"io/fs"
	"syscall"
)

// readFound reads a regular file of this user or of root; one that is not there
// is no error. It calls the system directly, as the config's reader does: most of
// what is looked for is not there, and an os.File starts the runtime's poller.
func readFound(path string, uid int) (Found, error) {
	fd, err := open(path)
	if errors.Is(err, fs.ErrNotExist) || err == syscall.ENOTDIR {
		return Found{}, nil
	}
	if err != nil {
		return Found{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = syscall.Close(fd) }()
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return Found{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	switch owner := int(st.Uid); {
	case st.Mode&syscall.S_IFMT != syscall.S_IFREG:
		return Found{}, &FoundError{Path: path, Why: "is no regular file"}
	case uid != 0 && owner != 0 && owner != uid:
		return Found{}, &FoundError{Path: path, Why: "belongs to another user, who could name another account in it"}
	case st.Mode&0o002 != 0:
		return Found{}, &FoundError{Path: path, Why: "can be written by every user of this machine"}
	case st.Size > mostFound:
		return Found{}, &FoundError{Path: path, Why: "is too large to be what its name says"}
	}
	text := make([]byte, int(st.Size)+1)
	for n := 0; ; {
		got, err := syscall.Read(fd, text[n:])
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return Found{}, &fs.PathError{Op: "read", Path: path, Err: err}
		case got == 0:
			return Found{Path: path, Text: text[:n]}, nil
		}
		if n += got; n > mostFound {
			return Found{}, &FoundError{Path: path, Why: "is too large to be what its name says"}
		}
		if n == len(text) {
			text = append(text, make([]byte, len(text))...)
		}
	}
}

func open(path string) (int, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC|syscall.O_NOCTTY, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}
