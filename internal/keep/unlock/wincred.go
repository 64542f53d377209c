package unlock

import (
	"errors"
	"fmt"
	"syscall"
)

// The codes of Windows that have words of their own here (winerror.h). They
// stand here as numbers, so that other systems test what is made of them.
const (
	winAccessDenied     syscall.Errno = 5
	winServiceDisabled  syscall.Errno = 1058
	winServiceStopped   syscall.Errno = 1062
	winNotFound         syscall.Errno = 1168
	winNoLogonSession   syscall.Errno = 1312
	winNoServer         syscall.Errno = 1722
	winBadStub          syscall.Errno = 1783
	winBadKeyState      syscall.Errno = 0x8009000B // NTE_BAD_KEY_STATE
	winInvalidParameter syscall.Errno = 87
)

// wincred is the Credential Manager of Windows. Every program of the user can
// read what it keeps, and it never asks.
func wincred(open func() items) Kind {
	return itemStore{
		name:  "wincred",
		help:  "the Credential Manager of Windows",
		open:  open,
		show:  func(item) string { return "" },
		words: wincredWords,
	}.kind()
}

func wincredWords(err error) error {
	code := syscall.Errno(0)
	if !errors.As(err, &code) {
		return err
	}
	switch code {
	case winNotFound:
		return errNoItem
	case winNoLogonSession:
		return errors.New("this logon may keep nothing there, as over ssh with a key, in a service, or where a policy forbids it: sign in with a password")
	case winAccessDenied:
		return errors.New("this program is refused the access")
	case winBadKeyState:
		return errors.New("it can no longer decrypt what it has, as after the password of this user was reset by somebody else")
	case winServiceDisabled, winServiceStopped, winNoServer:
		return errors.New("its service does not run: start VaultSvc")
	case winBadStub, winInvalidParameter:
		return errors.New("it does not take an item of this size or name")
	}
	return fmt.Errorf("it answers with code %d: %w", uint32(code), code)
}
