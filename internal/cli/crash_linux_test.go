package cli

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// unlimited allows core files, and asks Go for one when it crashes.
const unlimited = "ulimit -c unlimited && export GOTRACEBACK=crash && "

// TestNoCoreFile ends programs by signals that leave a core file, where the caller
// allows one of any size: at the prompt, with the store open, and with a session in
// hand there is none. The command that has the session has its caller's limit back
// and leaves one, so one is possible here.
func TestNoCoreFile(t *testing.T) {
	t.Parallel()
	plain := exec.CommandContext(t.Context(), "sh", "-c", unlimited+"kill -ABRT $$")
	plain.Dir = t.TempDir()
	if _ = plain.Run(); !plain.ProcessState.Sys().(syscall.WaitStatus).CoreDump() {
		t.Skip("core files are missing: this system writes none")
	}
	prompt := func(question, line string) func(*vault) *seat {
		return func(v *vault) *seat {
			s := v.sit(nil, "sh", "-c", unlimited+line)
			s.asked(question)
			return s
		}
	}
	for _, tc := range []struct {
		name  string
		play  func(*vault) *seat
		dumps bool
	}{
		{"asks for the passphrase", prompt("Passphrase of the store: ", "unset FOB_PASSPHRASE; exec fob unlock"), false},
		{"is open and asks for a code", prompt("MFA code for", "exec fob exec dev -- true"), false},
		{"fob gives a session", func(v *vault) *seat {
			v.run(v.passphrase, "fob export --check dev -t "+v.code())
			return v.stuck("sh", "-c", unlimited+"exec fob export dev")
		}, false},
		{"command of fob-core", func(v *vault) *seat {
			return prompt("here", "exec fob exec dev -t "+v.code()+" -- sh -c 'echo here; read x'")(v)
		}, true},
	} {
		for _, sig := range []syscall.Signal{syscall.SIGABRT, syscall.SIGQUIT, syscall.SIGSEGV} {
			t.Run(tc.name+", "+sig.String(), func(t *testing.T) {
				t.Parallel()
				v := newVault(t, false)
				s := tc.play(v)
				v.must(syscall.Kill(s.pid(), sig))
				status, said := s.end()
				files, err := filepath.Glob(v.path("core*"))
				v.must(err)
				if dumped := status.CoreDump() || len(files) > 0; dumped != tc.dumps {
					t.Errorf("a core file: %v, want %v (%v, %q)", dumped, tc.dumps, files, said)
				}
				if !status.Signaled() && status.ExitStatus() != 128+int(sig) && status.ExitStatus() != 2 {
					t.Errorf("ends with %d and not by the signal", status.ExitStatus())
				}
				if what := shown(said, v.key, v.passphrase, v.identity); what != "" {
					t.Errorf("the traceback shows %s", what)
				}
			})
		}
	}
}

// shown says which of the secrets a traceback has: as text, or as a word of
// registers and arguments, which Go prints in hex.
func shown(traceback string, secrets ...string) string {
	for _, secret := range secrets {
		if strings.Contains(traceback, secret[:12]) || strings.Contains(traceback, secret[len(secret)-12:]) {
			return "a secret"
		}
		for at := 0; at+8 <= len(secret); at++ {
			if word := fmt.Sprintf("0x%x", binary.LittleEndian.Uint64([]byte(secret[at:]))); strings.Contains(traceback, word) {
				return "eight bytes of a secret as a number"
			}
		}
	}
	return ""
}

// TestTraceback lets either executable panic with secrets in its hands: at the
// first, second, ... time that it asks what time it is, and as it hands a session
// over. The longest traceback that Go has shows no secret. One that panics with a
// secret in the message must be seen.
func TestTraceback(t *testing.T) {
	t.Parallel()
	const cold, cached = "fob exec dev -t CODE -- true", "TEST_PANIC= fob export --check dev -t CODE && fob exec dev -- true"
	for _, tc := range []struct {
		name, program, script string
		least                 int // times that the time is asked for
	}{
		{"fob-core", "fob-core", cold, 8},
		{"fob", "fob", cached, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := newVault(t, false)
			times := 0
			for v.panics(tc.program+" "+strconv.Itoa(times+1), tc.script) {
				times++
			}
			t.Logf("%d panics", times)
			if times < tc.least || !v.panics(tc.program+" exec", tc.script) {
				t.Errorf("%d panics: nothing was proved", times)
			}
		})
	}
	v := newVault(t, false)
	for _, program := range []string{"fob-core", "fob"} {
		script := map[string]string{"fob-core": cold, "fob": cached}[program]
		if said := v.traceback(program+" leak", script); shown(said, v.sessionSecret()) == "" {
			t.Errorf("%s: a secret in the message is not seen: %s", program, said)
		}
	}
}

// traceback runs a script in a house that has no sessions, and gives what it has
// said.
func (v *vault) traceback(panics, script string) string {
	v.t.Helper()
	v.run(v.passphrase, "fob clear >clear")
	v.env["TEST_PANIC"], v.env["GOTRACEBACK"] = panics, "system"
	s := v.sit(nil, "sh", "-c", strings.ReplaceAll(script, "CODE", v.code())+" 2>said")
	_, _ = s.end()
	delete(v.env, "TEST_PANIC")
	said, err := os.ReadFile(v.path("said"))
	v.must(err)
	return string(said)
}

// panics says whether it did, and checks what is shown then.
func (v *vault) panics(where, script string) bool {
	v.t.Helper()
	said := v.traceback(where, script)
	if !strings.Contains(said, "panic: forced") || !strings.Contains(said, "goroutine ") {
		return false
	}
	if what := shown(said, v.key, v.passphrase, v.identity); what != "" {
		v.t.Errorf("%s: the traceback shows %s\n%s", where, what, said)
	}
	if strings.HasSuffix(where, "exec") {
		if what := shown(said, v.sessionSecret()); what != "" {
			v.t.Errorf("%s: the traceback shows %s of the session\n%s", where, what, said)
		}
	}
	return true
}
