package unlock_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"
	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/keep/unlock"
	"fob/internal/keep/unlock/unlocktest"
)

func encoded(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// install puts this program into a folder under a plugin's name.
func install(t *testing.T, dir, name string) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	must(t, os.MkdirAll(dir, 0o700))
	if runtime.GOOS == "windows" {
		text, err := os.ReadFile(self)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name+".exe"), text, 0o700))
		return
	}
	must(t, os.Symlink(self, filepath.Join(dir, name)))
}

// desk is a machine with a plugin on PATH and a folder of slots.
type desk struct {
	env      unlock.Env
	bin      string
	patience time.Duration
	asked    []unlock.Question
	told     []string
}

// newDesk installs age-plugin-fobtest and makes an identity for it.
func newDesk(t *testing.T, how string) *desk {
	t.Helper()
	d := &desk{bin: filepath.Join(t.TempDir(), "bin"), patience: time.Minute}
	install(t, d.bin, "age-plugin-fobtest")
	d.env = unlock.Env{
		Dir:      filepath.Join(t.TempDir(), "slots"),
		Environ:  append(os.Environ(), "PATH="+d.bin+string(filepath.ListSeparator)+os.Getenv("PATH"), behaviour+"="+how, "GORACE=atexit_sleep_ms=0"), // the race detector's second at each exit
		Settings: map[string]string{"identity": identityFile(t, "", deviceIdentity(t, "fobtest"))},
		Ask: func(_ context.Context, q unlock.Question) (cred.Secret, error) {
			d.asked = append(d.asked, q)
			return cred.NewSecret(goodPIN), nil
		},
		Say: func(_ context.Context, text string) error { d.told = append(d.told, text); return nil },
	}
	d.env.Environ = slices.DeleteFunc(d.env.Environ, func(e string) bool { return e == "PATH="+os.Getenv("PATH") })
	return d
}

func (d *desk) unlocker() unlock.Unlocker { return unlock.Plugin(d.env, d.patience, nil) }

// behave makes the plugin another one.
func (d *desk) behave(how string) {
	d.env.Environ = append(slices.DeleteFunc(d.env.Environ, func(e string) bool { return strings.HasPrefix(e, behaviour+"=") }), behaviour+"="+how)
}

func (d *desk) save(t *testing.T) {
	t.Helper()
	must(t, d.unlocker().Save(t.Context(), cred.NewSecret(vaultIdentity)))
}

// load gives what Load says, and checks that it gives the right thing or nothing.
func (d *desk) load(t *testing.T) string {
	t.Helper()
	got, err := d.unlocker().Load(t.Context())
	if want := cred.NewSecret(vaultIdentity); err == nil && !got.Equal(want) || err != nil && !got.IsZero() {
		t.Error("Load gave another identity")
	}
	return said(err)
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// deviceIdentity is an identity of the test's plugin: the "device" is in it.
func deviceIdentity(t *testing.T, name string) string {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	must(t, err)
	return plugin.EncodeIdentity(name, []byte(key.String()))
}

func identityFile(t *testing.T, before string, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "identity.txt")
	must(t, os.WriteFile(path, []byte(before+strings.Join(lines, "\n")+"\n"), 0o600))
	return path
}

func TestPluginContract(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	var mu sync.Mutex
	unlocktest.Run(t, func(_ *testing.T, env unlock.Env) unlock.Unlocker {
		mu.Lock()
		defer mu.Unlock()
		env.Environ, env.Settings = d.env.Environ, d.env.Settings
		return unlock.Plugin(env, d.patience, nil)
	})
}

