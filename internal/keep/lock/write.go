package lock

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// maxOld is the largest file that is read for Compare and Previous. It is the
// largest vault and the largest configuration that are read at all.
const maxOld = 8 << 20

// WriteOptions says what else has to hold when a file is written. The zero
// value writes a private file.
type WriteOptions struct {
	// Mode is the permission of the new file. Zero means 0600, and with
	// FollowLink that of the file that was there.
	Mode fs.FileMode
	// Verify reads the new file back, at the path it is given, before it may
	// replace anything.
	Verify func(path string) error
	// Previous names the file of the same directory that gets the old bytes,
	// written anew; never a link to them.
	Previous string
	// Compare refuses to write with *ChangedError unless the file holds
	// Expect just before the rename. An absent file holds nothing.
	Compare bool
	Expect  []byte
	// Create refuses with fs.ErrExist when there is a file already. Of two
	// writers at once one wins.
	Create bool
	// FollowLink is for a file that is the person's own, such as the AWS
	// configuration: others may be allowed to read it, and a link at path is
	// resolved once and stays, while the file it leads to is replaced.
	FollowLink bool
	// CountAs names the file of the same directory that temporary files are
	// named after, for a path that is another each time: nobody would write
	// that one again and remove what a dead writer left.
	CountAs string
	// NoDirSync leaves the rename to the next flush of the file system: after
	// a power cut the old file may be back.
	NoDirSync bool
}

// WriteFile replaces the file at path so that it is the old one or the new one
// at every instant: a temporary file beside it, flushed, read back, renamed.
// The first error ends it with the old file in place and no other left; a
// failed flush is never tried again, since the kernel may have dropped the
// pages it could not write: that is *WriteError. *NotDurableError is the one
// error after which the new file is in place. *UnsafeError is for a path that holds something other
// than a file of our own. Temporary files of writers that died are removed.
func WriteFile(path string, data []byte, o WriteOptions) error {
	t, err := aim(path, o)
	if err != nil {
		return err
	}
	open := OpenRoot
	if o.FollowLink { // a person may keep the whole folder elsewhere
		open = os.OpenRoot
	}
	root, err := open(filepath.Dir(t.path))
	if err != nil {
		return &WriteError{Path: path, Err: err}
	}
	defer root.Close()
	w := writer{root: root, target: t, o: o}
	clean(root, filepath.Base(t.path), o.Previous, o.CountAs)
	if err := w.write(data); err != nil {
		return &WriteError{Path: path, Err: err}
	}
	if o.NoDirSync {
		return nil
	}
	if err := w.syncDir(); err != nil {
		return &NotDurableError{Path: path, Err: err}
	}
	return nil
}

// MayWrite is what WriteFile would say of the file that is at path, before
// anything is written: *UnsafeError, or nil.
func MayWrite(path string, o WriteOptions) error {
	_, err := aim(path, o)
	return err
}

// target is the file that will be replaced.
type target struct {
	path string // no link any more
	mode fs.FileMode
}

// aim finds the file to replace and refuses what should not be replaced.
func aim(path string, o WriteOptions) (target, error) {
	t := target{path: filepath.Clean(path), mode: o.Mode}
	if t.mode == 0 {
		t.mode = 0o600
	}
	info, err := os.Lstat(t.path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 && o.FollowLink {
		if err := checkStat(path, info); err != nil {
			return t, err
		}
		if t.path, err = filepath.EvalSymlinks(path); err != nil {
			return t, &UnsafeError{Path: path, Why: "it is a symbolic link that leads nowhere"}
		}
		info, err = os.Lstat(t.path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	if o.FollowLink && o.Mode == 0 {
		t.mode = info.Mode().Perm()
	}
	return t, checkOld(t.path, info, !o.FollowLink)
}

// CheckLink is nil for a link at path that this user made; else *UnsafeError.
func CheckLink(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	return checkStat(path, info)
}

func checkOld(path string, info fs.FileInfo, private bool) error {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return &UnsafeError{Path: path, Why: "it is a symbolic link"}
	case !info.Mode().IsRegular():
		return &UnsafeError{Path: path, Why: "it is not a regular file"}
	}
	if err := checkStat(path, info); err != nil || !private {
		return err
	}
	return checkPrivate(path, info.Mode().Perm(), "600")
}

// writer is one WriteFile under way. Every name goes through root, so that a
// directory swapped meanwhile leads nowhere else.
type writer struct {
	root   *os.Root
	target target
	o      WriteOptions
}

func (w writer) write(data []byte) error {
	base := filepath.Base(w.target.path)
	s, err := stage(w.root, cmp.Or(w.o.CountAs, base), data, w.target.mode)
	if err != nil {
		return err
	}
	defer s.end()
	if w.o.Verify != nil {
		if err := w.o.Verify(filepath.Join(w.root.Name(), s.name)); err != nil {
			return fmt.Errorf("verifying what was written: %w", err)
		}
	}
	if err := w.compare(); err != nil {
		return err
	}
	if err := w.keepOld(); err != nil {
		return err
	}
	// Once more: keeping the old file takes as long as the disk likes.
	if err := w.compare(); err != nil {
		return err
	}
	return s.rename(base, w.o.Create)
}

// compare refuses to go on when the file is not the one that the caller read.
func (w writer) compare() error {
	if !w.o.Compare {
		return nil
	}
	old, _, err := w.old()
	if err == nil && !bytes.Equal(old, w.o.Expect) {
		err = &ChangedError{Path: w.target.path}
	}
	return err
}

// keepOld writes the old bytes to the previous file.
func (w writer) keepOld() error {
	if w.o.Previous == "" {
		return nil
	}
	old, absent, err := w.old()
	if err != nil || absent {
		return err
	}
	s, err := stage(w.root, w.o.Previous, old, w.target.mode)
	if err != nil {
		return fmt.Errorf("keeping the old file: %w", err)
	}
	defer s.end()
	if err := s.rename(w.o.Previous, false); err != nil {
		return fmt.Errorf("keeping the old file: %w", err)
	}
	return nil
}

// old reads the file that is to be replaced.
func (w writer) old() (data []byte, absent bool, err error) {
	data, err = readFile(w.target.path, maxOld, !w.o.FollowLink)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true, nil
	}
	return data, false, err
}

func (w writer) syncDir() error {
	d, err := w.root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	return syncOpen(d)
}
