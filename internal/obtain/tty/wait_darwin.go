package tty

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// wait is as in wait_poll.go, by select: poll(2) of macOS does not know
// terminals ("BUGS: The poll() system call currently does not support
// devices").
func wait(fd int, events int16, most time.Duration) (bool, error) {
	if fd >= unix.FD_SETSIZE {
		return false, unix.EBADF
	}
	var set unix.FdSet
	set.Set(fd)
	timeout := unix.NsecToTimeval(most.Nanoseconds())
	read, write := &set, (*unix.FdSet)(nil)
	if events == unix.POLLOUT {
		read, write = write, read
	}
	n, err := unix.Select(fd+1, read, write, nil, &timeout)
	if errors.Is(err, unix.EINTR) {
		return false, nil
	}
	return n > 0, err
}
