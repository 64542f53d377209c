//go:build unix

package store_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fob/internal/keep/lock"
)

// Whatever stands where the vault should be is refused at once, without a hang
// and without a question.
func TestUnsafe(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		place func(h home) error
	}{
		{"mode 0644", func(h home) error { return os.Chmod(h.file("vault.age"), 0o644) }},
		{"directory 0755", func(h home) error { return os.Chmod(h.dir, 0o755) }},
		{"directory 0777", func(h home) error { return os.Chmod(h.dir, 0o777) }},
		{"FIFO", func(h home) error {
			return errors.Join(os.Remove(h.file("vault.age")), unix.Mkfifo(h.file("vault.age"), 0o600))
		}},
		{"directory", func(h home) error {
			return errors.Join(os.Remove(h.file("vault.age")), os.Mkdir(h.file("vault.age"), 0o700))
		}},
		{"link to a device", func(h home) error {
			return errors.Join(os.Remove(h.file("vault.age")), os.Symlink("/dev/zero", h.file("vault.age")))
		}},
		{"link to itself", func(h home) error {
			return errors.Join(os.Remove(h.file("vault.age")), os.Symlink("vault.age", h.file("vault.age")))
		}},
		{"two names", func(h home) error { return os.Link(h.file("vault.age"), h.file("second")) }},
		{"folder is a file", func(h home) error {
			return errors.Join(os.RemoveAll(h.dir), os.WriteFile(h.dir, []byte("CANARY"), 0o600))
		}},
		{"folder is a link", func(h home) error {
			return errors.Join(os.Rename(h.dir, h.dir+".real"), os.Symlink(h.dir+".real", h.dir))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.put(t, "a")
			*h.asked = 0
			if err := tc.place(h); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			_, err := h.open().Records(t.Context())
			if err == nil || *h.asked > 0 || time.Since(began) > time.Second {
				t.Errorf("Records = %v after %d questions and %v", err, *h.asked, time.Since(began))
			}
			if err := h.open().Put(t.Context(), record("b")); err == nil || *h.asked > 0 {
				t.Errorf("Put = %v after %d questions", err, *h.asked)
			}
		})
	}
}

// Permissions are told with the command that repairs them.
func TestUnsafeMend(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for path, command := range map[string]string{h.file("vault.age"): "chmod 600 ", h.dir: "chmod 700 "} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, info.Mode().Perm()|0o044); err != nil {
			t.Fatal(err)
		}
		_, err = h.open().Sum()
		if unsafe := (*lock.UnsafeError)(nil); !errors.As(err, &unsafe) || unsafe.Mend != command+path {
			t.Errorf("%s: %#v", path, err)
		}
		if err := os.Chmod(path, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
}
