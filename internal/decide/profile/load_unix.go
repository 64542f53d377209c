//go:build unix

package profile

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"fob/internal/fault"
)

// readText uses bare system calls: an os.File starts the runtime's poller, which
// a regular file has no use for and a short run feels. O_NONBLOCK keeps the open
// of a FIFO from waiting for a writer.
func readText(path, display string, keep *sieve) ([]byte, fileFacts, error) {
	fd, err := open(path)
	if err == syscall.ENOENT {
		return nil, fileFacts{}, fs.ErrNotExist
	}
	if err != nil {
		return nil, fileFacts{}, unread(display, err)
	}
	defer func() { _ = syscall.Close(fd) }()
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return nil, fileFacts{}, unread(display, err)
	}
	facts := fileFacts{mode: fs.FileMode(st.Mode & 0o777), size: st.Size, owner: int(st.Uid), group: int(st.Gid)}
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
	case syscall.S_IFDIR:
		facts.mode |= fs.ModeDir
	default:
		facts.mode |= fs.ModeIrregular
	}
	me := syscall.Geteuid()
	if err := facts.refusal(path, display, me); err != nil {
		return nil, facts, err
	}
	if err := checkWay(path, display, me); err != nil {
		return nil, facts, err
	}
	if keep != nil && facts.size > sieveFrom {
		text, err := keep.read(func(into []byte, at int) (int, error) { return readAt(fd, into, at) })
		if err == nil {
			return text, facts, nil
		}
	}
	text, err := readAll(fd, int(facts.size), display)
	return text, facts, err
}

func open(path string) (int, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC|syscall.O_NOCTTY, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

func readAt(fd int, into []byte, at int) (int, error) {
	for {
		n, err := syscall.Pread(fd, into, int64(at))
		if err != syscall.EINTR {
			return n, err
		}
	}
}

// readAll reads to the end, which may have moved since size was asked for.
func readAll(fd, size int, display string) ([]byte, error) {
	text := make([]byte, size+1)
	n := 0
	for {
		got, err := syscall.Read(fd, text[n:])
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return nil, unread(display, err)
		case got == 0:
			return text[:n], nil
		}
		if n += got; n > maxText {
			return nil, Set{display: display}.tooLarge()
		}
		if n == len(text) {
			text = append(text, make([]byte, len(text))...)
		}
	}
}

// maxLinks is how many links Linux follows for one path (path_resolution(7)).
const maxLinks = 40

// checkWay refuses a file that another user could put another in the place of:
// in a directory that everybody may write, unless its sticky bit keeps people
// from each other's files, and behind a link that somebody else made.
func checkWay(path, display string, me int) error {
	for range maxLinks {
		// Not cleaned: what .. leads to behind a link, the system knows.
		dir := path[:strings.LastIndexByte(path, '/')+1]
		var st syscall.Stat_t
		if err := syscall.Stat(dir+".", &st); err != nil {
			return unread(display, err)
		}
		if st.Mode&0o002 != 0 && st.Mode&syscall.S_ISVTX == 0 {
			return &Error{
				File: display, Text: "every user of this machine can replace the file: its directory is writable by all",
				Next: []string{"look at it, then: chmod o-w " + fault.Word(filepath.Dir(path))},
			}
		}
		err := syscall.Lstat(path, &st)
		if err == syscall.ENOENT {
			return nil // as behind /dev/stdin: an open file without a name
		}
		if err != nil {
			return unread(display, err)
		}
		if st.Mode&syscall.S_IFMT != syscall.S_IFLNK {
			return nil
		}
		if owner := int(st.Uid); me != 0 && owner != 0 && owner != me {
			return &Error{
				File: display, Text: "a link on the way to the file belongs to another user, who could turn it elsewhere",
				Next: []string{"look where it leads, then make it yours: sudo chown -h \"$(id -u)\" " + fault.Word(path)},
			}
		}
		to, err := os.Readlink(path)
		if err != nil {
			return unread(display, err)
		}
		if !strings.HasPrefix(to, "/") {
			to = dir + to
		}
		path = to
	}
	return unread(display, syscall.ELOOP)
}
