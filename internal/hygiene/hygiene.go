// Package hygiene sets this process's limits before anything else happens, so
// that what it holds cannot be read or dumped and what it writes is private. It
// knows nothing of what is held or written.
package hygiene

// Enter closes the process to others of the same user: no core file, no
// debugger and no /proc/PID/mem (Linux), files only for their owner, and a file
// size limit that is an error instead of a crash. It is the first line of main
// and costs five system calls.
//
// restore gives a child what this process was started with; call it as the last
// thing before execve. It may be called more than once, and after a failed
// execve the process stays as safe as any other, not safer. That descriptors
// 0, 1 and 2 are open, on /dev/null if need be, the Go runtime sees to before
// main (runtime.checkfds); a test holds it to that. So a caller that has closed
// its standard output (>&-) looks like one that gave /dev/null open for reading
// and writing, as Python's subprocess.DEVNULL does: the same file and the same
// flags, and nothing in /proc tells them apart. What is written there counts as
// written.
//
// On Linux the process's own /proc/self/fd and /dev/stdin can no longer be
// opened by anyone but root: read descriptors by number.
func Enter() (restore func()) { return enter() }
