package cli

import (
	"os"
	"syscall"
)

// readLine reads a standard stream, by its number on other systems, or a handle
// that was inherited.
func readLine(fd, most int) ([]byte, error) {
	from := syscall.Handle(fd)
	if fd <= 2 {
		stream, err := syscall.GetStdHandle(syscall.STD_INPUT_HANDLE - fd) // -10, -11, -12
		if err != nil {
			return nil, err
		}
		from = stream
	}
	one := make([]byte, 1)
	defer clear(one)
	return lineOf(func() (byte, bool, error) {
		n, err := syscall.Read(from, one)
		return one[0], n == 1, err
	}, most)
}

// rereadable says whether who has the descriptor can go back in it.
func rereadable(fd int) bool {
	info, err := os.NewFile(uintptr(fd), "passphrase").Stat()
	return err == nil && info.Mode().IsRegular()
}
