//go:build unix

package launch

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// waitAsFob is what fob does for a command beside which it goes on.
func waitAsFob(argv []string) error {
	signals, children := make(chan os.Signal, 64), make(chan os.Signal, 1)
	for _, s := range Forwarded() {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	signal.Notify(children, syscall.SIGCHLD)
	guarded := func(start func() error) error { return start() }
	return Run(Wait(Beside{Guarded: guarded, Signals: signals, Children: children}), argv, os.Environ())
}

// countSignals is the child: it says who its parent is, and each signal that
// reaches it, up to the second SIGUSR2.
func countSignals() {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM,
		syscall.SIGTERM, syscall.SIGCONT, syscall.SIGWINCH, syscall.SIGCHLD)
	fmt.Println("parent", os.Getppid())
	for s := range signals {
		fmt.Println(s)
		if s == syscall.SIGUSR2 {
			return
		}
	}
}
