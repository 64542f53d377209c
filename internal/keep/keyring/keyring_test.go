//go:build linux

package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// roleVar makes the test program add one key of the name that it says, once to
// each ring, so that it can be run in a session of its own and under a tracer.
const roleVar = "FOB_KEYRING_TEST_ROLE"

func TestMain(m *testing.M) {
	name := os.Getenv(roleVar)
	switch {
	case os.Getenv(lookVar) != "":
		fmt.Println(there(Session, os.Getenv(lookVar)))
		return
	case os.Getenv(apartVar) != "":
		apartMain(os.Getenv(apartVar))
		return
	case name == "":
		os.Exit(m.Run())
	}
	runtime.LockOSThread() // a tracer counts the calls of one thread
	for _, ring := range []Ring{Session, User} {
		fmt.Println("may", ring.MayAdd(256))
		fmt.Println("add", ring.Add(name, []byte("CANARY"), time.Minute))
	}
	for _, ring := range []Ring{Session, User} {
		fmt.Println("has", there(ring, name))
	}
}

// there looks without any of the checks.
func there(ring Ring, name string) bool {
	_, err := unix.KeyctlSearch(int(ring), "user", name, 0)
	return err == nil
}

// clean gives a name of its own, which is gone from the user keyring afterwards.
func clean(t *testing.T) string {
	t.Helper()
	name := "fob:test:" + filepath.Base(filepath.Dir(t.TempDir())) + strconv.Itoa(os.Getpid())
	t.Cleanup(func() {
		if id, err := User.Find(name); err == nil {
			_ = User.Drop(id)
		}
	})
	return name
}

func play(t *testing.T, name string, before ...string) string {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "keyctl", "session", "-", "true").CombinedOutput(); err != nil {
		t.Skipf("needs keyctl and the right to use it: %v: %s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := append(append([]string{"session", "-"}, before...), self)
	c := exec.CommandContext(t.Context(), "keyctl", argv...)
	c.Env = append(os.Environ(), roleVar+"="+name)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// A session of its own is not linked to the user keyring, as those of services
// are, and the key gets there nevertheless.
func TestUnlinkedSession(t *testing.T) {
	t.Parallel()
	name := clean(t)
	got := play(t, name)
	if diff := cmp.Diff("may <nil>\nadd <nil>\nmay <nil>\nadd <nil>\nhas true\nhas true\n", got); diff != "" {
		t.Error(diff)
	}
	id, err := User.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := Read(id, 100); err != nil || string(data) != "CANARY" {
		t.Errorf("Read: %q, %v", data, err)
	}
	if err := User.Drop(id); err != nil {
		t.Error(err)
	}
	if _, err := User.Find(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Find after Drop: %v", err)
	}
}

// A new key takes the place of the old one whole.
func TestAddReplaces(t *testing.T) {
	t.Parallel()
	name := clean(t)
	if err := User.Add(name, []byte("CANARY one"), time.Minute); err != nil {
		t.Skipf("needs keyrings: %v", err)
	}
	one, err := User.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := User.Add(name, []byte("CANARY two"), 0); err != nil {
		t.Fatal(err)
	}
	two, err := User.Find(name)
	if err != nil || two == one {
		t.Fatalf("key %d is still there: %v", one, err)
	}
	if data, err := Read(two, 100); err != nil || string(data) != "CANARY two" {
		t.Errorf("Read: %q, %v", data, err)
	}
}

// Whichever call the kernel refuses, a key that is not protected and limited is
// in no ring, and the reason is told.
func TestRefusedAdd(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), "strace", "-qq", "-e", "trace=none", "true").CombinedOutput(); err != nil {
		t.Skipf("needs strace: %v: %s", err, out)
	}
	const denied = "not permitted, as in many containers"
	for _, c := range []struct {
		inject string
		want   []string // what the session keyring says
	}{
		{"keyctl:error=EPERM", []string{"may keyctl describe: " + denied, "add keyctl describe: " + denied}},
		{"keyctl:error=ENOSYS", []string{"may keyctl describe: this kernel has no keyrings", "add keyctl describe: this kernel has no keyrings"}},
		{"add_key:error=EPERM", []string{"may keyctl add: " + denied, "add keyctl add: " + denied}},
		{"add_key:error=EDQUOT", []string{"may keyctl add: the user's share of keys is used up", "add keyctl add: the user's share of keys is used up"}},
		// The calls: describe; describe, protect, limit, link.
		{"keyctl:error=EACCES:when=3", []string{"may <nil>", "add keyctl protect: permission denied"}},
		{"keyctl:error=EACCES:when=4", []string{"may <nil>", "add keyctl limit: permission denied"}},
		{"keyctl:error=EDQUOT:when=5", []string{"may <nil>", "add keyctl link: the user's share of keys is used up"}},
	} {
		t.Run(c.inject, func(t *testing.T) {
			t.Parallel()
			call, _, _ := strings.Cut(c.inject, ":")
			log := filepath.Join(t.TempDir(), "strace")
			got := strings.Split(play(t, clean(t), "strace", "-f", "-qq", "-o", log, "-e", "trace="+call, "-e", "inject="+c.inject), "\n")
			if text, err := os.ReadFile(log); err != nil || !strings.Contains(string(text), "(INJECTED)") {
				t.Fatalf("nothing was refused: %v", err)
			}
			if diff := cmp.Diff(c.want, got[:2]); diff != "" {
				t.Error(diff)
			}
			if got[4] != "has false" {
				t.Errorf("the session keyring %s it", got[4])
			}
		})
	}
}

func TestUsed(t *testing.T) {
	t.Parallel()
	const users = "    0:    47 46/46 41/1000000 5792/25000000\n 1000:     3 3/3 200/200 90/20000\n 1001:     3 3/3 2/200 19900/20000\n"
	for _, c := range []struct {
		uid, bytes int
		want       bool
	}{
		{0, 256, false},
		{1000, 1, true},
		{1001, 100, false},
		{1001, 101, true},
		{1002, 256, false},
	} {
		if got := used(users, c.uid, c.bytes); got != c.want {
			t.Errorf("used by %d, %d bytes more: %v", c.uid, c.bytes, got)
		}
	}
}
