// Command fob is the front: it answers cached runs and leaves the rest to
// fob-core.
package main

import (
	"os"
	"time"

	"fob/internal/deliver/launch"
	"fob/internal/front"
	"fob/internal/hygiene"
)

// version is set by -ldflags "-X main.version=...".
var version = "development"

func main() {
	restore := hygiene.Enter()
	os.Exit(front.Main(front.System{
		Args: os.Args, Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr,
		Now: time.Now, Core: core, Version: version, UID: os.Getuid(),
		StdoutIsTerminal: func() bool { return hygiene.IsTerminal(1) },
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
