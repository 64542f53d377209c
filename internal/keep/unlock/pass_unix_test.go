//go:build unix

package unlock_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/keep/unlock"
	"fob/internal/keep/unlock/unlocktest"
)

// passWorld is a home with pass and gpg in it.
type passWorld struct {
	home    string
	environ []string

	mu   sync.Mutex
	runs []string // the arguments of what was started
}

func (w *passWorld) store() string { return filepath.Join(w.home, "store") }

// newPassWorld makes a gpg key with a passphrase, or without one, and a store of
// pass for it. The passphrase is typed by a script which says what stands in the
// file "answer", and notes in "asked" that it was asked. The key is cheap to open.
func newPassWorld(t *testing.T, passphrase string) *passWorld {
	t.Helper()
	for _, name := range []string{"pass", "gpg", "gpgconf"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is missing", name)
		}
	}
	// The path of the agent's socket must be short.
	home, err := os.MkdirTemp("", "fob-pass")
	if err != nil {
		t.Fatal(err)
	}
	w := &passWorld{home: home, environ: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GNUPGHOME=" + home + "/gnupg", "PASSWORD_STORE_DIR=" + home + "/store", "LC_ALL=C",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.invalid", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.invalid",
	}}
	t.Cleanup(func() {
		c := exec.Command("gpgconf", "--kill", "all")
		c.Env = w.environ
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("gpgconf --kill: %v: %s", err, out)
		}
		_ = os.RemoveAll(home)
	})
	if err := os.Mkdir(home+"/gnupg", 0o700); err != nil {
		t.Fatal(err)
	}
	w.write(t, "pinentry", pinentry, 0o700)
	w.write(t, "gnupg/gpg-agent.conf", "pinentry-program "+home+"/pinentry\ns2k-count 65536\ndefault-cache-ttl 0\nmax-cache-ttl 0\n", 0o600)
	w.must(t, "gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", passphrase, "--quick-gen-key", "t <t@example.invalid>", "future-default", "default", "never")
	w.must(t, "pass", "init", "t@example.invalid")
	w.must(t, "gpgconf", "--kill", "all")
	w.runs = nil
	return w
}

// pinentry speaks as gpg-agent wants (pinentry's manual, "Protocol").
const pinentry = `#!/bin/sh
here=$(dirname "$0")
echo "OK ready"
while read -r command rest; do
	case $command in
	GETPIN)
		echo asked >>"$here/asked"
		if [ -s "$here/answer" ]; then
			echo "D $(cat "$here/answer")"
			echo OK
		else
			echo "ERR 83886179 Operation cancelled <Pinentry>"
		fi ;;
	BYE) echo OK; exit ;;
	*) echo OK ;;
	esac
done
`

func (w *passWorld) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.home, name), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func (w *passWorld) asked() bool {
	_, err := os.Stat(filepath.Join(w.home, "asked"))
	return err == nil
}

func (w *passWorld) must(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := w.run(t.Context(), unlock.Command{Args: argv})
	if err != nil {
		t.Fatalf("%s: %v", argv[0], err)
	}
	return string(out)
}

// run is what the program gives unlockers, but for the terminal.
func (w *passWorld) run(ctx context.Context, run unlock.Command) ([]byte, error) {
	w.mu.Lock()
	w.runs = append(w.runs, strings.Join(run.Args, " "))
	w.mu.Unlock()
	c := exec.CommandContext(ctx, "/usr/bin/env", run.Args...)
	var said bytes.Buffer
	c.Env, c.Stdin, c.Stderr, c.WaitDelay = append(w.environ, run.More...), bytes.NewReader(run.Stdin), &said, time.Second
	out, err := c.Output()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	}
	return out, err
}

