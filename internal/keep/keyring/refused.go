//go:build linux

package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Error says what the kernel refused to do with a key, and why in words.
type Error struct {
	Doing string // "add"
	Err   error
}

func (e *Error) Error() string { return "keyctl " + e.Doing + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// refused says in words what the usual refusals mean.
func refused(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOKEY), errors.Is(err, unix.EKEYEXPIRED), errors.Is(err, unix.EKEYREVOKED) && doing != "describe":
		err = fmt.Errorf("%w (%w)", fs.ErrNotExist, err)
	case errors.Is(err, unix.EPERM):
		err = &worded{"not permitted, as in many containers", err}
	case errors.Is(err, unix.ENOSYS):
		err = &worded{"this kernel has no keyrings", err}
	case errors.Is(err, unix.EDQUOT):
		err = &worded{"the user's share of keys is used up", err}
	}
	return &Error{Doing: doing, Err: err}
}

// worded is a refusal in words, in place of the kernel's own.
type worded struct {
	words string
	err   error
}

func (e *worded) Error() string { return e.words }
func (e *worded) Unwrap() error { return e.err }

// MayAdd says why a key whose name and content have so many bytes together
// could not be added now. It adds none.
func (r Ring) MayAdd(bytes int) error {
	if _, _, _, err := r.describe(); err != nil {
		return err
	}
	// A key without content is what the kernel refuses after everything else.
	if _, err := unix.AddKey("user", "fob", nil, int(r)); !errors.Is(err, unix.EINVAL) {
		return refused("add", err)
	}
	if users, err := os.ReadFile("/proc/key-users"); err == nil && used(string(users), os.Geteuid(), bytes) {
		return refused("add", unix.EDQUOT)
	}
	return nil
}

// used says whether another key of so many bytes is more than the user's share.
// A line is "UID: USAGE KEYS/LIVE COUNTED/MOST BYTES/MOST" (keyrings(7)).
func used(users string, uid, bytes int) bool {
	for line := range strings.Lines(users) {
		f := strings.Fields(line)
		if len(f) == 5 && f[0] == strconv.Itoa(uid)+":" {
			return full(f[3], 1) || full(f[4], bytes)
		}
	}
	return false
}

func full(share string, more int) bool {
	have, most, _ := strings.Cut(share, "/")
	n, err1 := strconv.Atoi(have)
	limit, err2 := strconv.Atoi(most)
	return err1 == nil && err2 == nil && n+more > limit
}
