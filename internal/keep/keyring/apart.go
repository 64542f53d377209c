//go:build linux

package keyring

import (
	"golang.org/x/sys/unix"
)

// Apart gives the calling thread, and what it starts from now on, a new session
// keyring with nothing in it (keyctl_join_session_keyring(3)). The caller has
// locked the thread to its goroutine and lets it end there: the thread cannot go
// back.
func Apart() error {
	_, _, no := unix.Syscall(unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0)
	if no != 0 {
		return refused("join", no)
	}
	return nil
}
