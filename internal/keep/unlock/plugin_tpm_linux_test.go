package unlock_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"fob/internal/keep/unlock"
)

// The test's TPM plugin keeps an age key sealed in a TPM, as tpm2-tools do it.
// Its identity is what the TPM gave: of use on that TPM only.
type tpmIdentity struct{ Public, Private []byte }

// tpm2 runs one of tpm2-tools. Nobody manages the TPM's few places for objects
// here, so each run leaves them free.
func tpm2(dir, tool string, args ...string) ([]byte, error) {
	c := exec.Command(tool, args...)
	c.Dir = dir
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		_, why, _ := strings.Cut(said.String(), "- tpm:") // what the TPM says, after what each layer says of it
		return nil, fmt.Errorf("%s: %s", tool, why)
	}
	return out, exec.Command("tpm2_flushcontext", "-t").Run()
}

// unseal gives the age key, if this is the TPM that it was sealed by.
func (i tpmIdentity) unseal(pin string, inFlight func()) (*age.X25519Identity, error) {
	dir, err := os.MkdirTemp("", "tpm")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	err = errors.Join(os.WriteFile(filepath.Join(dir, "pub"), i.Public, 0o600), os.WriteFile(filepath.Join(dir, "priv"), i.Private, 0o600))
	if err != nil {
		return nil, err
	}
	inFlight()
	if _, err = tpm2(dir, "tpm2_createprimary", "-Q", "-C", "o", "-c", "parent"); err != nil {
		return nil, err
	}
	if _, err = tpm2(dir, "tpm2_load", "-Q", "-C", "parent", "-u", "pub", "-r", "priv", "-c", "key"); err != nil {
		return nil, err
	}
	key, err := tpm2(dir, "tpm2_unseal", "-c", "key", "-p", "str:"+pin)
	if err != nil {
		return nil, err
	}
	return age.ParseX25519Identity(string(key))
}

// playTPM is the plugin. Like age-plugin-tpm it does not encrypt to an identity.
func playTPM(name string) int {
	p, err := plugin.New(name)
	if err != nil {
		return 1
	}
	p.HandleRecipient(func(data []byte) (age.Recipient, error) { return age.ParseX25519Recipient(string(data)) })
	p.HandleIdentity(func(data []byte) (age.Identity, error) {
		id := tpmOpener{p: p}
		return id, json.Unmarshal(data, &id.tpmIdentity)
	})
	p.RegisterFlags(flag.NewFlagSet("", flag.ContinueOnError))
	if slicesContain(os.Args, "--age-plugin=recipient-v1") {
		return p.RecipientV1()
	}
	return p.IdentityV1()
}

type tpmOpener struct {
	p *plugin.Plugin
	*tpmIdentity
}

func (o tpmOpener) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	pin, err := o.p.RequestValue("PIN of the TPM", true)
	if err != nil {
		return nil, err
	}
	key, err := o.unseal(pin, func() { _ = o.p.DisplayMessage("asking the TPM") })
	if err != nil {
		return nil, err
	}
	return key.Unwrap(stanzas)
}

// tpm is a TPM in software, with its state in a folder.
type tpm struct {
	dir  string
	runs *exec.Cmd
}

// needTPM skips where the programs are missing.
func needTPM(t *testing.T) {
	t.Helper()
	for _, name := range []string{"swtpm", "tpm2_unseal"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("needs swtpm and tpm2-tools: " + name + " is not on PATH")
		}
	}
}

func newTPM(t *testing.T) *tpm {
	t.Helper()
	dir, err := os.MkdirTemp("", "tpm") // a socket's path must be short
	must(t, err)
	d := &tpm{dir: dir}
	t.Cleanup(func() {
		d.stop()
		_ = os.RemoveAll(dir)
	})
	d.start(t)
	return d
}

func (d *tpm) socket() string { return filepath.Join(d.dir, "s") }

func (d *tpm) start(t *testing.T) {
	t.Helper()
	d.runs = exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+d.dir, "--server", "type=unixio,path="+d.socket(),
		"--ctrl", "type=unixio,path="+d.socket()+".ctrl", "--flags", "startup-clear,not-need-init")
	must(t, d.runs.Start())
	for range 500 {
		if _, err := os.Stat(d.socket() + ".ctrl"); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond) // it says nothing when it listens
	}
	t.Fatal("swtpm does not listen")
}

func (d *tpm) stop() {
	if d.runs != nil {
		_ = d.runs.Process.Kill()
		_ = d.runs.Wait()
		d.runs = nil
	}
	for _, path := range []string{d.socket(), d.socket() + ".ctrl"} {
		_ = os.Remove(path)
	}
}

func (d *tpm) environ() string { return "TPM2TOOLS_TCTI=swtpm:path=" + d.socket() }

// run runs one of tpm2-tools on this TPM.
func (d *tpm) run(t *testing.T, dir string, argv ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	c.Dir, c.Env = dir, append(os.Environ(), d.environ())
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", argv, err, out)
	}
}

