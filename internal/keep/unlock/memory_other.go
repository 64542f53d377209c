//go:build !linux

package unlock

// leastLimit is known on Linux only. 0 means unknown.
func leastLimit() int64 { return 0 }
