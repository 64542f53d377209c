//go:build unix

package lock

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// checkStat refuses a file of somebody else and a file that has a second name,
// through which it could be read or changed from another directory.
func checkStat(path string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return &UnsafeError{Path: path, Why: "its owner cannot be read"}
	}
	if err := checkOwner(path, uint32(st.Uid)); err != nil {
		return err
	}
	if !info.IsDir() && st.Nlink > 1 {
		return &UnsafeError{Path: path, Why: "it has " + strconv.FormatUint(uint64(st.Nlink), 10) + " names (hard links)"}
	}
	return nil
}

func checkOwner(path string, uid uint32) error {
	me := os.Geteuid()
	if int(uid) == me {
		return nil
	}
	e := &UnsafeError{Path: path, Why: "it belongs to user " + strconv.FormatUint(uint64(uid), 10) + ", and you are user " + strconv.Itoa(me)}
	if uid == 0 { // as sudo leaves it; what another user made is looked at first
		e.Mend = command("sudo", "chown", "-R", strconv.Itoa(me), path)
	}
	return e
}

// checkPrivate refuses group and other bits.
func checkPrivate(path string, perm fs.FileMode, mend string) error {
	if perm&0o077 == 0 {
		return nil
	}
	return &UnsafeError{
		Path: path,
		Why:  "other users may use it (mode " + strconv.FormatUint(uint64(perm), 8) + ")",
		Mend: command("chmod", mend, path),
	}
}
