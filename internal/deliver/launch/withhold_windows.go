package launch

import (
	"io/fs"
	"syscall"
)

// Withhold keeps a handle above 2 that this process was started with from every
// process that it starts. The standard streams are for a child as well, and
// stay.
func Withhold(fd int) error {
	if fd < 0 {
		return fs.ErrNotExist
	}
	if fd <= 2 {
		return nil
	}
	if err := syscall.SetHandleInformation(syscall.Handle(fd), syscall.HANDLE_FLAG_INHERIT, 0); err != nil {
		return fs.ErrNotExist
	}
	return nil
}
