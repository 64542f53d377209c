//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// ownTerminal makes a command's standard input its controlling terminal. kill
// ends it with all that it has started there.
func ownTerminal(c *exec.Cmd) (kill func()) {
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	return func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
