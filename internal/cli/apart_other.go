//go:build !linux

package cli

// apart is for systems with keyrings of the kernel.
func apart(start func() error) error { return start() }

func canApart() (able bool, err error) { return true, nil }
