package lock

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

func rename(root *os.Root, from, to string) error { return root.Rename(from, to) }

// renameNew fails when to exists. A file system that cannot do that in one
// step (NFS says EINVAL) gets two.
func renameNew(root *os.Root, from, to string) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	fd := int(d.Fd())
	err = unix.Renameat2(fd, from, fd, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return lookThenRename(root, from, to)
	}
	if err != nil {
		return &fs.PathError{Op: "rename", Path: to, Err: err}
	}
	return nil
}
