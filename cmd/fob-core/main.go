// Command fob-core is everything that fob does not answer from the cache. It is
// started by fob.
package main

import (
	"os"

	"fob/internal/cli"
)

// version is set by -ldflags "-X main.version=...".
var version = "development"

func main() { os.Exit(cli.Main(cli.RealSystem(version))) }
