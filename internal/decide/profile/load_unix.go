//go:build unix

package profile

import (
	"io/fs"
	"syscall"
)

// readText uses bare system calls: an os.File starts the runtime's poller, which
// a regular file has no use for and a short run feels. O_NONBLOCK keeps the open
// of a FIFO from waiting for a writer.
func readText(path, display string) ([]byte, error) {
	fd, err := open(path)
	if err == syscall.ENOENT {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, unread(display, err)
	}
	defer func() { _ = syscall.Close(fd) }()
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return nil, unread(display, err)
	}
	facts := fileFacts{mode: fs.FileMode(st.Mode & 0o777), size: st.Size, owner: int(st.Uid)}
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
	case syscall.S_IFDIR:
		facts.mode |= fs.ModeDir
	default:
		facts.mode |= fs.ModeIrregular
	}
	if err := facts.refusal(path, display, syscall.Geteuid()); err != nil {
		return nil, err
	}
	return readAll(fd, int(facts.size), display)
}

func open(path string) (int, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC|syscall.O_NOCTTY, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

// readAll reads to the end, which may have moved since size was asked for.
func readAll(fd, size int, display string) ([]byte, error) {
	text := make([]byte, size+1)
	touch(text)
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