// What a plugin asks goes to the person, with the plugin's name and nothing that
// moves a terminal; what it gets back is what the person said.
func TestPluginAsks(t *testing.T) {
	t.Parallel()
	const by = "age-plugin-fobtest"
	for _, c := range []struct {
		how    string
		change func(*unlock.Env)
		want   string
		asked  []unlock.Question
		told   []string
	}{
		{how: "message", told: []string{by + `: touch \x1b[31mthe key now`}},
		{how: "message that matters", told: []string{by + ": touch the key"}},
		{how: "message that matters", change: func(e *unlock.Env) { e.Say = nil }, want: "nobody was told"},
		{how: "pin", asked: []unlock.Question{{Text: by + `: PIN\x1b]0;x\x07 please`, By: by}}},
		{how: "pin", change: func(e *unlock.Env) { e.Ask = answering("CANARY-0000") }, want: "the PIN [secret] is wrong, 2 tries are left"},
		{how: "pin", change: func(e *unlock.Env) { e.Ask = nil }, want: "nobody can be asked"},
		{how: "pin", change: func(e *unlock.Env) { e.Unattended = func() bool { return true } }, want: "nobody may be asked"},
		{how: "pin", change: func(e *unlock.Env) {
			e.Ask = func(context.Context, unlock.Question) (cred.Secret, error) {
				return cred.Secret{}, errors.New("nobody is there")
			}
		}, want: "asking for what age-plugin-fobtest wants: nobody is there"},
		{how: "confirm", want: "nobody can be asked to choose"},
		{how: "confirm", change: func(e *unlock.Env) { e.Confirm = choosing(true) }},
		{how: "confirm", change: func(e *unlock.Env) { e.Confirm = choosing(false) }, want: "not plugged in (false, <nil>)"},
		{how: "refuse", want: `says: the device \x1b[2Jis not mine second line (if this slot belongs to another device, it opens there only)`},
		{how: "nothing", want: "gave no key (if this slot belongs to another device, it opens there only)"},
	} {
		t.Run(c.how+" "+c.want, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, "")
			d.save(t)
			d.behave(c.how)
			if c.change != nil {
				c.change(&d.env)
			}
			got := d.load(t)
			if c.want == "" && got != "" || !strings.Contains(got, c.want) || c.want != "" && !strings.HasPrefix(got, "plugin: ") || strings.Contains(got, "CANARY") {
				t.Errorf("Load: %q, want %q", got, c.want)
			}
			if diff := cmp.Diff(c.asked, d.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.told, d.told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

func choosing(yes bool) func(context.Context, string, string, string) (bool, error) {
	return func(_ context.Context, text, y, n string) (bool, error) {
		if got := text + "|" + y + "|" + n; got != `age-plugin-fobtest: plug it in|done|never\x1b[0m` {
			return false, fmt.Errorf("asked %q", got)
		}
		return yes, nil
	}
}

// Whatever a plugin does, fob ends soon and in words, and keeps what there was.
func TestPluginHostile(t *testing.T) {
	t.Parallel()
	for name, trick := range hostile() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, "")
			d.save(t)
			before := snapshot(t, d.env.Dir)
			d.behave(name)
			if d.patience = 30 * time.Second; strings.HasPrefix(name, "hangs") {
				d.patience = 300 * time.Millisecond
			}
			asked := 0
			d.env.Ask = func(context.Context, unlock.Question) (cred.Secret, error) {
				asked++
				return cred.NewSecret("CANARY"), nil
			}
			d.env.Settings = map[string]string{"identity": identityFile(t, "", deviceIdentity(t, "fobtest"))}
			err := d.unlocker().Save(t.Context(), cred.NewSecret(vaultIdentity))
			want := strings.ReplaceAll(trick.want, "PATH", filepath.Join(d.env.Dir, "plugin.age"))
			if got := said(err); !strings.Contains(got, want) || strings.Contains(got, "CANARY") || strings.ContainsAny(got, "\n\x1b") {
				t.Errorf("Save: %q, want %q", got, want)
			}
			if asked > 10 {
				t.Errorf("asked %d times", asked)
			}
			if diff := cmp.Diff(before, snapshot(t, d.env.Dir)); diff != "" {
				t.Errorf("what was kept changed:\n%s", diff)
			}
			keeper, slot := (*unlock.KeeperError)(nil), (*unlock.SlotError)(nil)
			if got := said(func() error { _, err = d.unlocker().Load(t.Context()); return err }()); got == "" || !errors.As(err, &keeper) && !errors.As(err, &slot) {
				t.Errorf("Load: %v, want *KeeperError or *SlotError", err)
			}
			d.behave("")
			if got := d.load(t); got != "" {
				t.Errorf("Load by the honest plugin afterwards: %s", got)
			}
		})
	}
}

