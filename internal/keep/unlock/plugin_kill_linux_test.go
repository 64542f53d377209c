package unlock_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age/plugin"

	"fob/internal/cred"
	"fob/internal/keep/lock"
	"fob/internal/keep/unlock"
)

// The roles of this program, as processes that can be traced and killed. Each
// gets the folder of the slots and the file with the identity.
const (
	roleSave  = "save"
	roleNaive = "save by a plugin that is looked for naively"
	roleHasty = "replace the identity and then the slot"
)

func playRole(role string, args []string) int {
	env := unlock.Env{Dir: args[0], Environ: os.Environ(), Settings: map[string]string{"identity": args[1]}}
	find := unlock.FindPlugin
	switch role {
	case roleNaive:
		find = naive
	case roleHasty:
		return status(hasty(env))
	}
	u := unlock.Plugin(env, time.Minute, find)
	return status(u.Save(context.Background(), cred.NewSecret(vaultIdentity)))
}

func status(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	return 0
}

// naive looks for a program as the age library of 2024 did (GO-2024-3344), and
// as shells do.
func naive(name string, environ []string) (string, error) {
	for _, entry := range environ {
		path, is := strings.CutPrefix(entry, "PATH=")
		if !is {
			continue
		}
		for _, dir := range filepath.SplitList(path) {
			found, err := filepath.Abs(filepath.Join(dir, "age-plugin-"+name))
			if err != nil {
				return "", err
			}
			if _, err := os.Stat(found); err == nil {
				return found, nil
			}
		}
	}
	return "", errors.New("not found")
}

// hasty is a writer that is broken on purpose: between its two files the slot
// that is there has no identity.
func hasty(env unlock.Env) error {
	made := env
	made.Dir = env.Dir + ".new"
	if err := unlock.Plugin(made, time.Minute, nil).Save(context.Background(), cred.NewSecret(vaultIdentity)); err != nil {
		return err
	}
	for _, name := range []string{"plugin.identity", "plugin.age"} {
		text, err := os.ReadFile(filepath.Join(made.Dir, name))
		if err != nil {
			return err
		}
		if err := lock.WriteFile(filepath.Join(env.Dir, name), text, lock.WriteOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func needTracer(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("needs strace")
	}
	if out, err := exec.CommandContext(t.Context(), "strace", "-qq", "-e", "trace=none", "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %v: %s", err, out)
	}
}

// traced runs a role under strace and gives the log and how it ended.
func traced(t *testing.T, dir string, environ, options, role []string) (log string, state *os.ProcessState, said string) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	path := filepath.Join(t.TempDir(), "strace")
	argv := slices.Concat([]string{"-f", "-qq", "-s", "4096", "-o", path}, options, []string{self}, role[1:])
	c := exec.CommandContext(t.Context(), "strace", argv...)
	c.Dir, c.Env = dir, append(slices.Clone(environ), roleVariable+"="+role[0], "GOMAXPROCS=1")
	out, err := c.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text), c.ProcessState, string(out)
}

// sweep kills a role, which replaces a slot by one of another device, at each
// call of a kind, and gives what does not open afterwards.
func sweep(t *testing.T, role, call string) (kills int, complaints []string) {
	t.Helper()
	for n := 1; ; n++ {
		d := newDesk(t, "")
		d.save(t)
		_, state, said := traced(t, d.bin, d.env.Environ, []string{"-e", "trace=" + call, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n)},
			[]string{role, d.env.Dir, identityFile(t, "", deviceIdentity(t, "fobtest"))})
		if got := d.load(t); got != "" {
			complaints = append(complaints, fmt.Sprintf("%s %d: %s", call, n, got))
		}
		if ws, ok := state.Sys().(syscall.WaitStatus); !ok || !ws.Signaled() {
			if !state.Success() {
				t.Fatalf("%s %d: the run that was not killed: %s", call, n, said)
			}
			return kills, complaints
		}
		kills++
		d.env.Settings["identity"] = identityFile(t, "", deviceIdentity(t, "fobtest"))
		d.save(t) // what was left does not stand in the way
	}
}

// A Save that dies at any point leaves a slot that opens.
func TestPluginKilled(t *testing.T) {
	t.Parallel()
	needTracer(t)
	for call, least := range map[string]int{"renameat": 3, "fsync": 6, "fchmod": 3} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			kills, complaints := sweep(t, roleSave, call)
			if kills < least || len(complaints) > 0 {
				t.Errorf("%d kills, want at least %d:\n%s", kills, least, strings.Join(complaints, "\n"))
			}
		})
	}
	t.Run("a hasty writer is caught", func(t *testing.T) {
		t.Parallel()
		if kills, complaints := sweep(t, roleHasty, "renameat"); len(complaints) == 0 {
			t.Errorf("a writer that is broken on purpose passed %d kills", kills)
		}
	})
}

// trap is a world in which every careless way to find a plugin finds one that
// leaves a mark.
type trap struct {
	work, mark string
	environ    []string
}

