package hygiene

import "syscall"

// IsTerminal says whether standard input, output or error (0 to 2) is a
// console.
func IsTerminal(fd int) bool {
	handle, err := syscall.GetStdHandle(syscall.STD_INPUT_HANDLE - fd) // -10, -11, -12
	var mode uint32
	return err == nil && syscall.GetConsoleMode(handle, &mode) == nil
}
