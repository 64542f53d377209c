package unlock_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/keep/keyring"
	"fob/internal/keep/unlock"
	"fob/internal/keep/unlock/unlocktest"
)

// stepsVar makes TestKeyctlSteps a client of its own: a folder of slots, and
// what to do with it.
const stepsVar = "FOB_UNLOCK_TEST_KEYCTL"

// TestKeyctlSteps is what the other tests start in a session of its own, or
// under a tracer. By itself it does nothing.
func TestKeyctlSteps(t *testing.T) {
	steps := strings.Fields(os.Getenv(stepsVar))
	if len(steps) == 0 {
		return
	}
	kind := kindNamed(t, "keyctl")
	u := kind.Open(unlock.Env{Dir: steps[0]})
	for _, step := range steps[1:] {
		var err error
		switch step {
		case "available":
			err = kind.Available(t.Context(), unlock.Env{Dir: steps[0]})
		case "usable":
			err = u.Usable(t.Context())
		case "save":
			err = u.Save(t.Context(), cred.NewSecret(vaultIdentity))
		case "forget":
			err = u.Forget(t.Context())
		case "load":
			got, failed := u.Load(t.Context())
			if err = failed; err == nil && !got.Equal(cred.NewSecret(vaultIdentity)) {
				err = errors.New("it is another identity")
			}
		default:
			t.Fatalf("no step %q", step)
		}
		fmt.Printf("said %s: %v\n", step, err)
	}
}

// takeSteps runs this program behind another one, in a session keyring of its
// own, and gives what the steps said.
func takeSteps(t *testing.T, dir string, before []string, steps ...string) string {
	t.Helper()
	argv := append([]string{"session", "-"}, before...)
	argv = append(argv, os.Args[0], "-test.run=^TestKeyctlSteps$")
	c := exec.CommandContext(t.Context(), "keyctl", argv...)
	c.Env = append(os.Environ(), stepsVar+"="+dir+" "+strings.Join(steps, " "))
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var said strings.Builder
	for line := range strings.Lines(string(out)) {
		if text, ok := strings.CutPrefix(line, "said "); ok {
			said.WriteString(text)
		}
	}
	return said.String()
}

func needKeyctl(t *testing.T) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "keyctl", "session", "-", "true").CombinedOutput(); err != nil {
		t.Skipf("needs keyctl and the right to use it: %v: %s", err, out)
	}
}

// ownSlots gives a folder of slots whose key is gone from the kernel afterwards.
func ownSlots(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "slots")
	t.Cleanup(func() {
		_ = kindNamed(t, "keyctl").Open(unlock.Env{Dir: dir}).Forget(context.WithoutCancel(t.Context()))
	})
	return dir
}

