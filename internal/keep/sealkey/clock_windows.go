package sealkey

import (
	"time"

	"golang.org/x/sys/windows"
)

// sinceBoot goes on while the machine sleeps (GetTickCount64).
func sinceBoot() time.Duration { return windows.DurationSinceBoot() }

// bootHash is the same for every run: the ends of a record tell an old one.
func bootHash() [8]byte { return [8]byte{} }
