package cache

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// disk is a file system in a file, whose power can be cut at any moment: a copy of
// the file is what the disk would hold then.
type disk struct {
	kind  string
	size  int64
	mkfs  []string
	mount string
}

func disks() []disk {
	return []disk{
		// Without what mends programs that do not flush, and with a journal that is
		// written each second.
		{"ext4", 16 << 20, []string{"mkfs.ext4", "-q", "-F"}, "loop,noauto_da_alloc,commit=1"},
		{"xfs", 300 << 20, []string{"mkfs.xfs", "-q", "-f"}, "loop"},
		{"btrfs", 128 << 20, []string{"mkfs.btrfs", "-q", "-f"}, "loop,commit=1"},
	}
}

// run says what a program of the system said when it failed.
func run(t *testing.T, argv ...string) error {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", argv[0], err, out)
	}
	return nil
}

// mounted mounts the image until release is called, which the end of the test does
// too. It skips where that is impossible.
func (d disk) mounted(t *testing.T, image string) (dir string, release func()) {
	t.Helper()
	dir = t.TempDir()
	if err := run(t, "mount", "-t", d.kind, "-o", d.mount, image, dir); err != nil {
		t.Skipf("needs the right to mount %s by a loop device: %v", d.kind, err)
	}
	release = func() {
		for range 50 {
			if err := syscall.Unmount(dir, 0); !errors.Is(err, syscall.EBUSY) {
				return
			}
			time.Sleep(20 * time.Millisecond) // a program that is just being started has copies of our descriptors
		}
		_ = syscall.Unmount(dir, syscall.MNT_DETACH)
	}
	t.Cleanup(release)
	return dir, release
}

func (d disk) made(t *testing.T) (image string) {
	t.Helper()
	if _, err := exec.LookPath(d.mkfs[0]); err != nil {
		t.Skipf("%s is missing", d.mkfs[0])
	}
	image = filepath.Join(t.TempDir(), d.kind)
	must(t, os.WriteFile(image, nil, 0o600))
	must(t, os.Truncate(image, d.size))
	must(t, run(t, append(d.mkfs, image)...))
	return image
}

// version is one of the sessions that are written over each other; the number is
// in it, and makes it as large as the largest.
func version(name string, n int64) Entry {
	e := session(name)
	e.Detail = fmt.Sprintf("%d %04000d", n, n)
	return e
}

// naiveStore replaces the file without flushing it, which the test must notice.
func naiveStore(c *Cache, e Entry) error {
	text := encodeEntry(e)
	path := c.path(e.Name)
	if err := os.WriteFile(path+".tmp", c.seal.seal(entryMagic, e.Name, text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// cut writes version after version, cuts the power at so many moments in between,
// and gives the images.
func (d disk) cut(t *testing.T, cuts int, store func(*Cache, Entry) error) (name string, images []string, last int64) {
	t.Helper()
	image := d.made(t)
	dir, release := d.mounted(t, image)
	c := New(filepath.Join(dir, "fob"), seal)
	name = c.NameOf("AssumeRole", t.Name())
	must(t, c.Store(version(name, 1)))
	must(t, exec.CommandContext(t.Context(), "sync", "-f", dir).Run())
	var stop atomic.Bool
	ended := make(chan error)
	go func() {
		for last = 2; ; last++ {
			if err := store(c, version(name, last)); err != nil || stop.Load() {
				ended <- err
				return
			}
		}
	}()
	for i := range cuts {
		time.Sleep(350 * time.Millisecond) // so that the journal is written between two cuts
		copied := image + strconv.Itoa(i)
		images = append(images, copied)
		if err := run(t, "cp", "--sparse=always", image, copied); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	must(t, <-ended)
	release()
	return name, images, last
}

// after is what is found when the machine starts again: the number of the version
// that is kept, or 0 where the file is none. Either way the cache goes on.
func (d disk) after(t *testing.T, name, image string) (kept int64) {
	t.Helper()
	dir, release := d.mounted(t, image)
	defer release()
	c := New(filepath.Join(dir, "fob"), seal)
	switch e, err := c.Load(name); {
	case err == nil:
		if _, err := fmt.Sscan(e.Detail, &kept); err != nil || !cmp.Equal(e, version(name, kept)) {
			t.Errorf("the session that is kept is none of those written: %v", err)
		}
	case !errors.Is(err, ErrNotFound):
		t.Errorf("a session that is damaged is not dropped: %v", err)
	}
	if _, err := c.Entries(); err != nil {
		t.Errorf("listing: %v", err)
	}
	if _, err := c.Sweep(start); err != nil {
		t.Errorf("sweeping: %v", err)
	}
	must(t, c.Store(version(name, 7)))
	if e, err := c.Load(name); err != nil || !cmp.Equal(e, version(name, 7)) {
		t.Errorf("the next session is not kept: %v", err)
	}
	return kept
}

// Power is cut while sessions are written: what is there then is one of them,
// whole. The same cuts leave a file that is none of them where it was not flushed.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount loop devices")
	}
	for _, d := range disks() {
		t.Run(d.kind, func(t *testing.T) {
			t.Parallel()
			name, images, last := d.cut(t, 4, (*Cache).Store)
			seen := map[int64]bool{}
			for _, image := range images {
				kept := d.after(t, name, image)
				if seen[kept] = true; kept == 0 {
					t.Errorf("%s: the session is damaged", filepath.Base(image))
				}
			}
			t.Logf("%d versions were written; the images hold %v", last, seen)
			if len(seen) < 2 {
				t.Errorf("all images hold the same of %d versions: nothing was cut", last)
			}
		})
	}
	t.Run("not flushed", func(t *testing.T) {
		t.Parallel()
		d := disks()[0]
		name, images, last := d.cut(t, 8, naiveStore)
		damaged := 0
		for _, image := range images {
			if d.after(t, name, image) == 0 {
				damaged++
			}
		}
		if t.Logf("%d versions were written; %d images are damaged", last, damaged); damaged == 0 {
			t.Error("a writer that does not flush went unnoticed")
		}
	})
}
