package sealkey

import (
	"crypto/sha256"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// sharedMemory is a memory file system that every Linux system has, if any.
const sharedMemory = "/dev/shm"

func places(o Options) (seal, identity []*spot) { return placesIn(o, sharedMemory) }

func placesIn(o Options, shared string) (seal, identity []*spot) {
	home := homeHash(o.DataDir)
	session := &spot{name: "session keyring", place: sessionKeyring(home)}
	dir := filepath.Join(shared, "fob-"+strconv.Itoa(o.UID))
	files := []*spot{
		runtimeFile(o.RuntimeDir, home),
		{name: "file in " + dir, place: file{parent: shared, check: checkShared, dir: dir, home: home}},
	}
	if o.NoKeyring {
		return files, nil
	}
	return append([]*spot{session, {name: "user keyring", place: userKeyring(home)}}, files...), []*spot{session}
}

// sinceBoot counts suspends, which Go's own timers do not (clock_gettime(2)).
func sinceBoot() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// bootHash names this run of the machine.
func bootHash() [8]byte {
	var b [64]byte
	n := 0
	if fd, err := unix.Open("/proc/sys/kernel/random/boot_id", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		n, _ = unix.Read(fd, b[:])
		_ = unix.Close(fd)
	}
	sum := sha256.Sum256(b[:max(n, 0)])
	return [8]byte(sum[:8])
}
