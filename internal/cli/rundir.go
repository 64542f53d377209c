package cli

import (
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fob/internal/front"
	"fob/internal/keep/lock"
)

// runPrefix begins the name of a run's directory; the mark of its process and a
// random word follow.
const runPrefix = "run-"

// runDir is a private directory for the files of one run: tokens of endpoints, a
// config for a command. It is of the process that makes it, and of the program that
// takes its place. Where that was killed it stays, for nobody else to read, until
// another run makes one.
type runDir struct {
	root       *os.Root
	path, name string
}

// newRunDir makes one where files end with the login, if that place is this user's
// alone, else with the data; what ended runs left is removed.
func newRunDir(home front.Home) (*runDir, error) {
	places := []string{filepath.Join(home.Data, "run")}
	if home.Runtime != "" && lock.CheckDir(home.Runtime) == nil {
		places = append(places, filepath.Join(home.Runtime, "fob"))
	}
	for _, place := range places {
		sweepRuns(place)
	}
	place := places[len(places)-1]
	for _, dir := range []string{filepath.Dir(place), place} { // who may write above could put another in its place
		if err := lock.MakeDir(dir); err != nil {
			return nil, err
		}
	}
	return makeRunDir(place)
}

// makeRunDir makes one in a directory that is this user's alone.
func makeRunDir(place string) (*runDir, error) {
	return makeNamedDir(place, runPrefix+lock.Mark()+"-"+rand.Text())
}

func makeNamedDir(place, name string) (*runDir, error) {
	root, err := lock.OpenRoot(place)
	if err != nil {
		return nil, err
	}
	d := &runDir{root: root, name: name, path: filepath.Join(place, name)}
	if err := root.Mkdir(name, 0o700); err != nil {
		d.remove()
		return nil, err
	}
	return d, nil
}

// write makes a new file in it, and gives its path.
func (d *runDir) write(name string, text []byte) (string, error) {
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

func (d *runDir) remove() {
	_ = d.root.RemoveAll(d.name)
	_ = d.root.Close()
}

// sweepRuns removes the directories of runs that have ended.
func sweepRuns(place string) {
	sweepDirs(place, runPrefix, func(mark string, _ fs.FileInfo) bool { return lock.Gone(mark) })
}

// sweepDirs removes the directories whose name begins with prefix and that are left
// over: rest is what follows it.
func sweepDirs(place, prefix string, left func(rest string, info fs.FileInfo) bool) {
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
		rest, ok := strings.CutPrefix(name, prefix)
		if info, err := root.Lstat(name); ok && err == nil && info.IsDir() && left(rest, info) {
			_ = root.RemoveAll(name)
		}
	}
}
