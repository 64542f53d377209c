package cli

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// login is where a person works: in front of each script stands what makes it a
// login of its own.
const (
	inLogin = "keyctl session - "
	// nowhere refuses the memory that a login has: no keyrings, and no file system
	// in memory that can be written.
	nowhere = `unshare -m sh -c 'mount -t tmpfs -o ro none /dev/shm && exec "$@"' sh `
)

// newLoginVault is a vault whose runs may use the kernel's keyrings, outside of which
// the passphrase is in no environment.
func newLoginVault(t *testing.T) *vault {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "keyctl", "session", "-", "true").CombinedOutput(); err != nil {
		t.Skipf("keyctl, or the right to use it, is missing: %v: %s", err, out)
	}
	v := newVault(t, false)
	v.env["TEST_KEYRING"], v.env["PP"] = "1", v.passphrase
	delete(v.env, "FOB_PASSPHRASE")
	v.write("FOB_PASSPHRASE=$PP fob unlock 2>&1\n", "open")
	v.write("(fob export --no-session security >got && fob export --check dev >got) 2>said && echo both && exit\n"+
		"fob export --check dev >got 2>said && echo sessions && exit\necho none\n", "what")
	t.Cleanup(func() { // the user keyring outlives us, and the test's context
		c := exec.Command("fob", "lock")
		for name, value := range v.env {
			c.Env = append(c.Env, name+"="+value)
		}
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("fob lock: %v: %s", err, out)
		}
	})
	v.run(v.passphrase, inLogin+"sh -c 'fob export --check dev -t "+v.code()+"; fob lock 2>/dev/null'")
	return v
}

