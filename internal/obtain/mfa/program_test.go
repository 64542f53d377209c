package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fob/internal/fault"
	"fob/internal/obtain/tty"
)

func lookup(environ map[string]string) func(string) string {
	return func(name string) string { return environ[name] }
}

func noTerminal(t *testing.T) func() (tty.TTY, error) {
	t.Helper()
	dir := t.TempDir()
	return func() (tty.TTY, error) { return tty.Open(tty.Options{DevTTY: dir + "/none"}) }
}

// A window opens by itself only where no terminal is, and somebody may look at
// the screen.
func TestChooseProgram(t *testing.T) {
	t.Parallel()
	display := map[string]string{"DISPLAY": ":0"}
	for _, tt := range []struct {
		name      string
		env       Env
		environ   map[string]string
		installed string
		terminal  bool
		want      string
	}{
		{name: "nothing is there", want: "terminal"},
		{name: "zenity first", environ: display, installed: "ykman kdialog zenity", want: "zenity"},
		{name: "Wayland, KDE", environ: map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, installed: "kdialog", want: "kdialog"},
		{name: "a terminal goes first", environ: display, installed: "zenity", terminal: true, want: "terminal"},
		{name: "no screen", installed: "zenity", want: "terminal"},
		{name: "a YubiKey is not asked unless named", environ: display, installed: "ykman", want: "terminal"},
		{name: "named", env: Env{Named: "ykman"}, installed: "ykman", terminal: true, want: "ykman"},
		{name: "named, but not there", env: Env{Named: "zenity"}, want: "zenity"},
		{name: "the terminal is named", env: Env{Named: "terminal"}, environ: display, installed: "zenity", want: "terminal"},
		{name: "mfa_process goes first", env: Env{Named: "zenity", Process: "x"}, installed: "zenity", want: "process"},
		{name: "in CI", environ: map[string]string{"DISPLAY": ":0", "CI": "true"}, installed: "zenity", want: "terminal"},
		{name: "--no-input", env: Env{NoInput: true}, environ: display, installed: "zenity", want: "terminal"},
		{name: "macOS", env: Env{System: "darwin"}, installed: "osascript", want: "osascript"},
		{name: "not macOS", env: Env{System: "linux"}, installed: "osascript", want: "terminal"},
		{name: "Windows", env: Env{System: "windows"}, installed: "powershell.exe", want: "wincredui"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.env.Lookup = lookup(tt.environ)
			tt.env.Installed = func(program string) bool { return slices.Contains(strings.Fields(tt.installed), program) }
			tt.env.OpenTTY = noTerminal(t)
			if tt.terminal {
				tt.env.OpenTTY = func() (tty.TTY, error) { return &person{}, nil }
			}
			got := ""
			switch d := Choose(tt.env).(type) {
			case terminalDriver:
				got = "terminal"
			case processDriver:
				got = "process"
			case programDriver:
				got = d.name
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestProgramArguments(t *testing.T) {
	t.Parallel()
	q := Question{Serial: `arn:aws:iam::111111111111:mfa/a_b`, Profile: `x<b>\n`, Why: "a session"}
	const said = "fob: profile \"x<b>\\\\n\": a session\nMFA code for arn:aws:iam::111111111111:mfa/a_b:"
	for _, tt := range []struct {
		name, environ string
		want          []string
	}{
		{name: "zenity", want: []string{"zenity", "--entry", "--hide-text", "--title=fob", "--text=fob: profile \"x<b>\\\\\\\\n\": a session\nMFA code for arn:aws:iam::111111111111:mfa/a__b:"}},
		{name: "kdialog", want: []string{"kdialog", "--title", "fob", "--password", "<qt>fob: profile \"x&lt;b>\\\\n\": a session<br>MFA code for arn:aws:iam::111111111111:mfa/a_b:</qt>"}},
		{name: "osascript", want: []string{"osascript", "-e", "on run argv", "-e", `text returned of (display dialog (item 1 of argv) default answer "" with hidden answer with title "fob")`, "-e", "end run", said}},
		{name: "wincredui", want: []string{"powershell.exe", "-NoProfile", "-Command", "(Get-Credential -UserName MFA -Message $env:FOB_QUESTION).GetNetworkCredential().Password"}},
		{name: "ykman", want: []string{"ykman", "oath", "accounts", "code", "--single", "--", q.Serial}},
		{name: "ykman", environ: "AWS_VAULT_YKMAN_VERSION=3", want: []string{"ykman", "oath", "code", "--single", "--", q.Serial}},
		{name: "ykman", environ: "AWS_VAULT_YKMAN_VERSION=4 YKMAN_OATH_DEVICE_SERIAL=123 YKMAN_OATH_CREDENTIAL_NAME=work", want: []string{"ykman", "--device", "123", "oath", "accounts", "code", "--single", "--", "work"}},
	} {
		environ := map[string]string{}
		for _, one := range strings.Fields(tt.environ) {
			name, value, _ := strings.Cut(one, "=")
			environ[name] = value
		}
		var ran, more []string
		d := Choose(Env{
			Named: tt.name, Lookup: lookup(environ), Installed: func(string) bool { return true }, OpenTTY: noTerminal(t),
			RunProgram: func(_ context.Context, argv []string, variables ...string) ([]byte, error) {
				ran, more = argv, variables
				return []byte("123456\n"), nil
			},
		})
		code, err := d.Code(t.Context(), q)
		if code != "123456" || err != nil || !d.Interactive() || !d.Ready() {
			t.Errorf("%s: %q, %v", tt.name, code, err)
		}
		if diff := cmp.Diff(tt.want, ran); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff([]string{"FOB_QUESTION=" + said}, more); diff != "" {
			t.Errorf("%s: variables (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestProgramFails(t *testing.T) {
	t.Parallel()
	const what = "4 fob: cannot get an MFA code for " + serial + "\n  because: "
	const next = "\n  try: ask in another way: --prompt terminal\n  try: " + byHand + "\n"
	for _, tt := range []struct {
		name, out string
		err       error
		missing   bool
		noInput   bool
		want      string
	}{
		{name: "dismissed", err: exit(1), want: what + "zenity: exit status 1" + next},
		{name: "left empty", out: "\n", want: what + "zenity: it printed nothing" + next},
		{name: "mistyped", out: "CANARY\n", want: what + "zenity: what it printed is no code: an MFA code is six digits and nothing else" + next},
		{name: "nobody came", err: context.DeadlineExceeded, want: what + "zenity: it took too long" + next},
		{name: "not installed", missing: true, want: what + "zenity is not in PATH\n  try: install zenity, or ask in another way: --prompt terminal\n  try: " + byHand + "\n"},
		{name: "forbidden", noInput: true, want: what + "a person is needed, and --no-input forbids asking\n  try: " + byHand + "\n"},
	} {
		d := Choose(Env{
			Named: "zenity", NoInput: tt.noInput, Lookup: lookup(nil), OpenTTY: noTerminal(t),
			Installed:  func(string) bool { return !tt.missing },
			RunProgram: func(context.Context, []string, ...string) ([]byte, error) { return []byte(tt.out), tt.err },
		})
		code, err := d.Code(t.Context(), Question{Serial: serial})
		if code != "" {
			t.Errorf("%s: a code: %q", tt.name, code)
		}
		if diff := cmp.Diff(tt.want, rendered(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

type exit int

func (e exit) ExitCode() int { return int(e) }
func (e exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func TestNamed(t *testing.T) {
	t.Parallel()
	for _, name := range append(Names(), "") {
		if err := CheckNamed(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	const list = "terminal, zenity, kdialog, osascript, wincredui, ykman"
	for name, want := range map[string]string{
		"pass":  "because: aws-vault has removed it, too\n  try: in the profile of the config: mfa_process = pass otp NAME\n",
		"given": "try: use one of: " + list + "\n",
		"A\n":   "fob: there is no way to ask for codes called \"A\\n\" (--prompt, or its variable)\n",
	} {
		err := CheckNamed(name)
		if !strings.Contains(rendered(err), want) || fault.CodeOf(err) != fault.Usage {
			t.Errorf("%q: %s", name, rendered(err))
		}
	}
	if f := (*fault.Error)(nil); !errors.As(CheckNamed("x"), &f) {
		t.Error("no fault")
	}
}
