package sealkey

import (
	"crypto/sha256"
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot goes on while the machine sleeps (clock_gettime(3) of macOS).
func sinceBoot() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// bootHash names this run of the machine.
func bootHash() [8]byte {
	id, _ := unix.Sysctl("kern.bootsessionuuid")
	sum := sha256.Sum256([]byte(id))
	return [8]byte(sum[:8])
}