func (w *passWorld) lookup(name string) (string, bool) {
	for _, e := range w.environ {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

func (w *passWorld) env(dir string) unlock.Env {
	return unlock.Env{Dir: dir, Run: w.run, Lookup: w.lookup}
}

// The whole suite, with real programs. What pass shows is remembered until the
// entry changes: the suite opens some hundred damaged slots with it.
func TestPass(t *testing.T) {
	t.Parallel()
	w, kind := newPassWorld(t, ""), kindNamed(t, "pass")
	shown := sync.Map{}
	unlocktest.Run(t, func(_ *testing.T, env unlock.Env) unlock.Unlocker {
		env.Lookup = w.lookup
		env.Run = func(ctx context.Context, run unlock.Command) ([]byte, error) {
			key := run.Args[len(run.Args)-1]
			if out, ok := shown.Load(key); ok && run.Args[1] == "show" {
				return bytes.Clone(out.([]byte)), ctx.Err()
			}
			out, err := w.run(ctx, run)
			if shown.Delete(key); err == nil && run.Args[1] == "show" {
				shown.Store(key, bytes.Clone(out))
			}
			return out, err
		}
		return kind.Open(env)
	})
	t.Cleanup(func() {
		for _, line := range w.runs {
			if strings.Contains(line, "SECRET") {
				t.Error("a secret was an argument")
			}
		}
	})
}

// One entry for each store, which is all that gets to other machines; stock
// programs open the slot with it.
func TestPassEntry(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"git", "age"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is missing", name)
		}
	}
	w, kind := newPassWorld(t, ""), kindNamed(t, "pass")
	w.must(t, "pass", "git", "init")
	one, two := filepath.Join(t.TempDir(), "slots"), filepath.Join(t.TempDir(), "slots")
	identity := cred.NewSecret(vaultIdentity)
	for _, dir := range []string{one, two} {
		if err := kind.Open(w.env(dir)).Save(t.Context(), identity); err != nil {
			t.Fatal(err)
		}
	}
	entry := func(dir string) string { return "fob/" + unlock.StoreHash(dir) }
	if got := strings.Fields(w.must(t, "git", "-C", w.store(), "ls-files", "fob")); len(got) != 2 || !strings.Contains(strings.Join(got, " "), entry(one)+".gpg") {
		t.Errorf("the repository has %v", got)
	}
	opened := w.must(t, "sh", "-c", `pass show "$1" >"$HOME/key" && age -d -i "$HOME/key" "$2"`, "-", entry(one), filepath.Join(one, "pass.age"))
	if strings.TrimSpace(opened) != vaultIdentity {
		t.Error("stock programs do not open the slot")
	}
	if err := kind.Open(w.env(one)).Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(w.store(), entry(one)+".gpg")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the entry is still there: %v", err)
	}
	if dirty := w.must(t, "git", "-C", w.store(), "status", "--porcelain"); dirty != "" {
		t.Errorf("not committed: %s", dirty)
	}
	if got, err := kind.Open(w.env(two)).Load(t.Context()); err != nil || !got.Equal(identity) {
		t.Errorf("the other store: %v", err)
	}
}

// A key with a passphrase: only what needs it asks. No answer and a wrong one are
// the same to gpg, which pass runs with --quiet.
func TestPassAsks(t *testing.T) {
	t.Parallel()
	w, kind := newPassWorld(t, "CANARY gpg"), kindNamed(t, "pass")
	w.write(t, "answer", "CANARY gpg", 0o600)
	dir, identity := filepath.Join(t.TempDir(), "slots"), cred.NewSecret(vaultIdentity)
	u := kind.Open(w.env(dir))
	if err := kind.Available(t.Context(), w.env(dir)); err != nil || w.asked() {
		t.Fatalf("Available: %v, asked %v", err, w.asked())
	}
	if err := u.Save(t.Context(), identity); err != nil || !w.asked() {
		t.Fatalf("Save: %v, asked %v", err, w.asked())
	}
	_ = os.Remove(filepath.Join(w.home, "asked"))
	if err := u.Usable(t.Context()); err != nil || w.asked() {
		t.Errorf("Usable: %v, asked %v", err, w.asked())
	}
	if got, err := u.Load(t.Context()); err != nil || !got.Equal(identity) || !w.asked() {
		t.Errorf("Load: %v, asked %v", err, w.asked())
	}
	for _, answer := range []string{"", "CANARY wrong"} {
		w.write(t, "answer", answer, 0o600)
		w.must(t, "gpgconf", "--kill", "gpg-agent") // which remembers the right one
		_, err := u.Load(t.Context())
		kept := (*unlock.KeeperError)(nil)
		if !errors.As(err, &kept) || kept.Kind != "pass" || !strings.HasSuffix(err.Error(), "gpg: decryption failed: No secret key") {
			t.Errorf("Load with %q: %v", answer, err)
		}
		// Nor is the slot written anew to a key that nobody can read.
		if err := u.Save(t.Context(), identity); !errors.As(err, &kept) {
			t.Errorf("Save with %q: %v", answer, err)
		}
	}
	w.write(t, "answer", "CANARY gpg", 0o600)
	w.must(t, "gpgconf", "--kill", "gpg-agent")
	if got, err := u.Load(t.Context()); err != nil || !got.Equal(identity) {
		t.Errorf("Load afterwards: %v", err)
	}
}

