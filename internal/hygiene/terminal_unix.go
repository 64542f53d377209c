//go:build unix

package hygiene

import "golang.org/x/sys/unix"

// IsTerminal says whether a descriptor is a terminal.
func IsTerminal(fd int) bool {
	_, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	return err == nil
}
