package main

import (
	"encoding/binary"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownSession gives this thread a session keyring that nobody else has.
func ownSession() error {
	_, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)
	return err
}

// settle writes out what was made, so that the disk is idle afterwards.
func settle() { unix.Sync() }

func countInstructions() (read func() int64) {
	return count(unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_INSTRUCTIONS)
}

// count starts to count what programs do in user space that this thread starts
// from now on, each from its exec on, with what it starts in turn
// (perf_event_open(2)). read gives the sum, or -1 where the kernel has no such
// counter or keeps it to itself.
func count(kind uint32, what uint64) (read func() int64) {
	fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{
		Type: kind, Config: what, Size: unix.PERF_ATTR_SIZE_VER1,
		Bits: unix.PerfBitDisabled | unix.PerfBitInherit | unix.PerfBitEnableOnExec | unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv,
	}, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return func() int64 { return -1 }
	}
	return func() int64 {
		defer unix.Close(fd)
		var b [8]byte
		if n, err := unix.Read(fd, b[:]); err != nil || n != len(b) {
			return -1
		}
		return int64(binary.NativeEndian.Uint64(b[:]))
	}
}

// minorFaults is how often the kernel had to map a page that needed no disk.
func minorFaults(s *os.ProcessState) int64 {
	if u, ok := s.SysUsage().(*syscall.Rusage); ok {
		return u.Minflt
	}
	return 0
}

// kernelName is the kernel with its version, and loadAverage that of the last
// one, five and fifteen minutes.
func kernelName() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return "Linux " + strings.TrimSpace(string(text))
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	words := strings.Fields(string(text))
	return strings.Join(words[:min(3, len(words))], " ")
}

// processorName is what the processors call themselves.
func processorName() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, rest, _ := strings.Cut(string(text), "model name")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimLeft(line, "\t :")
}
