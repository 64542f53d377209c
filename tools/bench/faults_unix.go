//go:build unix

package main

import (
	"os"
	"syscall"
)

// minorFaults is how often the kernel had to map a page that needed no disk.
func minorFaults(s *os.ProcessState) int64 {
	if u, ok := s.SysUsage().(*syscall.Rusage); ok {
		return u.Minflt
	}
	return 0
}
