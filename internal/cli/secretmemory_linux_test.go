package cli

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// held says which of the named words stand in the memory of a process, as root
// sees it: all that a core file would have, and the files that are mapped.
func held(t *testing.T, pid int, words map[string]string) map[string]bool {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	found, read := map[string]bool{}, uint64(0)
	const step, longest = 1 << 20, 256
	part := make([]byte, step+longest)
	for line := range strings.Lines(string(maps)) {
		var from, to uint64
		var mode string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); err != nil {
			t.Fatal(line, err)
		}
		if mode[0] != 'r' || strings.Contains(line, "[v") { // the kernel's own: [vvar], [vdso]
			continue
		}
		for ; from < to; from += step {
			n, err := mem.ReadAt(part[:min(uint64(len(part)), to-from)], int64(from))
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			read += min(uint64(n), step)
			for name, word := range words {
				found[name] = found[name] || bytes.Contains(part[:n], []byte(word))
			}
		}
	}
	t.Logf("%d MiB", read>>20)
	return found
}

// TestMemory reads the memory of programs that wait, with the right that nobody
// else has. A fob that waits at a locked store has nothing in it, not even after
// it was unlocked for others; a command that was given a session has that and not
// what it was made from. A store that was opened is the case that must be seen, or
// the search is blind.
func TestMemory(t *testing.T) {
	t.Parallel()
	needRoot(t, "to be two other users")
	for _, tc := range []struct {
		name string
		play func(*vault) *seat
		want string // what is found, and nothing else
	}{
		{"waits for the passphrase", func(v *vault) *seat {
			s := v.sit(nil, "fob", "unlock")
			s.asked("Passphrase of the store: ")
			return s
		}, ""},
		{"waits for it again", func(v *vault) *seat {
			s := v.sit(nil, "fob", "unlock")
			s.asked("Passphrase of the store: ")
			s.says("CANARY other")
			s.asked("Wrong. Passphrase of the store: ")
			return s
		}, ""},
		{"locked again", func(v *vault) *seat {
			v.run(v.passphrase, "fob unlock && fob lock")
			s := v.sit(nil, "fob", "unlock")
			s.asked("Passphrase of the store: ")
			return s
		}, ""},
		{"waits while sessions are open", func(v *vault) *seat {
			v.run(v.passphrase, "fob export --check dev -t "+v.code())
			s := v.sit(nil, "fob", "remove", "security")
			s.asked("Passphrase of the store: ")
			return s
		}, ""},
		{"command of fob-core", func(v *vault) *seat {
			v.env["FOB_PASSPHRASE"] = v.passphrase
			s := v.sit(nil, "fob", "exec", "dev", "-t", v.code(), "--", "sh", "-c", "echo here; read x")
			s.asked("here")
			return s
		}, "session"},
		{"command of fob", func(v *vault) *seat {
			v.env["FOB_PASSPHRASE"] = v.passphrase
			v.run(v.passphrase, "fob export --check dev -t "+v.code())
			s := v.sit(nil, "fob", "exec", "dev", "--", "sh", "-c", "echo here; read x")
			s.asked("here")
			return s
		}, "session"},
		{"opened, and waits for a code", func(v *vault) *seat {
			v.env["FOB_PASSPHRASE"] = v.passphrase
			s := v.sit(nil, "fob", "exec", "dev", "--", "true")
			s.asked("MFA code for")
			return s
		}, "identity passphrase"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := newVault(t, false)
			delete(v.env, "FOB_PASSPHRASE")
			s := tc.play(v)
			words := map[string]string{"passphrase": v.passphrase, "key": v.key, "identity": v.identity}
			v.env["FOB_PASSPHRASE"] = v.passphrase
			if strings.Contains(tc.want, "session") {
				words["session"] = v.sessionSecret()
			}
			if strings.Contains(tc.want, "identity") {
				delete(words, "key") // it was decrypted, and may be gone again
			}
			found := held(t, s.pid(), words)
			for name := range words {
				if want := strings.Contains(tc.want, name); found[name] != want {
					t.Errorf("the memory holds the %s: %v, want %v", name, found[name], want)
				}
			}
		})
	}
}

// run runs a shell script that must succeed, with a passphrase.
func (v *vault) run(passphrase, script string) string {
	v.t.Helper()
	before, had := v.env["FOB_PASSPHRASE"]
	v.env["FOB_PASSPHRASE"] = passphrase
	got := v.sh(script)
	if v.env["FOB_PASSPHRASE"] = before; !had {
		delete(v.env, "FOB_PASSPHRASE")
	}
	if got.status != 0 {
		v.t.Fatalf("%s: %+v", script, got)
	}
	return got.out
}

// sessionSecret is the secret of the session that is kept for profile dev.
func (v *vault) sessionSecret() string {
	v.t.Helper()
	return strings.TrimSpace(v.run(v.passphrase, `fob exec dev -- sh -c 'echo "$AWS_SECRET_ACCESS_KEY"'`))
}
