package lock

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// staged is a temporary file with its content on disk. Its writer holds a lock
// on it until the end, which is how a cleaner knows a file that was left over.
type staged struct {
	root    *os.Root
	name    string
	release func()
	renamed bool
}

// stage writes data to a new file named after base.
func stage(root *os.Root, base string, data []byte, mode fs.FileMode) (*staged, error) {
	s, f, err := newTemp(root, base)
	if err != nil {
		return nil, err
	}
	err = fill(f, data, mode)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

// newTemp makes an empty file. It tries again when a cleaner removed it before
// it was held.
func newTemp(root *os.Root, base string) (*staged, *os.File, error) {
	for range 100 {
		name := tempName(base)
		f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if release, held := hold(f); held {
			return &staged{root: root, name: name, release: release}, f, nil
		}
		_ = f.Close()
	}
	return nil, nil, errors.New("no temporary file could be kept")
}

func fill(f *os.File, data []byte, mode fs.FileMode) error {
	if err := f.Chmod(mode); err != nil { // the umask may have taken bits away
		return err
	}
	if _, err := f.Write(data); err != nil { // short writes are errors
		return err
	}
	return f.Sync()
}

// rename gives the file its name. With create, a file that has it stays.
func (s *staged) rename(name string, create bool) error {
	var err error
	if create {
		err = renameNew(s.root, s.name, name)
	} else {
		err = rename(s.root, s.name, name)
	}
	s.renamed = err == nil
	return err
}

// end removes the file unless it was renamed.
func (s *staged) end() {
	if !s.renamed {
		_ = s.root.Remove(s.name)
	}
	s.release()
}

const tempRandom = 8 // bytes

func tempName(base string) string {
	var b [tempRandom]byte
	_, _ = rand.Read(b[:]) // never an error, says its documentation
	return "." + base + "." + hex.EncodeToString(b[:]) + ".tmp"
}

// tempFor gives the file that a temporary file is for, or "" when name is not
// one of ours.
func tempFor(name string) string {
	name, ok := strings.CutSuffix(name, ".tmp")
	if !ok || len(name) < len("..")+1+2*tempRandom || name[0] != '.' {
		return ""
	}
	cut := len(name) - 2*tempRandom
	if _, err := hex.DecodeString(name[cut:]); err != nil || name[cut-1] != '.' {
		return ""
	}
	return name[1 : cut-1]
}

// Clean removes the temporary files that dead writers left in dir, for the
// files of these names or for whatever file. WriteFile does it for the file it
// writes.
func Clean(dir string, names ...string) error {
	root, err := OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cleaning %s: %w", dir, err)
	}
	defer root.Close()
	clean(root, names...)
	return nil
}

// Abandoned names the files that Clean would remove, of those that were last
// written before that time: one that is just being made is left alone.
func Abandoned(dir string, before time.Time, names ...string) []string {
	root, err := OpenRoot(dir)
	if err != nil {
		return nil
	}
	defer root.Close()
	var found []string
	eachTemp(root, names, func(name string) {
		info, err := root.Lstat(name)
		if err == nil && info.ModTime().Before(before) && ifAbandoned(root, name, func() {}) {
			found = append(found, name)
		}
	})
	slices.Sort(found)
	return found
}

// clean removes what was left for the given files, or for all when none is
// given. It is best effort: a file that stays costs a few bytes.
func clean(root *os.Root, bases ...string) {
	eachTemp(root, bases, func(name string) {
		ifAbandoned(root, name, func() { _ = root.Remove(name) })
	})
}

func eachTemp(root *os.Root, bases []string, do func(name string)) {
	d, err := root.Open(".")
	if err != nil {
		return
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	for _, name := range names {
		base := tempFor(name)
		if base != "" && (len(bases) == 0 || slices.Contains(bases, base)) {
			do(name)
		}
	}
}

// ifAbandoned does something while nobody can come to write the file.
func ifAbandoned(root *os.Root, name string, do func()) bool {
	info, err := root.Lstat(name)
	if err != nil {
		return false
	}
	if !info.Mode().IsRegular() { // a planted link: the link itself is meant
		do()
		return true
	}
	f, err := root.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	if !abandoned(f) {
		return false
	}
	do()
	return true
}
