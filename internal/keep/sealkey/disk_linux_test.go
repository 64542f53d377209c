package sealkey

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fob/internal/cred"
)

// A runtime directory on a disk holds no key: it would be in a backup, and there
// after the machine's run. Memory that is there takes it.
func TestOnDisk(t *testing.T) {
	t.Parallel()
	const seal = "CANARY0seal0key0of032bytes0which"
	disk := mkdir(t, 0o700)
	var fs unix.Statfs_t
	if err := unix.Statfs(disk, &fs); err != nil || fs.Type == unix.TMPFS_MAGIC {
		t.Skipf("TMPDIR is no disk: %v", err)
	}
	memory, err := os.MkdirTemp(sharedMemory, "fob-test-")
	if err != nil {
		t.Skipf("no memory: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(memory) })
	const why = "it is on a disk, where the key would outlive this run of the machine"
	for name, tt := range map[string]struct {
		runtime, shared string
		want            string // the folder, or the error
	}{
		"memory":            {memory, disk, "file in " + filepath.Join(memory, "fob")},
		"disk, then memory": {disk, memory, "file in " + filepath.Join(memory, "fob-"+uid())},
		"disk":              {disk, disk, why},
	} {
		o := Options{DataDir: t.TempDir(), RuntimeDir: tt.runtime, UID: os.Geteuid(), Now: time.Now, Boot: sinceBoot, NoKeyring: true}
		places, _ := placesIn(o, tt.shared)
		r := &Rest{o: o, seal: places}
		where, err := r.Save(cred.NewSecret(seal))
		refused := (*NoPlaceError)(nil)
		if got := where; got != tt.want && !(errors.As(err, &refused) && strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %q, %v", name, where, err)
		}
		for _, p := range r.Places() {
			if onDisk := strings.Contains(p.Name, disk); onDisk != (p.Why == why) {
				t.Errorf("%s: %+v", name, p)
			}
		}
		if entries, err := os.ReadDir(disk); err != nil || len(entries) > 0 {
			t.Errorf("%s: the disk has %v, %v", name, entries, err)
		}
		if err := r.Forget(); err != nil {
			t.Error(err)
		}
	}
}
