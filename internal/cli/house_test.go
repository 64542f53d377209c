//go:build unix

package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"fob/internal/playground"
)

// house is a machine of its own for one case of a table: a HOME, an AWS where
// user plain may enter role x without MFA, and nobody at a terminal.
type house struct {
	t    testing.TB
	home string
	aws  *playground.Server
	env  map[string]string
	// attr is how a program is started there, with enter before its command line;
	// nil: as the tests are.
	attr  *syscall.SysProcAttr
	enter []string
}

const (
	anyoneTrusts = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}]}`
	allAllowed   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

func newHouse(t testing.TB) *house {
	t.Helper()
	// The same keys everywhere, so that a store can be copied.
	aws, err := playground.Start(playground.Options{Canary: true, Now: time.Now, Rand: bytes.NewReader(make([]byte, 32))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = aws.Close() })
	user, err := aws.AddUser("plain")
	if err == nil {
		err = aws.SetUserPolicy("plain", allAllowed)
	}
	if err == nil {
		_, err = aws.AddRole(playground.Role{Account: "security", Name: "x", Trust: anyoneTrusts, Policy: allAllowed, Max: time.Hour})
	}
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, home: t.TempDir(), aws: aws}
	h.env = map[string]string{
		"HOME": h.home, "XDG_RUNTIME_DIR": h.path("run"), "PATH": os.Getenv("PATH"), "TEST_NO_TTY": "1", "FOB_PASSPHRASE": "CANARY passphrase", "AWS_MAX_ATTEMPTS": "1",
		"AWS_ACCESS_KEY_ID": user.AccessKeyID, "AWS_SECRET_ACCESS_KEY": user.Secret.Reveal(), "GOCOVERDIR": os.Getenv("GOCOVERDIR"),
	}
	// A program that was built to find races sleeps for a second at its end.
	h.env["GORACE"] = "atexit_sleep_ms=0"
	h.must(os.Mkdir(h.path("run"), 0o700))
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// path is a place below HOME.
func (h *house) path(parts ...string) string {
	return filepath.Join(append([]string{h.home}, parts...)...)
}

func (h *house) write(text string, parts ...string) {
	h.t.Helper()
	path := h.path(parts...)
	h.must(os.MkdirAll(filepath.Dir(path), 0o700))
	h.must(os.WriteFile(path, []byte(text), 0o600))
}

func (h *house) read(parts ...string) string {
	h.t.Helper()
	text, err := os.ReadFile(h.path(parts...))
	h.must(err)
	return string(text)
}

// data is a place in the data directory.
func (h *house) data(parts ...string) string {
	return h.path(append([]string{".local", "share", "fob"}, parts...)...)
}

// store makes a store with the key of profile plain, and takes that out of the
// environment.
func (h *house) store() {
	h.t.Helper()
	if got := h.fob("add", "plain", "--env", "--no-add-config"); got.status != 0 {
		h.t.Fatalf("fob add: %+v", got)
	}
	h.forgetKey()
}

// storeOf copies another house's store, which is then locked here.
func (h *house) storeOf(other *house) {
	h.t.Helper()
	for name, text := range other.files() {
		if dir, name := filepath.Split(name); strings.HasPrefix(dir, ".local/") {
			h.write(text, dir, name)
		}
	}
	h.forgetKey()
}

func (h *house) forgetKey() {
	delete(h.env, "AWS_ACCESS_KEY_ID")
	delete(h.env, "AWS_SECRET_ACCESS_KEY")
}

// files are the files that no run may change or add to, with what is in them:
// all but sessions, the record, locks and what rests while the store is open.
func (h *house) files() map[string]string {
	found := map[string]string{}
	h.must(filepath.WalkDir(h.home, func(path string, d os.DirEntry, err error) error {
		name, _ := filepath.Rel(h.home, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "cache" || d.Name() == "locks" || name == "run"):
			return filepath.SkipDir
		case d.IsDir(), d.Name() == "index", d.Name() == "index.lock", d.Name() == "log.lock", strings.HasPrefix(d.Name(), "log-"):
		case d.Type().IsRegular():
			text, err := os.ReadFile(path)
			found[name] = string(text)
			return err
		case d.Type()&os.ModeSymlink != 0:
			found[name], err = os.Readlink(path)
			return err
		default:
			found[name] = d.Type().String()
		}
		return nil
	}))
	return found
}

// calls are those that reached AWS since the last time.
func (h *house) calls() (lines []string) {
	for _, c := range h.aws.Audit() {
		lines = append(lines, callLine(c))
	}
	h.aws.ClearAudit()
	return lines
}

// ran is what came of a command.
type ran struct {
	status      int
	out, errors string
}

// fob runs the program with standard input closed.
func (h *house) fob(args ...string) ran { return h.sh(`exec fob "$@" <&-`, args...) }

// sh runs a shell script with these arguments. Whatever the program is given, it
// ends within seconds, does not fall over, and leaves the terminal alone.
func (h *house) sh(script string, args ...string) ran {
	h.t.Helper()
	// A guard against hanging: nothing here waits for anything.
	ctx, stop := context.WithTimeout(h.t.Context(), 30*time.Second)
	defer stop()
	argv := append(append(slices.Clone(h.enter), "sh", "-c", script, "sh"), args...)
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.Dir = h.home
	for name, value := range h.env {
		c.Env = append(c.Env, name+"="+value)
	}
	c.SysProcAttr = &syscall.SysProcAttr{}
	if h.attr != nil {
		*c.SysProcAttr = *h.attr
	}
	c.SysProcAttr.Setpgid = true
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	exit := (*exec.ExitError)(nil)
	switch {
	case ctx.Err() != nil:
		h.t.Errorf("%.60q: hangs", args)
	case err != nil && !errors.As(err, &exit):
		h.t.Fatal(err)
	}
	if syscall.Kill(-c.Process.Pid, 0) == nil {
		h.t.Errorf("%.60q: leaves a process behind", args)
	}
	got := ran{c.ProcessState.ExitCode(), out.String(), errs.String()}
	if strings.Contains(got.errors, "goroutine ") || strings.Contains(got.errors, "panic") {
		h.t.Errorf("%.60q: falls over: %s", args, got.errors)
	}
	if strings.IndexFunc(got.errors, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) >= 0 {
		h.t.Errorf("%.60q: raw bytes on the terminal: %q", args, got.errors)
	}
	if len(got.errors) > 3000 {
		h.t.Errorf("%.60q: %d bytes of message", args, len(got.errors))
	}
	return got
}
