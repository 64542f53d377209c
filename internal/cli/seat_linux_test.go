package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/keep/unlock"
	"fob/internal/playground"

	"github.com/creack/pty"
)

// The two users of these tests. Neither exists; a number is all that a file and
// a process have.
const (
	ownerID    = 47101
	strangerID = 47102
)

// vault is a house whose store has the key of profile security, which asks for
// MFA codes, under a passphrase that stands nowhere in this program, and whose AWS
// has secrets that nothing else has.
type vault struct {
	*house
	passphrase, key, identity string
	lastCode                  string
	ahead                     time.Duration // of the real clock
}

// newVault makes one; where owned, all of it and every run is another user's than
// ours.
func newVault(t *testing.T, owned bool) *vault {
	t.Helper()
	h := newHouse(t)
	// The same for all houses is what newHouse wants; here it would be found in
	// the memory of a test that runs beside this one.
	aws, err := playground.Start(playground.Options{Canary: true, Now: time.Now})
	h.must(err)
	t.Cleanup(func() { _ = aws.Close() })
	h.aws = aws
	user, _ := aws.User("gruntwork")
	v := &vault{house: h, passphrase: "CANARY-" + rand.Text(), key: user.Secret.Reveal()}
	h.write(playground.Config, ".aws", "config")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": aws.URL, "AWS_EC2_METADATA_DISABLED": "true", "FOB_PASSPHRASE": v.passphrase, "TEST_CLOCK": h.path("clock"),
		"AWS_ACCESS_KEY_ID": user.AccessKeyID, "AWS_SECRET_ACCESS_KEY": v.key,
	} {
		h.env[name] = value
	}
	if owned {
		v.giveAway()
	}
	if got := h.fob("add", "security", "--env"); got.status != 0 {
		t.Fatalf("fob add: %+v", got)
	}
	h.forgetKey()
	v.readIdentity()
	return v
}

// giveAway hands the house and the executables over to another user.
func (v *vault) giveAway() {
	bin := filepath.Join(v.t.TempDir(), "bin")
	v.must(os.Mkdir(bin, 0o755))
	self, err := os.Executable()
	v.must(err)
	// Not written by this process: another test's fork would hold it open for
	// writing, and execve would refuse it (golang/go#22315).
	v.must(exec.CommandContext(v.t.Context(), "cp", self, filepath.Join(bin, "fob")).Run())
	for _, name := range []string{"fob-core", "child"} {
		v.must(os.Link(filepath.Join(bin, "fob"), filepath.Join(bin, name)))
	}
	v.must(filepath.WalkDir(v.home, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, ownerID, ownerID))
	}))
	for _, dir := range []string{filepath.Dir(bin), filepath.Dir(filepath.Dir(bin))} {
		v.must(os.Chmod(dir, 0o755))
	}
	v.env["PATH"] = bin + ":" + v.env["PATH"]
	v.attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ownerID, Gid: ownerID}}
}

func (v *vault) readIdentity() {
	for _, kind := range unlock.Kinds() {
		if kind.Name != "passphrase" {
			continue
		}
		// By a copy: the slot belongs to the owner alone.
		dir := filepath.Join(v.t.TempDir(), "slots")
		v.must(os.Mkdir(dir, 0o700))
		text, err := os.ReadFile(v.data("slots", "passphrase.age"))
		v.must(err)
		v.must(os.WriteFile(filepath.Join(dir, "passphrase.age"), text, 0o600))
		identity, err := kind.Open(unlock.Env{Dir: dir, Cheap: true, Now: time.Now, Ask: func(context.Context, unlock.Question) (cred.Secret, error) {
			return cred.NewSecret(v.passphrase), nil
		}}).Load(v.t.Context())
		v.must(err)
		v.identity = identity.Reveal()
	}
}

// code is what the device of gruntwork shows, when it shows one that was not used
// yet: time passes until then, here and at AWS.
func (v *vault) code() string {
	code, wait := v.aws.Code("gruntwork")
	if code == v.lastCode { // a run that died with it has written it down as sent
		wait = 30 * time.Second
	}
	v.aws.Advance(wait)
	v.ahead += wait
	if code == v.lastCode {
		code, _ = v.aws.Code("gruntwork")
	}
	v.lastCode = code
	v.must(os.WriteFile(v.env["TEST_CLOCK"], []byte(v.ahead.String()), 0o644))
	return code
}

// seat is a program at a terminal of its own.
type seat struct {
	t      testing.TB
	cmd    *exec.Cmd
	shown  chan string
	seen   string
	all    string // that was ever waited through
	master *os.File
}

// sit starts a program at a terminal. What it prints beside goes to out, which
// may be nil.
func (h *house) sit(out *os.File, argv ...string) *seat {
	h.t.Helper()
	master, slave, err := pty.Open()
	h.must(err)
	defer slave.Close()
	var owner *syscall.Credential
	if h.attr != nil && h.attr.Credential != nil {
		owner = h.attr.Credential
		h.must(slave.Chown(int(owner.Uid), int(owner.Gid)))
	}
	// The house's PATH, not ours.
	c := exec.CommandContext(h.t.Context(), "/bin/sh", append([]string{"-c", `exec "$@"`, "sh"}, argv...)...)
	c.Dir = h.home
	for name, value := range h.env {
		if name != "TEST_NO_TTY" {
			c.Env = append(c.Env, name+"="+value)
		}
	}
	c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
	if out != nil {
		c.Stdout = out
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Credential: owner}
	h.must(c.Start())
	s := &seat{t: h.t, cmd: c, shown: make(chan string, 64), master: master}
	go s.watch()
	h.t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = master.Close()
	})
	return s
}

func (s *seat) watch() {
	defer close(s.shown)
	buf := make([]byte, 4096)
	for {
		n, err := s.master.Read(buf)
		if n > 0 {
			s.shown <- string(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// asked waits until a text is shown, and forgets what came before it.
func (s *seat) asked(text string) {
	s.t.Helper()
	late := time.After(30 * time.Second)
	for {
		if _, after, ok := strings.Cut(s.seen, text); ok {
			s.seen = after
			return
		}
		select {
		case more, ok := <-s.shown:
			s.all += more
			if s.seen += more; !ok && !strings.Contains(s.seen, text) {
				s.t.Fatalf("it ended without %q: %q", text, s.seen)
			}
		case <-late:
			s.t.Fatalf("no %q within half a minute: %q", text, s.seen)
		}
	}
}

func (s *seat) says(line string) {
	s.t.Helper()
	if _, err := io.WriteString(s.master, line+"\n"); err != nil {
		s.t.Fatal(err)
	}
}

// unless waits for the end, but interrupts the program when a text is shown, and
// gives what was shown.
func (s *seat) unless(text string) string {
	for more := range s.shown {
		if s.seen += more; strings.Contains(s.seen, text) {
			s.says("\x03")
			break
		}
	}
	return s.seen
}

func (s *seat) pid() int { return s.cmd.Process.Pid }

// end waits for the program, and gives what else it has shown.
func (s *seat) end() (syscall.WaitStatus, string) {
	s.t.Helper()
	late := time.AfterFunc(time.Minute, func() { _ = s.cmd.Process.Kill() })
	defer late.Stop()
	err := s.cmd.Wait()
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
		s.t.Fatal(err)
	}
	for more := range s.shown {
		s.seen += more
	}
	return s.cmd.ProcessState.Sys().(syscall.WaitStatus), s.seen
}
