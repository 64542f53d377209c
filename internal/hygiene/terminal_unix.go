//go:build unix

package hygiene

import "golang.org/x/sys/unix"

// IsTerminal says whether a descriptor is a terminal. It is here because the
// front may not import what tty needs.
func IsTerminal(fd int) bool {
	_, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	return err == nil
}
