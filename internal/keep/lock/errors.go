package lock

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// BusyError is a lock that was not given free in time by a living holder.
type BusyError struct {
	Path   string
	Holder Holder // zero when the lock file does not say
	Waited time.Duration
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("%s is held by %s, still after %s", e.Path, e.Holder, e.Waited)
}

// StuckError is a lock whose holder is there but has stopped beating: it is
// suspended (Ctrl-Z, a debugger), or hangs in the kernel.
type StuckError struct {
	Path   string
	Holder Holder // zero when the lock file does not say
	Age    time.Duration
}

func (e *StuckError) Error() string {
	return fmt.Sprintf("%s is held by %s, which has given no sign of life for %s", e.Path, e.Holder, e.Age.Round(time.Second))
}

// UnsupportedError is a file system on which files cannot be locked, mostly a
// network one (flock(2), ENOLCK and EOPNOTSUPP).
type UnsupportedError struct {
	Path string
	Err  error
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s cannot be locked: %v; move the data directory to a local disk", e.Path, e.Err)
}

// Unwrap gives the system's error.
func (e *UnsupportedError) Unwrap() error { return e.Err }

// UnsafeError is a file or directory that is not what it has to be: a link, no
// regular file, somebody else's, open to others, too large.
type UnsafeError struct {
	Path string
	Why  string
	Mend string // a command line that repairs it; empty when a person must look first
}

func (e *UnsafeError) Error() string { return e.Path + " is refused: " + e.Why }

// ChangedError is a compare-and-write whose file no longer holds what the
// caller had read. Nothing was written.
type ChangedError struct{ Path string }

func (e *ChangedError) Error() string { return e.Path + " was changed by somebody else meanwhile" }

// WriteError is a file that was not written; what was there before still is.
type WriteError struct {
	Path string
	Err  error
}

func (e *WriteError) Error() string { return fmt.Sprintf("writing %s: %v", e.Path, e.Err) }

// Unwrap gives the system's error.
func (e *WriteError) Unwrap() error { return e.Err }

// NotDurableError is a write that took place, but which a power cut may still
// undo: the directory could not be flushed to disk.
type NotDurableError struct {
	Path string
	Err  error
}

func (e *NotDurableError) Error() string {
	return fmt.Sprintf("%s is saved, but not known to survive a power cut: %v", e.Path, e.Err)
}

// Unwrap gives the system's error.
func (e *NotDurableError) Unwrap() error { return e.Err }

// String names the process for a message.
func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	return "process " + strconv.Itoa(h.PID)
}

// command gives a command line that can be pasted into a Unix shell.
func command(words ...string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:,@%"
	for i, w := range words {
		if strings.Trim(w, plain) != "" || w == "" {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
