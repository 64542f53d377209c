//go:build unix

package launch

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWithhold(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	passedOn, err := unix.FcntlInt(r.Fd(), unix.F_DUPFD, 10) // as a shell hands on a file
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(passedOn)
	for fd, want := range map[int]error{-1: fs.ErrNotExist, 0: nil, 2: nil, passedOn: nil, int(w.Fd()): fs.ErrNotExist, 1 << 20: fs.ErrNotExist} {
		if err := Withhold(fd); !errors.Is(err, want) {
			t.Errorf("%d: %v, want %v", fd, err, want)
		}
	}
	if flags, err := unix.FcntlInt(uintptr(passedOn), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("a child would get it: flags %d, %v", flags, err)
	}
	if flags, err := unix.FcntlInt(2, unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC != 0 {
		t.Errorf("a child would not get standard error: flags %d, %v", flags, err)
	}
}
