//go:build unix

package lock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// What stands at the path and is no file of our own is neither read nor
// replaced, and nothing hangs.
func TestRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		make func(t *testing.T, path string)
		mend string
	}{
		{name: "symbolic link", make: func(t *testing.T, path string) {
			put(t, path+"2", []byte("keep"), 0o600)
			must(t, os.Symlink(path+"2", path))
			t.Cleanup(func() { wantFile(t, path+"2", []byte("keep"), 0o600) })
		}},
		{name: "link to itself", make: func(t *testing.T, path string) { must(t, os.Symlink(path, path)) }},
		{name: "link to /dev/zero", make: func(t *testing.T, path string) { must(t, os.Symlink("/dev/zero", path)) }},
		{name: "directory", make: func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) }},
		{name: "fifo", make: func(t *testing.T, path string) { must(t, syscall.Mkfifo(path, 0o600)) }},
		{name: "socket", make: func(t *testing.T, path string) { must(t, makeSocket(t, path)) }},
		{name: "device", make: func(t *testing.T, path string) {
			needRoot(t)
			must(t, syscall.Mknod(path, syscall.S_IFCHR|0o600, 1<<8|5)) // /dev/zero
		}},
		{name: "hard link", make: func(t *testing.T, path string) {
			put(t, path+"2", []byte("keep"), 0o600)
			must(t, os.Link(path+"2", path))
		}},
		{name: "readable by the group", make: func(t *testing.T, path string) { put(t, path, nil, 0o640) }, mend: "chmod 600 PATH"},
		{name: "writable by all", make: func(t *testing.T, path string) { put(t, path, nil, 0o602) }, mend: "chmod 600 PATH"},
		{name: "foreign owner", make: func(t *testing.T, path string) {
			needRoot(t)
			put(t, path, nil, 0o600)
			must(t, os.Chown(path, 12345, 12345))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "f")
			tt.make(t, path)
			_, readErr := ReadFile(path, 1<<20)
			for op, err := range map[string]error{"read": readErr, "write": WriteFile(path, []byte("new"), WriteOptions{})} {
				unsafe := (*UnsafeError)(nil)
				if !errors.As(err, &unsafe) {
					t.Errorf("%s: got %v, want UnsafeError", op, err)
					continue
				}
				if want := strings.ReplaceAll(tt.mend, "PATH", path); unsafe.Mend != want {
					t.Errorf("%s: mend is %q, want %q", op, unsafe.Mend, want)
				}
			}
		})
	}
}

func makeSocket(t *testing.T, path string) error {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	// The name of a socket is short, that of a test directory is not.
	dir, err := os.MkdirTemp("", "s")
	if err != nil {
		return err
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	short := filepath.Join(dir, "s")
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: short}); err != nil {
		return err
	}
	return os.Rename(short, path)
}

func TestUmask(t *testing.T) {
	t.Parallel()
	for _, mask := range []string{"000", "077", "0777"} {
		t.Run(mask, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if out, err := roleCommand(t, nil, "umask", mask, dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for name, want := range map[string]fs.FileMode{
				"a": fs.ModeDir | 0o700, "a/b": fs.ModeDir | 0o700, "a/b/file": 0o600, "a/b/lock": 0o600,
			} {
				info, err := os.Lstat(filepath.Join(dir, name))
				must(t, err)
				if info.Mode() != want {
					t.Errorf("%s is %v, want %v", name, info.Mode(), want)
				}
			}
		})
	}
}

func TestMakeDir(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		make func(t *testing.T, path string)
		mend string
		ok   bool
	}{
		{name: "absent", make: func(*testing.T, string) {}, ok: true},
		{name: "there", make: func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) }, ok: true},
		{name: "others may enter", make: func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o755)) }, mend: "chmod 700 PATH"},
		{name: "others may write", make: func(t *testing.T, path string) {
			must(t, os.Mkdir(path, 0o700))
			must(t, os.Chmod(path, 0o777))
		}, mend: "chmod 700 PATH"},
		{name: "link", make: func(t *testing.T, path string) {
			must(t, os.Mkdir(path+"2", 0o700))
			must(t, os.Symlink(path+"2", path))
		}},
		{name: "dangling link", make: func(t *testing.T, path string) { must(t, os.Symlink("nowhere", path)) }},
		{name: "file", make: func(t *testing.T, path string) { put(t, path, nil, 0o600) }},
		{name: "foreign owner", make: func(t *testing.T, path string) {
			needRoot(t)
			must(t, os.Mkdir(path, 0o700))
			must(t, os.Chown(path, 12345, 12345))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "d")
			tt.make(t, path)
			err := MakeDir(path)
			if tt.ok {
				must(t, err)
				must(t, CheckDir(path))
				return
			}
			unsafe := (*UnsafeError)(nil)
			if !errors.As(err, &unsafe) {
				t.Fatalf("got %v, want UnsafeError", err)
			}
			if want := strings.ReplaceAll(tt.mend, "PATH", path); unsafe.Mend != want {
				t.Errorf("mend is %q, want %q", unsafe.Mend, want)
			}
		})
	}
}

func TestMakeDirTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b", "c", "d")
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := MakeDir(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
