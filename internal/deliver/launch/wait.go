package launch

import "os"

// Beside is what Wait needs of a process that goes on beside its child.
type Beside struct {
	// Guarded calls start with the limits and the umask that this process was
	// started with, which the child inherits, and takes its own again.
	Guarded func(start func() error) error
	// Signals gives those that Forwarded names, but for what this process was
	// started to ignore. Children gives SIGCHLD, and has room for one.
	Signals, Children <-chan os.Signal
}