// passKey is a key that a slot can have, in fake answers of pass.
const passKey = "AGE-SECRET-KEY-1CANARYANEWERQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ609RZG"

// Programs called pass that are not what one expects. show is
// what such a program does instead of showing the entry.
func TestPassFails(t *testing.T) {
	t.Parallel()
	const not = "pass: what it has for this store is not the key of a slot"
	for _, c := range []struct {
		name, show, want string // ENTRY stands for the entry's name
	}{
		{"works", `cat "$file"`, ""},
		{"with notes below", `cat "$file"; echo CANARY notes`, ""},
		{"a line above", `echo CANARY; cat "$file"`, not},
		{"nothing", `:`, not},
		{"junk", `head -c 60000 /dev/urandom`, not},
		{"another key", `echo ` + passKey, "PATH does not open with the key that pass has for it, or is damaged"},
		{"fails", `echo first >&2; echo "gpg: no way" >&2; exit 1`, "pass: show ENTRY: exit status 1: first\ngpg: no way"},
		{"shows and fails", `cat "$file"; exit 2`, "pass: show ENTRY: exit status 2:"},
		{"absent", "", "pass: the program pass is not installed"},
		{"ended", `kill -9 $$`, "pass: show ENTRY: signal: killed:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := fakePass(t, keeps, shows)
			dir := filepath.Join(t.TempDir(), "slots")
			u, identity := kindNamed(t, "pass").Open(w.env(dir)), cred.NewSecret(vaultIdentity)
			if err := u.Save(t.Context(), identity); err != nil {
				t.Fatal(err)
			}
			w.script(t, keeps, c.show)
			if c.show == "" {
				_ = os.Remove(filepath.Join(w.home, "pass"))
				w.environ[0] = "PATH=" + w.home
			}
			got, err := u.Load(t.Context())
			want := strings.NewReplacer("PATH", filepath.Join(dir, "pass.age"), "ENTRY", "fob/"+unlock.StoreHash(dir)).Replace(c.want)
			if said := fmt.Sprint(err); err != nil && strings.TrimSpace(said) != want || err == nil && (want != "" || !got.Equal(identity)) {
				t.Errorf("Load: %q, want %q", said, want)
			}
		})
	}
}

// What a fake pass does for insert and for show when it works.
const keeps, shows = `cat >"$file"`, `cat "$file"`

