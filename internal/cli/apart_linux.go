package cli

import (
	"runtime"

	"fob/internal/keep/keyring"
)

// apart calls start in a session keyring of its own, so that what it starts does
// not possess what rests in ours. The keyring belongs to one thread, which ends
// with the goroutine, and the child has what the thread has that makes it.
func apart(start func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := keyring.Apart()
		if err == nil {
			err = start()
		}
		done <- err
	}()
	return <-done
}

// canApart says whether a command can have a session keyring of its own, and why
// even then, or without, it could have what rests in ours.
func canApart() (able bool, err error) {
	if err := apart(func() error { return nil }); err != nil {
		return false, err
	}
	return true, keyring.Closed()
}