// identity seals a new age key with a PIN, and gives the file that the plugin
// would have made.
func (d *tpm) identity(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	key, err := age.GenerateX25519Identity()
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "key"), []byte(key.String()), 0o600))
	d.run(t, dir, "tpm2_createprimary", "-Q", "-C", "o", "-c", "parent")
	d.run(t, dir, "tpm2_flushcontext", "-t")
	d.run(t, dir, "tpm2_create", "-Q", "-C", "parent", "-i", "key", "-u", "pub", "-r", "priv", "-p", "str:"+goodPIN)
	d.run(t, dir, "tpm2_flushcontext", "-t")
	var id tpmIdentity
	id.Public, err = os.ReadFile(filepath.Join(dir, "pub"))
	must(t, err)
	id.Private, err = os.ReadFile(filepath.Join(dir, "priv"))
	must(t, err)
	data, err := json.Marshal(id)
	must(t, err)
	return identityFile(t, "", "# Recipient: "+plugin.EncodeRecipient("fobtest", []byte(key.Recipient().String())), plugin.EncodeIdentity("fobtest", data))
}

// onTPM is a desk whose slot is in a TPM.
func onTPM(t *testing.T) (*desk, *tpm) {
	t.Helper()
	needTPM(t)
	d, device := newDesk(t, "tpm"), newTPM(t)
	d.env.Environ = append(d.env.Environ, device.environ())
	d.env.Settings["identity"] = device.identity(t)
	d.save(t)
	return d, device
}

// wantKeeperError checks that Load says that the device does not do it, which is
// how a caller knows to offer the other slots.
func (d *desk) wantKeeperError(t *testing.T, what, words string) {
	t.Helper()
	_, err := d.unlocker().Load(t.Context())
	if keeper := (*unlock.KeeperError)(nil); !errors.As(err, &keeper) || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("%s: Load = %v, want *KeeperError with %q", what, err, words)
	}
}

func TestTPMSlot(t *testing.T) {
	t.Parallel()
	d, device := onTPM(t)
	device.stop()
	device.start(t)
	if got := d.load(t); got != "" {
		t.Fatalf("Load after the TPM was started again: %s", got)
	}

	another := newTPM(t)
	environ := d.env.Environ
	d.env.Environ = append(environ[:len(environ)-1:len(environ)-1], another.environ())
	d.wantKeeperError(t, "another TPM", "this slot belongs to another device")
	d.env.Environ = environ

	ask := d.env.Ask
	d.env.Ask = answering("CANARY-0000")
	for range 3 {
		d.wantKeeperError(t, "a wrong PIN", "age-plugin-fobtest says: tpm2_")
	}
	d.env.Ask = ask
	d.wantKeeperError(t, "the right PIN after three wrong ones", "lockout")
}

func TestTPMFails(t *testing.T) {
	t.Parallel()
	d, device := onTPM(t)
	for range 3 {
		device.run(t, t.TempDir(), "tpm2_createprimary", "-Q", "-C", "o", "-c", "kept")
	}
	d.wantKeeperError(t, "no place left in the TPM", "out of memory for object contexts")
	device.run(t, t.TempDir(), "tpm2_flushcontext", "-t")
	if got := d.load(t); got != "" {
		t.Errorf("Load with places again: %s", got)
	}

	d.env.Say = func(context.Context, string) error { // the plugin is about to send its first command
		if err := device.runs.Process.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		time.AfterFunc(500*time.Millisecond, func() { _ = device.runs.Process.Kill() })
		return nil
	}
	d.wantKeeperError(t, "a TPM that dies under a command", "age-plugin-fobtest says: tpm2_createprimary")
	d.env.Say = nil
	device.stop()
	d.wantKeeperError(t, "no TPM", "age-plugin-fobtest says: tpm2_createprimary")
	device.start(t)
	if got := d.load(t); got != "" {
		t.Errorf("Load with a TPM again: %s", got)
	}
}

// The real plugin, where a folder with it is named: it takes no TPM but the
// machine's own, /dev/tpmrm0, and creates nothing in it that stays.
func TestRealTPMPlugin(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("FOB_TEST_TPM")
	if dir == "" {
		t.Skip("FOB_TEST_TPM names no folder with age-plugin-tpm, for a machine with a TPM")
	}
	d := newDesk(t, "")
	made := filepath.Join(t.TempDir(), "identity")
	c := exec.CommandContext(t.Context(), filepath.Join(dir, "age-plugin-tpm"), "--generate", "--pin", "-o", made)
	c.Env = append(os.Environ(), "AGE_TPM_PIN="+goodPIN)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("age-plugin-tpm: %v\n%s", err, out)
	}
	d.env.Environ = append([]string{"PATH=" + dir + ":" + os.Getenv("PATH")}, d.env.Environ...)
	d.env.Settings["identity"] = made
	d.save(t)
	if got := d.load(t); got != "" || len(d.asked) != 2 {
		t.Errorf("Load: %q after %d questions", got, len(d.asked))
	}
	d.env.Ask = answering("CANARY-0000")
	d.wantKeeperError(t, "a wrong PIN", "age-plugin-tpm says:")
	age := exec.CommandContext(t.Context(), "age", "-d", "-i", "plugin.identity", "plugin.age")
	age.Dir, age.Env = d.env.Dir, append(d.env.Environ, d.env.Environ[0], "AGE_TPM_PIN="+goodPIN) // of two the last one counts there
	if out, err := age.CombinedOutput(); err != nil || string(out) != vaultIdentity+"\n" {
		t.Errorf("age: %v, %d bytes", err, len(out))
	}
}
