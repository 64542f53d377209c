//go:build unix

package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// The ids of a user without rights and of a second one, in their own homes when
// the tests are run by root: root is let in everywhere, and hides what a person
// would meet.
const (
	nobody   = 65534
	stranger = 65533
)

// asNobody makes the house one of nobody's, whose program runs without rights.
// A test that is run by somebody without rights stays as it is.
func (h *house) asNobody() {
	h.t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	program, err := exec.LookPath("fob")
	h.must(err)
	for _, dir := range []string{h.home, filepath.Dir(h.home), filepath.Dir(program), filepath.Dir(filepath.Dir(program))} {
		h.must(os.Chmod(dir, 0o711))
	}
	h.attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	h.own()
}

// own gives all that is in the house to its user.
func (h *house) own() {
	h.t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	h.must(filepath.WalkDir(h.home, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, nobody, nobody))
	}))
}

// needRoot skips where a test cannot mount, or plant another user's files.
func needRoot(t testing.TB, what string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root " + what)
	}
}