// Each script says what opens without a question: sessions, a key too, or neither.
func TestLogins(t *testing.T) {
	t.Parallel()
	needTools(t, "keyctl", "strace", "unshare", "tmux")
	const (
		hint   = "what opens the store is asked for again when a key itself is needed"
		placed = "unlocked until"
		none   = "there is no place to remember that: every run opens it anew (see fob status)"
	)
	for _, tc := range []struct {
		name   string
		script string
		root   bool
		want   string   // what opens, in order
		hints  []string // each is said once, and is all
	}{
		{name: "once for a login", script: inLogin + `sh -c "sh what; sh open; sh what; sh what; fob list >list; sh what"`, want: "none both both both", hints: []string{placed}},
		{name: "a shell in the same login", script: inLogin + `sh -c "sh open; setsid -w sh what; sh -c 'sh -c \"sh what\"'"`, want: "both both", hints: []string{placed}},
		{name: "another login, as by ssh", script: inLogin + `sh -c "sh open; ` + inLogin + `sh what; sh what"`, want: "none both", hints: []string{placed}},
		{name: "two logins, one locks", script: inLogin + `sh -c "sh open; ` + inLogin + `sh -c 'sh open; sh what; fob lock 2>/dev/null; sh what'; sh what"`, want: "both none none", hints: []string{placed, placed}},
		{name: "two logins, the other locks", script: inLogin + `sh -c "sh open; ` + inLogin + `sh -c 'fob lock 2>/dev/null'; sh what; sh open; sh what"`, want: "none both", hints: []string{placed, placed}},
		{name: "a container locks", script: inLogin + `sh -c "sh open; XDG_RUNTIME_DIR= TEST_KEYRING= fob lock 2>/dev/null; sh what"`, want: "none", hints: []string{placed}},
		{name: "after logout, as in tmux", script: inLogin + `sh -c "sh open; sh what; keyctl revoke @s; sh what; sh open; sh what"`, want: "both none sessions", hints: []string{placed, placed, hint}},
		{name: "in tmux itself", script: inLogin + `sh -c "sh open; tmux -S tmux -f /dev/null new-session -d 'sh what >in; keyctl revoke @s; sh what >>in; echo >done'; while ! test -e done; do sleep 0.05; done; cat in"`, want: "both none", hints: []string{placed}},
		{name: "the keyring is emptied", script: inLogin + `sh -c "sh open; keyctl clear @s; sh what; sh open; sh what"`, want: "none both", hints: []string{placed, placed}},
		{name: "a container without keyrings", script: inLogin + refusing("keyctl,add_key", "EPERM") + `sh -c "sh what; sh open; sh what"`, want: "none sessions", hints: []string{placed, hint}},
		{name: "a kernel without keyrings", script: inLogin + refusing("keyctl,add_key", "ENOSYS") + `sh -c "sh what; sh open; sh what"`, want: "none sessions", hints: []string{placed, hint}},
		{name: "too many keys", script: inLogin + refusing("add_key", "EDQUOT") + `sh -c "sh what; sh open; sh what"`, want: "none sessions", hints: []string{placed, hint}},
		{name: "revoked", script: inLogin + refusing("keyctl", "EKEYREVOKED") + `sh -c "sh what; sh open; sh what"`, want: "none sessions", hints: []string{placed, hint}},
		{name: "expired", script: inLogin + refusing("keyctl", "EKEYEXPIRED") + `sh -c "sh what; sh open; sh what"`, want: "none sessions", hints: []string{placed, hint}},
		{name: "a container of the same login", root: true, script: inLogin + `sh -c "sh open; unshare -Urpf sh what"`, want: "both", hints: []string{placed}},
		{name: "no place at all", root: true, script: nowhere + refusing("keyctl,add_key", "EPERM") + `sh -c "unset XDG_RUNTIME_DIR; sh what; sh open; sh what; FOB_PASSPHRASE=\$PP sh what; fob status | grep -o 'not permitted' | head -1"`, want: "none none both not permitted", hints: []string{none}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.root {
				needRoot(t, "to be two other users")
			}
			v := newLoginVault(t)
			got := v.sh(tc.script + " 2>errors")
			if got.status != 0 {
				t.Fatalf("%+v", got)
			}
			said, opened := "", []string{}
			for line := range strings.Lines(got.out) {
				if line = strings.TrimSpace(line); strings.HasPrefix(line, "fob: ") {
					said += line + "\n"
				} else {
					opened = append(opened, line)
				}
			}
			if got := strings.Join(opened, " "); got != tc.want {
				t.Errorf("what opened: %s, want %s", got, tc.want)
			}
			for _, hint := range tc.hints {
				before, after, ok := strings.Cut(said, hint)
				if said = before + after; !ok {
					t.Errorf("%q was not said", hint)
				}
			}
			if strings.Contains(said, hint) || strings.Contains(said, none) || strings.Count(said, "\n") != len(tc.hints) {
				t.Errorf("more was said than %q: %s", tc.hints, said)
			}
			if why := refused(v.path("strace")); strings.Contains(tc.script, "strace") && why != "" {
				t.Error(why)
			}
		})
	}
}

// refusing stands in front of a script whose system calls are refused.
func refusing(calls, errno string) string {
	return "strace -f -qq -o strace -e trace=" + calls + " -e inject=" + calls + ":error=" + errno + " "
}

// refused says why a trace proves nothing, or "".
func refused(log string) string {
	text, err := os.ReadFile(log)
	switch {
	case err != nil:
		return err.Error()
	case !strings.Contains(string(text), "(INJECTED)"):
		return "no system call was refused: nothing was proved"
	}
	return ""
}

// A tracer that refuses nothing looks like a program that copes with it.
func TestTracerThatRefusesNothing(t *testing.T) {
	t.Parallel()
	needTools(t, "keyctl", "strace")
	v := newLoginVault(t)
	for calls, want := range map[string]bool{"keyctl": true, "none": false} {
		got := v.sh(inLogin + strings.ReplaceAll(refusing("keyctl", "EPERM"), "trace=keyctl", "trace="+calls) + `sh -c "sh open; sh what" 2>errors`)
		if proved := refused(v.path("strace")) == ""; proved != want {
			t.Errorf("trace=%s: it counts as proof: %v, want %v; %+v", calls, proved, want, got)
		}
	}
}
