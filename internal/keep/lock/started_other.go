//go:build !linux

package lock

import (
	"os"
	"runtime"
	"syscall"
)

// started is 0, unknown: the PID alone names the holder here.
func started() uint64 { return 0 }

// numbering is 0: there is one.
func numbering() uint64 { return 0 }

// gone says whether no process has that number. One that got it anew keeps what
// the other left.
func (h Holder) gone() bool {
	p, err := os.FindProcess(h.PID)
	if err != nil {
		return true
	}
	defer func() { _ = p.Release() }()
	return runtime.GOOS != "windows" && p.Signal(syscall.Signal(0)) != nil
}
