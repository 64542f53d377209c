//go:build unix

package cli

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// passedOn are the signals for a command that shares our terminal which the
// terminal does not send to it, or which it does not mind to get twice.
func passedOn() []os.Signal {
	return []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGABRT}
}

// notifyChildren tells when a process that we have started ends or stops.
func notifyChildren(to chan<- os.Signal) { signal.Notify(to, syscall.SIGCHLD) }

func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// terminate asks a process to end, or the group that it leads.
func terminate(p *os.Process, group bool) error {
	if group {
		return syscall.Kill(-p.Pid, syscall.SIGTERM)
	}
	return p.Signal(syscall.SIGTERM)
}

// killGroup ends what is left of the group that a process led.
func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