func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		found[e.Name()] = string(text)
	}
	return found
}

// The end of the context ends a plugin that hangs.
func TestPluginCancelled(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	d.save(t)
	d.behave("hangs")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := d.unlocker().Load(ctx)
		ended <- err
	}()
	time.Sleep(100 * time.Millisecond) // let it start; nothing tells when it hangs, and earlier is right, too
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Load: %v, want the context's end", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("Load goes on after its context has ended")
	}
}

// A plugin gets nothing of fob's and of AWS's, whoever made the environment.
func TestPluginEnvironment(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	mark := filepath.Join(t.TempDir(), "mark")
	d.env.Environ = append(d.env.Environ, "PLUGIN_TEST_MARK="+mark, "FOB_PASSPHRASE=CANARY", "AWS_SECRET_ACCESS_KEY=CANARY", "AWS_SESSION_TOKEN=CANARY",
		"AWS_VAULT_FILE_PASSPHRASE=CANARY", "aws_secret_access_key=CANARY", "AGEDEBUG=plugin", "GIVEN=1")
	d.save(t)
	text, err := os.ReadFile(mark)
	must(t, err)
	if strings.Contains(string(text), "CANARY") || strings.Contains(string(text), "AGEDEBUG") || !strings.Contains(string(text), "GIVEN=1") {
		t.Errorf("the plugin's environment:\n%s", text)
	}
}

// An identity file is a person's own, with comments; and some plugins can be
// encrypted to only by the recipient that they note in one.
func TestPluginIdentityFile(t *testing.T) {
	t.Parallel()
	key, err := age.GenerateX25519Identity()
	must(t, err)
	id, other := plugin.EncodeIdentity("fobtest", []byte(key.String())), deviceIdentity(t, "fobtest")
	recipient := plugin.EncodeRecipient("fobtest", []byte(key.Recipient().String()))
	for _, c := range []struct {
		name, text, how, want string
		kept                  string
	}{
		{name: "plain", text: id, kept: id + "\n"},
		{name: "windows lines and comments", text: "# created: today\r\n#\r\n\r\n" + id + "\r\n", kept: id + "\n"},
		{name: "its recipient", text: "# Recipient: " + recipient + "\n" + id, how: "recipients only", kept: "# recipient: " + recipient + "\n" + id + "\n"},
		{name: "no recipient where one is needed", text: id, how: "recipients only", want: "says: identity encodings not supported"},
		{name: "two recipients", text: "# " + recipient + "\n#  " + plugin.EncodeRecipient("fobtest", []byte("x")) + "\n" + id, kept: id + "\n"},
		{name: "another plugin's recipient", text: "# recipient: " + plugin.EncodeRecipient("other", []byte("x")) + "\n" + id, kept: id + "\n"},
		{name: "the recipient of another key", text: "# recipient: age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e\n" + id, want: "trying the new slot: plugin: age-plugin-fobtest gave no key"},
		{name: "none", text: "# nothing", want: "holds 0 identities of plugins, and one is wanted"},
		{name: "two", text: id + "\n" + other, want: "holds 2 identities"},
		{name: "a plain key", text: key.String(), want: "has a line that is no identity of a plugin"},
		{name: "a damaged one", text: id[:len(id)-1], want: "holds an identity that is damaged"},
		{name: "too large", text: strings.Repeat("# \n", 30000) + id, want: "is too large to be one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, c.how)
			d.env.Settings["identity"] = identityFile(t, c.text)
			err := d.unlocker().Save(t.Context(), cred.NewSecret(vaultIdentity))
			got := said(err)
			if c.want == "" && got != "" || !strings.Contains(got, c.want) || strings.Contains(got, key.String()) || strings.Contains(got, id) {
				t.Fatalf("Save: %q, want %q", got, c.want)
			}
			if err != nil {
				return
			}
			if text := snapshot(t, d.env.Dir)["plugin.identity"]; text != c.kept {
				t.Errorf("kept %q, want %q", text, c.kept)
			}
			d.env.Settings = nil // the kept one is used
			d.save(t)
			if got := d.load(t); got != "" {
				t.Error(got)
			}
		})
	}
	d := newDesk(t, "")
	for path, want := range map[string]string{
		"":                              "the file with the plugin's identity has to be named",
		t.TempDir():                     "is not a regular file",
		filepath.Join(d.bin, "nothing"): "no such file",
	} {
		d.env.Settings["identity"] = path
		if err := d.unlocker().Save(t.Context(), cred.NewSecret(vaultIdentity)); runtime.GOOS != "windows" && !strings.Contains(said(err), want) {
			t.Errorf("Save with %q: %v, want %q", path, err, want)
		}
	}
}