// fakePass is a home whose pass is a script.
func fakePass(t *testing.T, insert, show string) *passWorld {
	t.Helper()
	home := t.TempDir()
	w := &passWorld{home: home, environ: []string{"PATH=" + home + ":/usr/bin:/bin", "HOME=" + home}}
	if err := os.MkdirAll(filepath.Join(home, ".password-store", "fob"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.write(t, ".password-store/.gpg-id", "t\n", 0o600)
	w.write(t, "gpg", "#!/bin/sh\n", 0o700)
	w.script(t, insert, show)
	return w
}

func (w *passWorld) script(t *testing.T, insert, show string) {
	t.Helper()
	// A new file, since the old one may still be open for running.
	_ = os.Remove(filepath.Join(w.home, "pass"))
	w.write(t, "pass", `#!/bin/sh
for name; do :; done
file=$HOME/.password-store/$name.gpg
case $1 in
insert) `+insert+` ;;
rm) rm "$file" ;;
show) `+show+` ;;
esac
`, 0o700)
}

// A pass that hangs is ended with the run, and not told as a failure of pass.
func TestPassHangs(t *testing.T) {
	t.Parallel()
	w := fakePass(t, keeps, shows)
	u := kindNamed(t, "pass").Open(w.env(filepath.Join(t.TempDir(), "slots")))
	if err := u.Save(t.Context(), cred.NewSecret(vaultIdentity)); err != nil {
		t.Fatal(err)
	}
	w.script(t, keeps, `: >"$HOME/started"; exec sleep 600`)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for range 600 {
			if _, err := os.Stat(filepath.Join(w.home, "started")); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond) // the script has no other way to say so
		}
		cancel()
	}()
	began := time.Now()
	_, err := u.Load(ctx)
	if kept := (*unlock.KeeperError)(nil); !errors.Is(err, context.Canceled) || errors.As(err, &kept) {
		t.Errorf("Load = %v, want the context's end", err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %s", took)
	}
}

// Insert that fails leaves no slot, and one that keeps nothing is found out.
func TestPassKeepsNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ insert, want string }{
		{`echo "gpg: no public key" >&2; exit 1`, "pass: insert ENTRY: exit status 1: gpg: no public key"},
		{`:`, "pass: it has no key for this store"},
		{`echo other >"$file"`, "pass: it does not give back what it was given"},
	} {
		w := fakePass(t, c.insert, shows)
		dir := filepath.Join(t.TempDir(), "slots")
		err := kindNamed(t, "pass").Open(w.env(dir)).Save(t.Context(), cred.NewSecret(vaultIdentity))
		want := strings.ReplaceAll(c.want, "ENTRY", "fob/"+unlock.StoreHash(dir))
		if _, there := os.Stat(dir); fmt.Sprint(err) != want || there == nil {
			t.Errorf("Save: %q, want %q, and no slot", fmt.Sprint(err), want)
		}
	}
}

// Available starts nothing: there is nothing that it could start anything with.
func TestPassAvailable(t *testing.T) {
	home := t.TempDir()
	for _, dir := range []string{"bin", "only", "store", "store2/fob", ".password-store", "dirs/pass", "dirs/gpg"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w := &passWorld{home: home}
	for _, name := range []string{"bin/pass", "bin/gpg2", "only/pass"} {
		w.write(t, name, "", 0o700)
	}
	w.write(t, "only/gpg", "", 0o600)
	w.write(t, ".password-store/.gpg-id", "t\n", 0o600)
	w.write(t, "store2/fob/.gpg-id", "t\n", 0o600)
	t.Chdir(home)
	for _, c := range []struct{ name, environ, want string }{
		{"works", "PATH=HOME/bin", ""},
		{"nothing set", "", "the program pass is not installed"},
		{"absent", "PATH=HOME/store", "the program pass is not installed"},
		{"folders", "PATH=HOME/dirs", "the program pass is not installed"},
		{"relative", "PATH=bin:.:", "the program pass is not installed"},
		{"no gpg that runs", "PATH=HOME/only", "the program gpg is not installed"},
		{"found in two places", "PATH=HOME/only:HOME/bin", ""},
		{"not set up", "PATH=HOME/bin PASSWORD_STORE_DIR=HOME/store", "HOME/store is not set up yet (pass init)"},
		{"no such folder", "PATH=HOME/bin PASSWORD_STORE_DIR=HOME/none", "HOME/none is not set up yet (pass init)"},
		{"empty variable", "PATH=HOME/bin PASSWORD_STORE_DIR=", ""},
		{"set up for us only", "PATH=HOME/bin PASSWORD_STORE_DIR=HOME/store2", ""},
		{"keys named outside", "PATH=HOME/bin PASSWORD_STORE_DIR=HOME/store PASSWORD_STORE_KEY=t", ""},
	} {
		w := passWorld{environ: append(strings.Fields(strings.ReplaceAll(c.environ, "HOME", home)), "HOME="+home)}
		err := kindNamed(t, "pass").Available(t.Context(), unlock.Env{Dir: "/x", Lookup: w.lookup})
		got := ""
		if err != nil {
			got = strings.ReplaceAll(err.Error(), home, "HOME")
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
