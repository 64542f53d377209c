package sealkey

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"fob/internal/cred"
	kernel "fob/internal/keep/keyring"
)

// roleVar makes the test program a tiny client of this package, so that it can
// be run in a session keyring of its own and under a tracer. Its arguments are
// the data directory, the runtime directory and the steps to take. The step
// "new" begins another run in the same session, and "elsewhere" with a data and
// a runtime directory locks from another session.
const roleVar = "FOB_SEALKEY_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVar) == "" {
		os.Exit(m.Run())
	}
	r := New(Options{DataDir: os.Args[1], RuntimeDir: os.Args[2], UID: os.Geteuid(), Now: time.Now, AnyDisk: true})
	for _, step := range os.Args[3:] {
		if step == "new" {
			r = New(r.o)
			continue
		}
		fmt.Printf("%s: %s\n", step, play(r, step))
	}
}

func play(r *Rest, step string) string {
	say := func(text string, err error) string {
		if err != nil {
			return err.Error()
		}
		return text
	}
	has := func(s cred.Secret, err error) string { return say(strconv.FormatBool(s.Reveal() == canary), err) }
	if where, ok := strings.CutPrefix(step, "elsewhere "); ok {
		argv := append([]string{"session", "-", os.Args[0]}, strings.Fields(where)...)
		out, err := exec.Command("keyctl", append(argv, "forget")...).Output()
		return say(strings.TrimSpace(string(out)), err)
	}
	switch step {
	case "save":
		return say(r.Save(cred.NewSecret(canary)))
	case "load":
		return has(r.Load())
	case "save-identity":
		return say(r.SaveIdentity(cred.NewSecret(canary)))
	case "load-identity":
		return has(r.LoadIdentity())
	case "forget":
		return say("done", r.Forget())
	case "places":
		held := []string{}
		for _, p := range r.Places() {
			if p.Holds != "" {
				held = append(held, p.Name+" "+p.Holds)
			}
		}
		return strings.Join(held, ", ")
	case "limits": // what the kernel says of our keys in the session keyring
		return describe(r, unix.KEY_SPEC_SESSION_KEYRING)
	case "user-limits":
		return describe(r, unix.KEY_SPEC_USER_KEYRING)
	}
	return "no such step"
}

// describe gives the permissions and the time left of both keys.
func describe(r *Rest, ring int) string {
	all := []string{}
	for _, word := range []string{"seal", "identity"} {
		id, err := unix.KeyctlSearch(ring, "user", "fob:"+word+":"+homeHash(r.o.DataDir), 0)
		if err != nil {
			continue
		}
		text, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id)
		if err != nil {
			continue
		}
		all = append(all, word+" "+strings.Split(text, ";")[3]+" "+left(id))
	}
	return strings.Join(all, ", ")
}

// left reads /proc/keys, whose fourth column is a rough time: "12h", and "11h"
// a second later. It gives the longer one.
func left(id int) string {
	text, err := os.ReadFile("/proc/keys")
	if err != nil {
		return "?"
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 3 && f[0] == fmt.Sprintf("%08x", id) {
			return strings.NewReplacer("11h", "12h", "9m", "10m").Replace(f[3])
		}
	}
	return "?"
}

type machine struct {
	data, runtime string
}

// newMachine gives directories of its own, so that no key of the developer has
// the same name, and removes what a test leaves in the user keyring.
func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{data: t.TempDir(), runtime: filepath.Join(t.TempDir(), "run")}
	if err := os.Mkdir(m.runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = New(Options{DataDir: m.data, Now: time.Now, UID: os.Geteuid()}).Forget() })
	return m
}

