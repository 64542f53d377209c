package sealkey

import (
	"crypto/sha256"
	"errors"
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
	session := &spot{name: SessionKeyring, place: sessionKeyring(home)}
	memory := inMemory
	if o.AnyDisk {
		memory = nil
	}
	dir := filepath.Join(shared, "fob-"+strconv.Itoa(o.UID))
	files := []*spot{
		runtimeFile(o.RuntimeDir, home, memory),
		{name: "file in " + dir, place: file{parent: shared, check: checkShared, dir: dir, home: home, memory: memory}},
	}
	if o.NoKeyring {
		return files, nil
	}
	return append([]*spot{session, {name: "user keyring", place: userKeyring(home)}}, files...), []*spot{session}
}

// inMemory refuses a directory on a disk, as a runtime directory is where no login
// manager made it (statfs(2)).
func inMemory(dir string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return err
	}
	if kind := uint32(fs.Type); kind != unix.TMPFS_MAGIC && kind != unix.RAMFS_MAGIC {
		return errors.New("it is on a disk, where the key would outlive this run of the machine")
	}
	return nil
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
