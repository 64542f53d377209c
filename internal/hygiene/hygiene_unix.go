//go:build unix

package hygiene

import "golang.org/x/sys/unix"

// enter has nobody to tell when a call is refused: a limit that cannot be set
// leaves the process as it was started.
func enter() (restore func()) {
	refuseDebuggers()
	var core unix.Rlimit
	limited := unix.Getrlimit(unix.RLIMIT_CORE, &core) == nil && core.Cur != 0
	if limited {
		none := core
		none.Cur = 0
		limited = unix.Setrlimit(unix.RLIMIT_CORE, &none) == nil
	}
	mask := unix.Umask(0o077)
	signals := ignoreFileSize()
	return func() {
		signals()
		unix.Umask(mask)
		if limited {
			_ = unix.Setrlimit(unix.RLIMIT_CORE, &core)
		}
	}
}