func newTrap(t *testing.T, names ...string) trap {
	t.Helper()
	root := t.TempDir()
	k := trap{work: filepath.Join(root, "work"), mark: filepath.Join(root, "mark")}
	bin := filepath.Join(root, "usr", "bin")
	must(t, os.MkdirAll(bin, 0o700))
	for _, dir := range []string{k.work, filepath.Join(k.work, "rel")} {
		install(t, dir, "age-plugin-fobtest")
	}
	for _, name := range names {
		for _, dir := range []string{bin, k.work} {
			if path := filepath.Join(dir, "age-plugin-"+name); len(filepath.Base(path)) < 256 {
				install(t, filepath.Dir(path), filepath.Base(path))
			}
		}
	}
	k.environ = []string{"PATH=rel:.::" + bin, "PLUGIN_TEST_MARK=" + k.mark}
	return k
}

// run lets a role save with an identity, and gives the programs that were started.
func (k trap) run(t *testing.T, role, identity string) (started []string, said string) {
	t.Helper()
	log, state, said := traced(t, k.work, k.environ, []string{"-e", "trace=execve,execveat"}, []string{role, filepath.Join(t.TempDir(), "slots"), identityFile(t, "", identity)})
	for line := range strings.Lines(log) {
		if strings.Contains(line, "execve") {
			started = append(started, line)
		}
	}
	if len(started) == 0 {
		t.Fatalf("the tracer saw not even the program itself: %s", said)
	}
	if _, err := os.Stat(k.mark); err == nil {
		started = append(started, "it left its mark")
	}
	if state.Success() && len(started) == 1 {
		t.Error("Save has kept something without a plugin")
	}
	return started[1:], said
}

// badNames are names that would lead somewhere else than to a plugin.
func badNames() []string {
	return []string{"../../bin/sh", "a b", "", strings.Repeat("a", 300), "a.b", "a+b", "a_b", "..", "é", "a\x00b"}
}

// Test 83 of the threat model: nothing that the identity's file or the folder
// brings is executed.
func TestPluginTrap(t *testing.T) {
	t.Parallel()
	needTracer(t)
	good := deviceIdentity(t, "fobtest")
	for _, name := range append(badNames()[:7:7], "fobtest") {
		t.Run(name[:min(len(name), 20)], func(t *testing.T) {
			t.Parallel()
			k, identity := newTrap(t), good // found in the working directory only, and below it
			if name != "fobtest" {
				k, identity = newTrap(t, name), bech32(strings.ToUpper("AGE-PLUGIN-"+name+"-"))
			}
			if started, said := k.run(t, roleSave, identity); len(started) > 0 || !strings.Contains(said, "plugin: ") {
				t.Errorf("started %q, said %q", started, said)
			}
		})
	}
	t.Run("a naive search is caught", func(t *testing.T) {
		t.Parallel()
		if started, said := newTrap(t).run(t, roleNaive, good); len(started) == 0 {
			t.Errorf("a search that is broken on purpose started nothing: %s", said)
		}
	})
}

// Each check stands alone: the search refuses what the file's reader let pass.
func TestFindPlugin(t *testing.T) {
	t.Parallel()
	k := newTrap(t, "../../bin/sh", "a b", "", "a.b", "..")
	for _, name := range badNames() {
		if path, err := unlock.FindPlugin(name, k.environ); err == nil {
			t.Errorf("FindPlugin(%q) = %s", name, path)
		}
	}
	for _, name := range []string{"../../bin/sh", "a b", "a.b"} {
		if _, err := naive(name, k.environ); err != nil {
			t.Errorf("the search that is broken on purpose does not find %q: the trap is none", name)
		}
	}
	there := t.TempDir()
	install(t, there, "age-plugin-fobtest")
	if path, err := unlock.FindPlugin("fobtest", []string{"PATH=rel:" + there}); err != nil || path != filepath.Join(there, "age-plugin-fobtest") {
		t.Errorf("FindPlugin = %s, %v", path, err)
	}
}

// bech32 is an identity with any name and one byte, which the library would not
// make (BIP 173).
func bech32(hrp string) string {
	const letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	check := func(values []byte) uint32 {
		sum := uint32(1)
		for _, v := range values {
			top := sum >> 25
			sum = (sum&0x1ffffff)<<5 ^ uint32(v)
			for i, g := range []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
				if top>>i&1 == 1 {
					sum ^= g
				}
			}
		}
		return sum
	}
	var values []byte
	low := strings.ToLower(hrp)
	for i := range len(low) {
		values = append(values, low[i]>>5)
	}
	values = append(values, 0)
	for i := range len(low) {
		values = append(values, low[i]&31)
	}
	data := []byte{0, 4} // the byte 1
	sum := check(slices.Concat(values, data, make([]byte, 6))) ^ 1
	for i := range 6 {
		data = append(data, byte(sum>>(5*(5-i)))&31)
	}
	out := low + "1"
	for _, d := range data {
		out += string(letters[d])
	}
	return strings.ToUpper(out)
}

// What the test makes by hand is what the library makes where it would.
func TestBech32(t *testing.T) {
	t.Parallel()
	if got, want := bech32("AGE-PLUGIN-FOBTEST-"), plugin.EncodeIdentity("fobtest", []byte{1}); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
