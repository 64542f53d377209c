//go:build unix && !darwin

package tty

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// wait says whether fd became ready for events (POLLIN, POLLOUT) in time. A
// signal ends it early.
func wait(fd int, events int16, most time.Duration) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	n, err := unix.Poll(fds, int(most.Milliseconds()))
	if errors.Is(err, unix.EINTR) {
		return false, nil
	}
	return n > 0, err
}
