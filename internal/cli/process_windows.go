package cli

import (
	"os"
	"os/exec"
	"syscall"
)

func passedOn() []os.Signal { return []os.Signal{syscall.SIGTERM} }

func notifyChildren(chan<- os.Signal) {}

func ownGroup(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

func terminate(p *os.Process, _ bool) error { return p.Kill() }

func killGroup(*os.Process) {}
