package lock

import (
	"errors"
	"io/fs"
	"os"
)

// lookThenRename is for systems that cannot refuse to replace in one step.
func lookThenRename(root *os.Root, from, to string) error {
	if _, err := root.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
	}
	return rename(root, from, to)
}
