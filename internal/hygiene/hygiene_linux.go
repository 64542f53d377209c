package hygiene

import (
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// refuseDebuggers makes ptrace, /proc/PID/mem and /proc/PID/environ root's
// alone, and forbids core dumps also where core_pattern is a pipe, which asks
// no limit. execve makes the child dumpable again by itself.
func refuseDebuggers() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// sigaction is the kernel's struct with room for any architecture's. Only
// MIPS does not begin with the handler.
type sigaction struct {
	handler uintptr
	rest    [15]uintptr
}

const ignored = 1 // SIG_IGN

// ignoreFileSize makes a write beyond RLIMIT_FSIZE fail with EFBIG. It asks the
// kernel and not os/signal, because Reset after Ignore leaves a signal ignored
// (golang/go runtime sigdisable, 1.26), which the child would inherit; to undo
// it by Notify would start a thread in each run. What restore puts back is Go's
// own handler, which execve turns into the default.
func ignoreFileSize() (restore func()) {
	if strings.HasPrefix(runtime.GOARCH, "mips") {
		return func() {}
	}
	var before sigaction
	if !exchange(&sigaction{handler: ignored}, &before) {
		return func() {}
	}
	return func() { exchange(&before, &sigaction{}) }
}

func exchange(set, before *sigaction) bool {
	const signalSetBytes = 8
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGXFSZ),
		uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(before)), signalSetBytes, 0, 0)
	return errno == 0
}
