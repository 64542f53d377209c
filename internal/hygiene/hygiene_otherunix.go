//go:build unix && !linux

package hygiene

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

func refuseDebuggers() {}

// ignoreFileSize makes a write beyond RLIMIT_FSIZE fail with EFBIG. Notify, not
// Reset, undoes Ignore: it installs a handler, which execve turns into the
// default.
func ignoreFileSize() (restore func()) {
	signal.Ignore(unix.SIGXFSZ)
	return func() { signal.Notify(make(chan os.Signal, 1), unix.SIGXFSZ) }
}
