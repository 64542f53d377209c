package profile

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"

	"fob/internal/fault"
)

// Load reads the file at path. That there is none is no error: the set is empty,
// and a link that leads nowhere is among its warnings. Whatever another user
// could have put there is refused, since settings name commands to run. Errors
// are *Error.
func Load(path, display string) (Set, error) { return loadAs(path, display, configFile, nil) }

// LoadFor is Load for a run that asks for the profile name alone. Of a large
// file it keeps that section, [default] and what they name, so the lines in its
// errors are not those of the file. likely are names that may be among them:
// without them nothing is missing, and with them the file is read but once.
func LoadFor(path, display, name string, likely []string) (Set, error) {
	return loadAs(path, display, configFile, newSieve(name, likely))
}

// LoadForSum is LoadFor, and gives the SHA-256 of the whole file as it was read.
// Where there is none, that is the sum of nothing.
func LoadForSum(path, display, name string, likely []string) (Set, [sha256.Size]byte, error) {
	keep := newSieve(name, likely)
	keep.sum = sha256.New()
	s, err := loadAs(path, display, configFile, keep)
	if keep.whole {
		return s, [sha256.Size]byte(keep.sum.Sum(nil)), err
	}
	return s, s.Sum(), err
}

// LoadCredentials is Load for the shared credentials file, in which a section's
// header is the profile's name alone.
func LoadCredentials(path, display string) (Set, error) {
	return loadAs(path, display, credentialsFile, nil)
}

func loadAs(path, display string, as dialect, keep *sieve) (Set, error) {
	if path == os.DevNull { // AWS_CONFIG_FILE=/dev/null is how people say "none"
		return Set{path: path, display: display, dialect: as, index: new(index)}, nil
	}
	text, facts, err := readText(path, display, keep)
	if errors.Is(err, fs.ErrNotExist) {
		s := Set{path: path, display: display, dialect: as, absent: true, index: new(index)}
		if to, err := os.Readlink(path); err == nil {
			s.warnings = []string{display + ": the link leads to " + Shown(to) + ", which is not there"}
		}
		return s, nil
	}
	if err != nil {
		return Set{}, err
	}
	s, err := parseAs(display, text, as)
	s.path = path
	if err == nil && facts.groupWrites() {
		s.warnings = append(s.warnings, display+": a group of users can write the file, and so put commands into it; unless you are alone in it: chmod g-w "+fault.Word(path))
	}
	return s, err
}

// fileFacts is what decides whether a file may be read.
type fileFacts struct {
	mode  fs.FileMode
	size  int64
	owner int // -1 where files have none
	group int
}

// groupWrites says whether others than the owner may write the file as members
// of its group. A group with the number of its user is that user's own, as
// useradd(8) makes it; with the umask that goes with it, each file of such a
// user is group-writable.
func (f fileFacts) groupWrites() bool {
	return f.owner >= 0 && f.mode.Perm()&0o020 != 0 && f.group != f.owner
}

// refusal says why user me does not read such a file, nil when nothing is wrong.
func (f fileFacts) refusal(path, display string, me int) error {
	e := &Error{File: display}
	switch {
	case f.mode.IsDir():
		e.Text = "is a directory, not a file"
	case !f.mode.IsRegular():
		e.Text = "is no regular file"
	case f.size > maxText:
		return Set{display: display}.tooLarge()
	case me != 0 && f.owner > 0 && f.owner != me:
		e.Text = "the file belongs to another user, who could put commands into it"
		e.Next = []string{"look at it, then make it yours: sudo chown \"$(id -u)\" " + fault.Word(path)}
	case f.owner >= 0 && f.mode.Perm()&0o002 != 0:
		e.Text = "every user of this machine can write the file, and so put commands into it"
		e.Next = []string{"look at it, then: chmod o-w " + fault.Word(path)}
	default:
		return nil
	}
	return e
}

// unread wraps what the system said when the file was opened or read.
func unread(display string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &Error{File: display, Text: "cannot be read: " + err.Error(), Err: err}
}
