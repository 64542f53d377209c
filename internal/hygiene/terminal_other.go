//go:build !unix

package hygiene

import "golang.org/x/sys/windows"

// IsTerminal says whether standard output is a console.
func IsTerminal(int) bool {
	var mode uint32
	return windows.GetConsoleMode(windows.Handle(windows.Stdout), &mode) == nil
}
