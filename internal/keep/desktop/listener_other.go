//go:build !linux

package desktop

import "os"

// listener is told on Linux only, where the desktops are that speak D-Bus.
func listener(string) (uid int, err error) { return os.Geteuid(), nil }
