// Command fob is the front: it answers cached runs and leaves the rest to
// fob-core.
package main

import (
	"os"
	"syscall"
	"time"

	"fob/internal/deliver/launch"
	"fob/internal/front"
	"fob/internal/hygiene"
)

// version is set by -ldflags "-X main.version=...".
var version = "development"

func main() {
	_ = growStack(false)
	restore := hygiene.Enter()
	os.Exit(front.Main(front.System{
		Args: os.Args, Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr,
		Now: time.Now, Core: core, Version: version, UID: os.Getuid(), Getwd: syscall.Getwd,
		StdoutIsTerminal: func() bool { return hygiene.IsTerminal(1) },
		StderrIsTerminal: func() bool { return hygiene.IsTerminal(2) },
		Exec: func(path string, argv, environ []string) error {
			restore()
			return launch.Replace(path, argv, environ)
		},
	}))
}

// core is fob-core beside this executable, else in ../libexec/fob.
func core() string {
	self, err := os.Executable()
	if err != nil {
		return "fob-core"
	}
	return front.Core(self, func(path string) bool { _, err := os.Stat(path); return err == nil })
}

// growStack has the stack grow once, to the 32 KiB that a run needs. By itself
// it doubles until it is there, and each step sets up a pool of stacks of its
// size, copies the old one and looks up every frame on it: 3 % of the page
// faults and 4 % of the instructions of a cached run. What counts is the size of
// the frame, which is entered and not touched.
//
//go:noinline
func growStack(touch bool) byte {
	if !touch {
		return 0
	}
	var frame [16 << 10]byte
	return frame[len(os.Args)]
}
