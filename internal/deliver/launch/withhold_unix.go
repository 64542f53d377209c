//go:build unix

package launch

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// Withhold keeps a descriptor above 2 that this process was started with from
// every process that it starts, and from the one that takes its place. One that
// was not passed on to us is fs.ErrNotExist: no other process can have meant it.
// The standard streams are for a child as well, and stay.
func Withhold(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	switch {
	case err != nil, fd > 2 && flags&unix.FD_CLOEXEC != 0:
		return fs.ErrNotExist
	case fd > 2:
		unix.CloseOnExec(fd)
	}
	return nil
}
