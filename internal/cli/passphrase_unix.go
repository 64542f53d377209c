//go:build unix

package cli

import (
	"errors"
	"syscall"
	"time"
)

// readLine asks the system by the number: an os.File would close the caller's
// descriptor in the end, and /dev/fd cannot be opened (see hygiene).
func readLine(fd, most int) ([]byte, error) {
	const again = 10 * time.Millisecond
	one := make([]byte, 1)
	defer clear(one)
	return lineOf(func() (byte, bool, error) {
		for {
			n, err := syscall.Read(fd, one)
			switch {
			case errors.Is(err, syscall.EINTR):
			case errors.Is(err, syscall.EAGAIN): // the caller has set O_NONBLOCK
				<-time.After(again)
			default:
				return one[0], n == 1, err
			}
		}
	}, most)
}

// rereadable says whether who has the descriptor can go back in it.
func rereadable(fd int) bool {
	var st syscall.Stat_t
	return syscall.Fstat(fd, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFREG
}
