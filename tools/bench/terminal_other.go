//go:build !unix

package main

import "os/exec"

// ownTerminal does nothing here, where no terminal was opened either.
func ownTerminal(c *exec.Cmd) (kill func()) { return func() { _ = c.Process.Kill() } }
