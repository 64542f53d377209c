package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fob/internal/decide/profile"
	"fob/internal/fault"
)

// sdkPath is the file to write: the one that is named, the one that was written
// last, or the default.
func (k *keeper) sdkPath(named string) (string, error) {
	path := named
	if path == "" {
		path = k.sdkWritten()
	}
	if path == "" {
		path = k.sdkDefault()
	}
	path, err := filepath.Abs(path)
	if err == nil && strings.ContainsAny(path, "\r\n") {
		err = errors.New("its path has two lines")
	}
	if err != nil {
		return "", &fault.Error{What: "cannot use --out", Why: err, Code: fault.Usage}
	}
	return path, nil
}

func (k *keeper) sdkDefault() string { return filepath.Join(k.home.User, ".aws", "fob-sdk-config") }

// spared refuses a second config in the place of the first one or of the
// credentials file, by whatever name or link: what it is made from, and keys that
// stand nowhere else, would be gone. --force does not mean that.
func (k *keeper) spared(path string, set profile.Set, named bool) error {
	credentials, shown := k.credentialsFile()
	f := &fault.Error{What: "cannot write " + fault.Line(path), Next: []string{"write to another file: fob sdk-config --out " + fault.Word(k.sdkDefault())}, Code: fault.Config}
	switch {
	case oneFile(path, set.Path()):
		f.Why = errors.New("it is the config that the second one is made from: " + fault.Line(set.Display()))
	case oneFile(path, credentials):
		f.Why = errors.New("it is the credentials file: " + fault.Line(shown))
	default:
		return nil
	}
	if !named {
		f.Why = errors.New(f.Why.Error() + "; without --out it is the file that was written last (" + fault.Line(k.sdkRecord()) + ")")
	}
	return f
}

// oneFile says whether two paths lead to one file, be it there or not yet.
func oneFile(a, b string) bool {
	if b == "" {
		return false
	}
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(x, y)
	}
	return realPath(a) == realPath(b)
}

// realPath follows the links of a path as far as it is there.
func realPath(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	rest := ""
	for dir := path; ; dir = filepath.Dir(dir) {
		real, err := filepath.EvalSymlinks(dir)
		if err == nil {
			return filepath.Join(real, rest)
		}
		if dir == filepath.Dir(dir) {
			return path
		}
		rest = filepath.Join(filepath.Base(dir), rest)
	}
}

// makeFolder makes the folder of path, and says so where there was none: a
// mistyped path is not to leave folders behind in silence.
func (k *keeper) makeFolder(path string) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	k.sys.say("made the folder %s", dir)
	return nil
}
