//go:build linux

package keyring

import (
	"errors"
	"strconv"

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

// Closed refuses a session keyring that processes in another one can link into
// theirs, and so possess what is in it: the kernel lets them where a keyring was
// given a name (keyctl session NAME).
func Closed() error {
	if Session.Usable() != nil {
		return nil // nothing of ours rests there
	}
	_, text, _, err := Session.describe()
	if err != nil {
		return err
	}
	// Of the rights of the owner's other processes: search, link, set attributes.
	const enters = 0x00380000
	perm, err := strconv.ParseUint(text, 16, 32)
	if err != nil || perm&enters != 0 {
		return errors.New("the session keyring of this login has a name, by which every process of its user can enter it")
	}
	return nil
}