// run takes steps in a process behind other programs, and gives what it says.
func (m machine) run(t *testing.T, before []string, steps ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := append(append([]string{}, before...), self, m.data, m.runtime)
	argv = append(argv, steps...)
	c := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	c.Env = append(os.Environ(), roleVar+"=1")
	out, err := c.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		t.Fatalf("%v: %s%s", err, out, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func want(t *testing.T, got string, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(strings.Join(lines, "\n")+"\n", got); diff != "" {
		t.Error(diff)
	}
}

// ownSession starts programs in a new session keyring.
func ownSession(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "keyctl", "session", "-", "true").CombinedOutput()
	if err != nil {
		t.Skipf("needs keyctl and the right to use it: %v: %s", err, out)
	}
	return []string{"keyctl", "session", "-"}
}

func TestSessionKeyring(t *testing.T) {
	t.Parallel()
	session, m := ownSession(t), newMachine(t)
	want(t, m.run(t, session, "load", "load-identity", "save", "save-identity", "load", "load-identity", "places", "limits", "user-limits"),
		"load: no key is at rest",
		"load-identity: no key is at rest",
		"save: session keyring",
		"save-identity: session keyring",
		"load: true",
		"load-identity: true",
		"places: session keyring seal key, session keyring identity",
		"limits: seal 3f000000 12h, identity 3f000000 10m",
		"user-limits: ",
	)
	if entries, err := os.ReadDir(m.runtime); err != nil || len(entries) > 0 {
		t.Errorf("files were made: %v, %v", entries, err)
	}
	// Another session of the same user finds nothing.
	want(t, m.run(t, session, "load", "load-identity"), "load: no key is at rest", "load-identity: no key is at rest")
	want(t, m.run(t, session, "save", "save-identity", "forget", "load", "load-identity", "limits"),
		"save: session keyring",
		"save-identity: session keyring",
		"forget: done",
		"load: no key is at rest",
		"load-identity: no key is at rest",
		"limits: ",
	)
}

// Processes of one session see each other's keys, those of another can neither
// find nor, knowing its number, read one.
func TestSessionIsShared(t *testing.T) {
	t.Parallel()
	session, m := ownSession(t), newMachine(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := `"$0" "$1" "$2" save >/dev/null && "$0" "$1" "$2" load &&
id=$(keyctl search @s user "$3") && ! keyctl session - keyctl read "$id" 2>&1 | grep -v Joined`
	name := "fob:seal:" + homeHash(m.data)
	argv := append(session, "sh", "-c", script, self, m.data, m.runtime, name)
	c := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	c.Env = append(os.Environ(), roleVar+"=1")
	out, err := c.Output()
	if !strings.Contains(string(out), "load: true") || !strings.Contains(string(out), "Permission denied") {
		t.Errorf("got %s, %v", out, err)
	}
}

// Without a real session keyring the seal key rests in the user keyring, where
// other sessions read it, and the identity rests nowhere.
func TestSharedKeyring(t *testing.T) {
	t.Parallel()
	session, m := ownSession(t), newMachine(t)
	needNoSession(t)
	want(t, m.run(t, nil, "save", "save-identity", "load", "load-identity", "places", "user-limits"),
		"save: user keyring",
		"save-identity: no place for the identity: session keyring: this login has no session keyring of its own",
		"load: true",
		"load-identity: no key is at rest",
		"places: user keyring seal key",
		"user-limits: seal 3f2b0000 12h",
	)
	want(t, m.run(t, session, "load", "places"), "load: true", "places: user keyring seal key")
	want(t, m.run(t, session, "forget"), "forget: done")
	want(t, m.run(t, nil, "load"), "load: no key is at rest")
}

func needNoSession(t *testing.T) {
	t.Helper()
	if kernel.Session.Usable() == nil {
		t.Skip("this login has a real session keyring, and no process can leave it")
	}
}

// Whatever keyctl refuses, the next place is taken and the reason is kept.
func TestRefusedKeyctl(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), "strace", "-qq", "-e", "trace=none", "true").CombinedOutput(); err != nil {
		t.Skipf("needs strace: %v: %s", err, out)
	}
	session := ownSession(t)
	for _, fault := range []string{"keyctl EPERM", "keyctl ENOSYS", "keyctl EACCES", "keyctl EKEYREVOKED", "keyctl EKEYEXPIRED", "add_key EDQUOT", "add_key EPERM"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			call, errno, _ := strings.Cut(fault, " ")
			log := filepath.Join(t.TempDir(), "strace")
			before := append(append([]string{}, session...), "strace", "-f", "-qq", "-o", log, "-e", "trace="+call, "-e", "inject="+call+":error="+errno)
			out := m.run(t, before, "save", "load", "save-identity", "forget", "load")
			if text, err := os.ReadFile(log); err != nil || !strings.Contains(string(text), "(INJECTED)") {
				t.Fatalf("nothing was refused: %v", err)
			}
			lines := strings.Split(out, "\n")
			if got := lines[2]; !strings.HasPrefix(got, "save-identity: no place for the identity: session keyring: keyctl ") {
				t.Errorf("got %q", got)
			}
			want(t, strings.Join(append(lines[:2:2], lines[3:]...), "\n"),
				"save: file in "+filepath.Join(m.runtime, "fob"),
				"load: true",
				"forget: done",
				"load: no key is at rest",
			)
		})
	}
}

// A key that could not be protected or limited does not stay.
func TestHalfSavedKey(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	needNoSession(t)
	k := userKeyring(homeHash(m.data))
	id, err := unix.AddKey("user", k.description(holdsSeal), []byte("CANARY"), int(k.ring))
	if err != nil {
		t.Skipf("needs keyrings: %v", err)
	}
	if err := k.ring.Drop(id); err != nil {
		t.Error(err)
	}
	if _, err := k.load(holdsSeal); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// The kernel keeps the time by itself: what has ended cannot be read by anybody,
// whether fob runs again or not.
func TestKernelEndsKey(t *testing.T) {
	t.Parallel()
	k := userKeyring(homeHash(t.TempDir()))
	if err := k.save(holdsSeal, []byte("CANARY"), 2*time.Second); err != nil {
		t.Skipf("needs keyrings: %v", err)
	}
	id, err := k.ring.Find(k.description(holdsSeal))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.ring.Drop(id) }) // what has ended is not found by name
	if _, err := kernel.Read(id, maxFile); err != nil {
		t.Fatal(err)
	}
	// The kernel's clock cannot be moved.
	time.Sleep(3 * time.Second)
	if _, err := kernel.Read(id, maxFile); !errors.Is(err, unix.EKEYEXPIRED) && !errors.Is(err, unix.ENOKEY) {
		t.Errorf("two seconds later: %v", err)
	}
	if _, err := k.load(holdsSeal); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is found: %v", err)
	}
}

func uid() string { return strconv.Itoa(os.Geteuid()) }
