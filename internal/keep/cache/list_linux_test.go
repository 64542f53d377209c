package cache

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// roleVar makes the test program load one entry, so that it can be traced.
const roleVar = "FOB_CACHE_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVar) == "" {
		os.Exit(m.Run())
	}
	runtime.LockOSThread()
	if _, err := New(os.Args[1], seal).Load(os.Args[2]); err != nil {
		os.Exit(1)
	}
}

// Loading opens one file and lists nothing.
func TestLoadDoesNotList(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), "strace", "-qq", "-e", "trace=none", "true").CombinedOutput(); err != nil {
		t.Skipf("needs strace: %v: %s", err, out)
	}
	c, e := stored(t)
	self, err := os.Executable()
	must(t, err)
	log := filepath.Join(t.TempDir(), "strace")
	cmd := exec.CommandContext(t.Context(), "strace", "-f", "-qq", "-o", log, "-e", "trace=openat,getdents64", self, c.dataDir, e.Name)
	cmd.Env = append(os.Environ(), roleVar+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(log)
	must(t, err)
	if n := strings.Count(string(text), c.dataDir); n != 1 || strings.Contains(string(text), "getdents64") {
		t.Errorf("opened %d files of the data directory:\n%s", n, text)
	}
}
