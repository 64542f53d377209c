package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MakeDir makes path and what is missing above it, each level 0700 in one
// step, and flushes what it made. Then, or when path was there, it checks path
// with CheckDir.
func MakeDir(path string) error {
	if err := makeLevel(filepath.Clean(path)); err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	return CheckDir(path)
}

func makeLevel(path string) error {
	err := os.Mkdir(path, 0o700)
	parent := filepath.Dir(path)
	if errors.Is(err, fs.ErrNotExist) && parent != path {
		if err := makeLevel(parent); err != nil {
			return err
		}
		err = os.Mkdir(path, 0o700)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := restoreMode(path); err != nil {
		return err
	}
	return syncDir(parent)
}

// restoreMode gives back what an odd umask took from a directory just made.
func restoreMode(path string) error {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o700 == 0o700 {
		return err
	}
	return os.Chmod(path, 0o700)
}

// CheckDir is nil for a directory of this user that nobody else may enter and
// that is not reached through a link at path. Otherwise it is *UnsafeError;
// an absent one is fs.ErrNotExist.
func CheckDir(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return &UnsafeError{Path: path, Why: "it is a symbolic link"}
	}
	if !info.IsDir() {
		return &UnsafeError{Path: path, Why: "it is not a directory"}
	}
	return checkDir(path, info)
}

// OpenRoot is os.OpenRoot for a directory that no link of somebody else leads
// to, also not one that takes its place while it is opened; that is *UnsafeError.
// A link that this user made is followed.
func OpenRoot(path string) (*os.Root, error) {
	before, err := os.Lstat(path)
	if err == nil && before.Mode()&fs.ModeSymlink != 0 {
		if err := checkStat(path, before); err != nil {
			return nil, err
		}
		before, err = os.Stat(path)
	}
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	after, err := root.Stat(".")
	if err == nil && !os.SameFile(before, after) {
		err = &UnsafeError{Path: path, Why: "it was replaced while it was looked at"}
	}
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return root, nil
}
