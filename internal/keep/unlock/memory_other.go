//go:build !linux

package unlock

import "io/fs"

// memoryLimit is known on Linux only. 0 means unknown.
func memoryLimit(fs.FS) int64 { return 0 }
