package launch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fob/internal/fault"
)

// LookPath finds the file to run for name: a name with a separator is the file
// itself, any other is looked for on the PATH of environ. It is NotFound when
// there is none and CannotRun when there are only ones that cannot be run.
//
// A file that PATH finds by a relative entry is refused, as os/exec refuses it:
// whoever can write to the current directory would choose what is run.
func LookPath(name string, environ []string) (string, error) {
	if strings.ContainsAny(name, separators) {
		path, err := program(name, environ)
		return path, pathFault(name, err)
	}
	if name == "" {
		return "", pathFault(name, fs.ErrNotExist)
	}
	list, ok := lookup(environ, "PATH")
	if !ok {
		list = defaultPath
	}
	denied := error(nil)
	for _, dir := range splitPath(list) {
		path, err := program(within(dir, name), environ)
		if err == nil && !filepath.IsAbs(dir) {
			return "", pathFault(name, &RelativeError{Path: path})
		}
		if err == nil {
			return path, nil
		}
		if !isAbsent(err) && denied == nil { // as execvp(3): go on, and remember it
			denied = err
		}
	}
	if denied != nil {
		return "", pathFault(name, denied)
	}
	return "", pathFault(name, fs.ErrNotExist)
}

// within joins without cleaning: "link/../bin" is not "bin" when link is one.
func within(dir, name string) string {
	const separator = string(filepath.Separator)
	if dir == "" { // an empty entry of PATH is the current directory
		dir = "."
	}
	return strings.TrimSuffix(dir, separator) + separator + name
}

// RelativeError is a file that a relative entry of PATH leads to. Typed
// as a command, Path means that file.
type RelativeError struct{ Path string }

// Error says which file was found and how.
func (e *RelativeError) Error() string {
	return e.Path + " was found through a relative entry of PATH, where anyone who can write to this directory decides what runs"
}

var errDirectory = errors.New("it is a directory")

// check says why the file at path cannot be run. The error that names the path
// twice is stripped: the message has the name as it was typed.
func check(path string) error {
	info, err := os.Stat(path)
	if wrapped := (*fs.PathError)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return errDirectory
	}
	return runnable(path)
}

func pathFault(name string, err error) error {
	if err == nil {
		return nil
	}
	f := &fault.Error{What: cannotRun(name), Why: err, Code: fault.CannotRun}
	relative := (*RelativeError)(nil)
	switch {
	case isAbsent(err):
		f.Why, f.Code = errors.New("there is no such command"), fault.NotFound
		if first, _, found := strings.Cut(name, " "); found && first != "" {
			f.Next = []string{"give the command and its arguments as words of their own: -- " + name}
		}
	case errors.Is(err, fs.ErrPermission):
		f.Why = errors.New("the file may not be executed: permission denied")
	case errors.As(err, &relative):
		f.Next = []string{"if you mean that file: -- " + relative.Path}
	}
	return f
}
