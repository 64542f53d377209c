package cli

import "syscall"

// readLine reads a standard stream, or a handle that was inherited.
func readLine(fd, most int) ([]byte, error) {
	from, err := handleOf(fd)
	if err != nil {
		return nil, err
	}
	one := make([]byte, 1)
	defer clear(one)
	return lineOf(func() (byte, bool, error) {
		n, err := syscall.Read(from, one)
		return one[0], n == 1, err
	}, most)
}

// handleOf gives the handle of a standard stream, which goes by its number on
// other systems, and any other number as the handle that it is.
func handleOf(fd int) (syscall.Handle, error) {
	if fd <= 2 {
		return syscall.GetStdHandle(syscall.STD_INPUT_HANDLE - fd) // -10, -11, -12
	}
	return syscall.Handle(fd), nil
}

// rereadable says whether who has the descriptor can go back in it.
func rereadable(fd int) bool {
	handle, err := handleOf(fd)
	if err != nil {
		return false
	}
	kind, err := syscall.GetFileType(handle)
	return err == nil && kind == syscall.FILE_TYPE_DISK
}
