package cli

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"

	"fob/internal/front"
	"fob/internal/keep/lock"
)

// childPrefix begins the name of a directory for one child; the mark of its
// process and a random word follow.
const childPrefix = "fob-child-"

// childDir is a private directory with files for one child.
type childDir struct {
	root       *os.Root
	path, name string
}

// childDir makes one below the runtime directory, if that is this user's alone,
// else below the data directory. It is of the process that makes it, and of the
// program that takes its place; what ended ones left is removed.
func (s System) childDir(home front.Home) (*childDir, error) {
	place := home.Data
	if home.Runtime != "" && lock.CheckDir(home.Runtime) == nil {
		place = home.Runtime
	}
	if err := lock.MakeDir(place); err != nil {
		return nil, err
	}
	sweepChildren(home.Data)
	if place != home.Data {
		sweepChildren(place)
	}
	root, err := lock.OpenRoot(place)
	if err != nil {
		return nil, err
	}
	d := &childDir{root: root, name: childPrefix + lock.Mark() + "-" + rand.Text()}
	d.path = filepath.Join(place, d.name)
	if err := root.Mkdir(d.name, 0o700); err != nil {
		d.remove()
		return nil, err
	}
	return d, nil
}

// write makes a new file in it, and gives its path.
func (d *childDir) write(name string, text []byte) (string, error) {
	inside := filepath.Join(d.name, name)
	f, err := d.root.OpenFile(inside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return filepath.Join(d.path, name), err
}

func (d *childDir) remove() {
	_ = d.root.RemoveAll(d.name)
	_ = d.root.Close()
}

// sweepChildren removes the directories of children that have ended.
func sweepChildren(place string) {
	root, err := lock.OpenRoot(place)
	if err != nil {
		return
	}
	defer root.Close()
	top, err := root.Open(".")
	if err != nil {
		return
	}
	defer top.Close()
	names, _ := top.Readdirnames(-1)
	for _, name := range names {
		mark, ok := strings.CutPrefix(name, childPrefix)
		if info, err := root.Lstat(name); ok && err == nil && info.IsDir() && lock.Gone(mark) {
			_ = root.RemoveAll(name)
		}
	}
}
