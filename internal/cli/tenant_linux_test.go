package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
func needRoot(t *testing.T, what string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root " + what)
	}
}

// mounted is what sh gives after root has run another script first: its mounts
// are seen by this one run only and go with it.
func (h *house) mounted(mounts, script string, args ...string) ran {
	h.t.Helper()
	attr, enter := h.attr, h.enter
	defer func() { h.attr, h.enter = attr, enter }()
	h.attr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	h.enter = []string{"sh", "-c", fmt.Sprintf("set -e\n%s\nexec setpriv --reuid=%d --regid=%d --clear-groups \"$@\"", mounts, nobody, nobody), "sh"}
	return h.sh(strings.ReplaceAll(script, "STORE", h.data()), args...)
}