// TestKeyctl starts itself once more, so that the whole suite runs where this
// login's own session is out of reach.
func TestKeyctl(t *testing.T) {
	t.Parallel()
	needKeyctl(t)
	const inside = "FOB_UNLOCK_TEST_SESSION"
	if os.Getenv(inside) == "" {
		c := exec.CommandContext(t.Context(), "keyctl", "session", "-", os.Args[0], "-test.run=^TestKeyctl$", "-test.v")
		c.Env = append(os.Environ(), inside+"=1")
		out, err := c.CombinedOutput()
		if err != nil || strings.Contains(string(out), "--- SKIP") || !strings.Contains(string(out), "--- PASS: TestKeyctl/round_trip") {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	kind := kindNamed(t, "keyctl")
	unlocktest.Run(t, func(t *testing.T, env unlock.Env) unlock.Unlocker {
		t.Cleanup(func() { _ = kind.Open(env).Forget(context.WithoutCancel(t.Context())) })
		return kind.Open(env)
	})
}

// Other logins of the user open the slot, another store does not, and without
// its key the slot opens nothing.
func TestKeyctlLogins(t *testing.T) {
	t.Parallel()
	needKeyctl(t)
	dir, other := ownSlots(t), ownSlots(t)
	for _, c := range []struct {
		dir, steps, want string
	}{
		{dir, "available usable load", "available: <nil>\nusable: no slot: DIR/keyctl.age is not there\nload: no slot: DIR/keyctl.age is not there\n"},
		{dir, "save usable load", "save: <nil>\nusable: <nil>\nload: <nil>\n"},
		{dir, "usable load", "usable: <nil>\nload: <nil>\n"},
		{other, "save load forget", "save: <nil>\nload: <nil>\nforget: <nil>\n"},
		{dir, "load", "load: <nil>\n"},
	} {
		want := strings.ReplaceAll(c.want, "DIR", c.dir)
		if diff := cmp.Diff(want, takeSteps(t, c.dir, nil, strings.Fields(c.steps)...)); diff != "" {
			t.Error(diff)
		}
	}
	// As if the machine was started again.
	id := slotKey(t, dir)
	if err := keyring.User.Drop(id); err != nil {
		t.Fatal(err)
	}
	const gone = "keyctl: it has no key for this store; the kernel forgets it when the machine is started again\n"
	if diff := cmp.Diff("usable: "+gone+"load: "+gone+"save: <nil>\nload: <nil>\n", takeSteps(t, dir, nil, "usable", "load", "save", "load")); diff != "" {
		t.Error(diff)
	}
}

// A folder's slots that were copied to another folder open nothing there.
func TestKeyctlCopiedSlot(t *testing.T) {
	t.Parallel()
	needKeyctl(t)
	dir, other := ownSlots(t), ownSlots(t)
	takeSteps(t, dir, nil, "save")
	takeSteps(t, other, nil, "save")
	slot, err := os.ReadFile(filepath.Join(dir, "keyctl.age"))
	if err == nil {
		err = os.WriteFile(filepath.Join(other, "keyctl.age"), slot, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	want := "load: " + filepath.Join(other, "keyctl.age") + " does not open with the key that keyctl has for it, or is damaged\n"
	if diff := cmp.Diff(want, takeSteps(t, other, nil, "load")); diff != "" {
		t.Error(diff)
	}
}

// slotKey finds the key in the way that the documents name.
func slotKey(t *testing.T, dir string) int {
	t.Helper()
	id, err := keyring.User.Find("fob:slot:" + unlock.StoreHash(dir))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// The key is not limited and has the permissions that let other logins of the
// same user read it, and another user can neither find nor read it.
func TestKeyctlOtherUser(t *testing.T) {
	t.Parallel()
	needKeyctl(t)
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be another user")
	}
	dir := ownSlots(t)
	takeSteps(t, dir, nil, "save")
	id := slotKey(t, dir)
	name := "fob:slot:" + unlock.StoreHash(dir)
	keys, err := os.ReadFile("/proc/keys")
	if err != nil {
		t.Fatal(err)
	}
	if line := regexp.MustCompile(fmt.Sprintf(`(?m)^%08x .*$`, id)).FindString(string(keys)); !strings.Contains(line, " perm 3f2b0000 ") {
		t.Errorf("the kernel says %q", line)
	}
	for _, c := range []struct {
		uid  uint32
		argv []string
		want string // at the end
	}{
		{0, []string{"search", "@u", "user", name}, strconv.Itoa(id)},
		{0, []string{"pipe", strconv.Itoa(id)}, "AGE-SECRET-KEY-1"},
		{64321, []string{"search", "@u", "user", name}, "Required key not available"},
		{64321, []string{"pipe", strconv.Itoa(id)}, "Permission denied"},
		{64321, []string{"setperm", strconv.Itoa(id), "0x3f3f3f3f"}, "Permission denied"},
	} {
		cmd := exec.CommandContext(t.Context(), "keyctl", c.argv...)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.uid, Gid: c.uid}}
		out, _ := cmd.CombinedOutput()
		if !strings.Contains(string(out), c.want) {
			t.Errorf("%d %s: %q, want %q", c.uid, c.argv[0], strings.ReplaceAll(string(out), "AGE-SECRET", "..."), c.want)
		}
	}
}

// Whatever the kernel refuses is told, and nothing is half kept.
func TestKeyctlRefused(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), "strace", "-qq", "-e", "trace=none", "true").CombinedOutput(); err != nil {
		t.Skipf("needs strace: %v: %s", err, out)
	}
	needKeyctl(t)
	const (
		denied = "not permitted, as in many containers"
		none   = "this kernel has no keyrings"
		full   = "the user's share of keys is used up"
	)
	for fault, want := range map[string]string{
		"keyctl EPERM":   "available: describe: " + denied + "\nsave: keyctl: search: " + denied + "\n",
		"keyctl ENOSYS":  "available: describe: " + none + "\nsave: keyctl: search: " + none + "\n",
		"add_key EPERM":  "available: add: " + denied + "\nsave: keyctl: add: " + denied + "\n",
		"add_key EDQUOT": "available: add: " + full + "\nsave: keyctl: add: " + full + "\n",
		"keyctl EACCES":  "available: describe: permission denied\nsave: keyctl: search: permission denied\n",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			dir := ownSlots(t)
			call, errno, _ := strings.Cut(fault, " ")
			log := filepath.Join(t.TempDir(), "strace")
			got := takeSteps(t, dir, []string{"strace", "-f", "-qq", "-o", log, "-e", "trace=" + call, "-e", "inject=" + call + ":error=" + errno}, "available", "save", "load", "forget")
			if text, err := os.ReadFile(log); err != nil || !strings.Contains(string(text), "(INJECTED)") {
				t.Fatalf("nothing was refused: %v", err)
			}
			want += "load: no slot: " + filepath.Join(dir, "keyctl.age") + " is not there\nforget: <nil>\n"
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A slot whose key is out of reach says why, and so does removing the key.
func TestKeyctlRefusedLater(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), "strace", "-qq", "-e", "trace=none", "true").CombinedOutput(); err != nil {
		t.Skipf("needs strace: %v: %s", err, out)
	}
	needKeyctl(t)
	dir := ownSlots(t)
	takeSteps(t, dir, nil, "save")
	log := filepath.Join(t.TempDir(), "strace")
	got := takeSteps(t, dir, []string{"strace", "-f", "-qq", "-o", log, "-e", "trace=keyctl", "-e", "inject=keyctl:error=EPERM"}, "usable", "load", "forget")
	if text, err := os.ReadFile(log); err != nil || !strings.Contains(string(text), "(INJECTED)") {
		t.Fatalf("nothing was refused: %v", err)
	}
	const why = "keyctl: search: not permitted, as in many containers\n"
	if diff := cmp.Diff("usable: "+why+"load: "+why+"forget: "+why, got); diff != "" {
		t.Error(diff)
	}
}