func TestPluginUsable(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	d.save(t)
	check := func(name, want string) {
		t.Helper()
		if got := said(d.unlocker().Usable(t.Context())); got != strings.ReplaceAll(want, "DIR", d.env.Dir) {
			t.Errorf("%s: Usable: %q, want %q", name, got, want)
		}
	}
	check("as it was", "")
	all := d.env.Environ
	d.env.Environ = []string{"PATH=" + t.TempDir()}
	check("no plugin", "plugin: age-plugin-fobtest is not on PATH")
	d.env.Environ = all
	kept := snapshot(t, d.env.Dir)
	other := newDesk(t, "")
	other.save(t)
	put := func(name, text string) { must(t, os.WriteFile(filepath.Join(d.env.Dir, name), []byte(text), 0o600)) }
	put("plugin.identity", snapshot(t, other.env.Dir)["plugin.identity"])
	check("another identity", "DIR/plugin.age is damaged, or does not belong to plugin.identity beside it")
	put("plugin.identity", kept["plugin.identity"]+snapshot(t, other.env.Dir)["plugin.identity"])
	check("both, as after a crash", "")
	must(t, os.Remove(filepath.Join(d.env.Dir, "plugin.identity")))
	check("no identity", "DIR/plugin.identity is not there, and the slot does not open without it")
}

func TestPluginAvailable(t *testing.T) {
	t.Parallel()
	var kind unlock.Kind
	for _, k := range unlock.Kinds() {
		if k.Name == "plugin" {
			kind = k
		}
	}
	d := newDesk(t, "")
	if err := kind.Available(t.Context(), d.env); err != nil {
		t.Errorf("Available: %v", err)
	}
	empty := t.TempDir()
	must(t, os.Mkdir(filepath.Join(empty, "age-plugin-folder"), 0o700))
	must(t, os.WriteFile(filepath.Join(empty, "age-plugin-text"), nil, 0o600))
	for _, path := range []string{empty, "relative", ""} {
		err := kind.Available(t.Context(), unlock.Env{Environ: []string{"PATH=" + path}})
		if got := said(err); got != "no age plugin is installed (age-plugin-tpm, age-plugin-yubikey, ...)" {
			t.Errorf("Available with PATH=%s: %q", path, got)
		}
	}
}

// The stock age program opens the slot with the identity that lies beside it.
func TestPluginWithStockAge(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("age"); err != nil {
		t.Skip("the stock age program is not on PATH")
	}
	d := newDesk(t, "")
	d.save(t)
	c := exec.CommandContext(t.Context(), "age", "-d", "-i", "plugin.identity", "plugin.age")
	c.Dir, c.Env = d.env.Dir, d.env.Environ
	out, err := c.CombinedOutput()
	if err != nil || string(out) != vaultIdentity+"\n" {
		t.Errorf("age: %v, %d bytes: %q", err, len(out), strings.ReplaceAll(string(out), vaultIdentity, "[identity]"))
	}
}
