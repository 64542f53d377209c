package mfa

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/fault"
	"fob/internal/obtain/tty"
)

const serial = "arn:aws:iam::111111111111:mfa/ann"

func rendered(err error) string {
	if err == nil {
		return ""
	}
	if f := (*fault.Error)(nil); !errors.As(err, &f) {
		return err.Error()
	}
	var b bytes.Buffer
	fault.Render(&b, "fob", err)
	return fmt.Sprintf("%d %s", fault.CodeOf(err), b.String())
}

func TestCheckCode(t *testing.T) {
	t.Parallel()
	const other = "an MFA code is six digits and nothing else"
	for _, tt := range []struct{ text, want, err string }{
		{text: "123456", want: "123456"},
		{text: "000000", want: "000000"},
		{text: " 123 456\t", want: "123456"},
		{text: "123\u00a0456", want: "123456"},
		{text: "12345", err: "an MFA code has six digits, not 5"},
		{text: "1234567", err: "an MFA code has six digits, not 7"},
		{text: "", err: other},
		{text: "   ", err: other},
		{text: "12345a", err: other},
		{text: "123\n456", err: other},
		{text: "123456\n", err: other},
		{text: "-12345", err: other},
		{text: "\u0661\u0662\u0663\u0664\u0665\u0666", err: other},
		{text: "\uff11\uff12\uff13\uff14\uff15\uff16", err: other},
		{text: "12345\x00", err: other},
		{text: "12345\xff", err: other},
		{text: "CANARY correct horse", err: other},
	} {
		got, err := CheckCode(tt.text)
		if wrong := (*CodeError)(nil); err != nil && !errors.As(err, &wrong) {
			t.Errorf("%q: %T", tt.text, err)
		}
		if got != tt.want || rendered(err) != tt.err {
			t.Errorf("%q: got %q, %q; want %q, %q", tt.text, got, rendered(err), tt.want, tt.err)
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	code := cred.NewSecret("123456")
	for _, tt := range []struct {
		env         Env
		want        string
		interactive bool
	}{
		{Env{}, "mfa.terminalDriver", true},
		{Env{Process: "x"}, "mfa.processDriver", false},
		{Env{Code: code}, "*mfa.givenDriver", false},
		{Env{Code: code, Process: "x"}, "*mfa.givenDriver", false},
	} {
		tt.env.OpenTTY = func() (tty.TTY, error) { return &person{}, nil }
		d := Choose(tt.env)
		if got := fmt.Sprintf("%T", d); got != tt.want || d.Interactive() != tt.interactive {
			t.Errorf("got %s, interactive %v; want %s", got, d.Interactive(), tt.want)
		}
	}
	for _, k := range Kinds() {
		if k.Name == "" || k.Help == "" {
			t.Errorf("kind %q has no name, or no help", k.Name)
		}
	}
}

// A given code serves one call, whatever became of it.
func TestGiven(t *testing.T) {
	t.Parallel()
	q := Question{Serial: serial, Profile: "dev"}
	d := Choose(Env{Code: cred.NewSecret("123 456")})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Code(ended, q); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if got, err := d.Code(t.Context(), q); got != "123456" || err != nil {
		t.Errorf("first: %q, %v", got, err)
	}
	const what = "4 fob: cannot get an MFA code for " + serial + " (profile \"dev\")\n  because: %s\n  try: leave --mfa-token out, to be asked for each code\n"
	for problem, why := range map[string]string{
		"":                     "the code of --mfa-token can be used once, and another one is needed",
		"AWS refused the code": "AWS refused the code; the code of --mfa-token can be used once",
	} {
		q.Problem = problem
		_, err := d.Code(t.Context(), q)
		if diff := cmp.Diff(fmt.Sprintf(what, why), rendered(err)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	_, err := Choose(Env{Code: cred.NewSecret("CANARY")}).Code(t.Context(), q)
	want := "2 fob: cannot use the code of --mfa-token\n  because: an MFA code is six digits and nothing else\n"
	if diff := cmp.Diff(want, rendered(err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProcess(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a Unix shell")
	}
	shell := func(ctx context.Context, command string) ([]byte, error) {
		return exec.CommandContext(ctx, "/bin/sh", "-c", command).Output()
	}
	failed := func(why string) string {
		return "3 fob: cannot get an MFA code for " + serial + " (profile \"t\")\n  because: mfa_process (~/.aws/config:9): " + why +
			"\n  try: correct mfa_process at ~/.aws/config:9\n  try: " + byHand + "\n"
	}
	const noCode = "what it printed is no code: an MFA code is six digits and nothing else"
	for _, tt := range []struct{ command, want, err string }{
		{command: "echo 123456", want: "123456"},
		{command: "printf ' 123 456 \r\n\n'", want: "123456"},
		{command: "/bin/false", err: failed("exit status 1")},
		{command: "echo 123456; echo CANARY >&2; exit 7", err: failed("exit status 7")},
		{command: "kill -KILL $$", err: failed("it was ended by a signal")},
		{command: "/bin/true", err: failed("it printed nothing")},
		{command: "echo; echo", err: failed("it printed nothing")},
		{command: "echo CANARY", err: failed(noCode)},
		{command: "echo 123456; echo 654321", err: failed(noCode)},
		{command: "echo 1234567", err: failed("what it printed is no code: an MFA code has six digits, not 7")},
		{command: "/absent/command", err: failed("exit status 127")},
	} {
		t.Run(tt.command, func(t *testing.T) {
			t.Parallel()
			d := Choose(Env{Process: tt.command, ProcessFrom: "~/.aws/config:9", RunShell: shell})
			got, err := d.Code(t.Context(), Question{Serial: serial, Profile: "t"})
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if diff := cmp.Diff(tt.err, rendered(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestProcessEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	for _, tt := range []struct {
		err  error
		want string
	}{
		{context.DeadlineExceeded, "it took too long"},
		{errors.New("there is no shell"), "there is no shell"},
	} {
		d := Choose(Env{Process: "x", ProcessFrom: "f:1", RunShell: func(context.Context, string) ([]byte, error) { return nil, tt.err }})
		_, err := d.Code(ctx, Question{Serial: serial})
		want := "3 fob: cannot get an MFA code for " + serial + "\n  because: mfa_process (f:1): " + tt.want +
			"\n  try: correct mfa_process at f:1\n  try: " + byHand + "\n"
		if diff := cmp.Diff(want, rendered(err)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	d := Choose(Env{Process: "x", RunShell: func(context.Context, string) ([]byte, error) {
		cancel(nil)
		return []byte("123456"), nil
	}})
	if code, err := d.Code(ctx, Question{Serial: serial}); code != "" || fault.CodeOf(err) != fault.Interrupted {
		t.Errorf("Ctrl-C at the command: %q, %v", code, err)
	}
}

// person answers from a list and remembers the screen.
type person struct {
	answers []string
	screen  strings.Builder
	open    int
}

var errLeft = errors.New("the person left")

func (p *person) ReadHidden(_ context.Context, prompt string) (cred.Secret, error) {
	p.screen.WriteString(prompt + "|\n")
	if len(p.answers) == 0 {
		return cred.Secret{}, &fault.Error{What: "cannot ask at the terminal", Why: errLeft, Next: []string{"come back"}, Code: fault.Attend}
	}
	answer := p.answers[0]
	p.answers = p.answers[1:]
	return cred.NewSecret(answer), nil
}
func (p *person) ReadLine(context.Context, string) (string, error) { panic("a code must not be shown") }
func (p *person) Confirm(context.Context, string) (bool, error)    { panic("there is nothing to confirm") }
func (p *person) Say(text string)                                  { p.screen.WriteString(text + "\n") }
func (p *person) Draw([]string) bool                               { panic("there is nothing to draw") }
func (p *person) Close() error                                     { p.open--; return nil }

func TestTerminal(t *testing.T) {
	t.Parallel()
	const prompt = "MFA code for " + serial + ": |\n"
	dev := Question{Serial: serial, Profile: "dev", Why: "a session of 12h0m0s, for every account"}
	const intro = "fob: profile \"dev\": a session of 12h0m0s, for every account\n"
	again := dev
	again.Attempt, again.Problem, again.Host = 2, "AWS refused the code", "127.0.0.1:4566"
	const what = "4 fob: cannot get an MFA code for " + serial + " (profile \"dev\")\n  because: "
	const mistyped = "fob: an MFA code is six digits and nothing else\n"
	for _, tt := range []struct {
		name              string
		q                 Question
		answers           []string
		want, screen, err string
	}{
		{name: "a code", q: dev, answers: []string{"123 456"}, want: "123456", screen: intro + prompt},
		{name: "nothing to say", q: Question{Serial: serial}, answers: []string{"123456"}, want: "123456", screen: prompt},
		{name: "asked again, elsewhere", q: again, answers: []string{"123456"}, want: "123456",
			screen: "fob: AWS refused the code\nfob: the code goes to 127.0.0.1:4566\n" + prompt},
		{name: "mistyped", q: dev, answers: []string{"CANARY horse", "12345", "123456"}, want: "123456",
			screen: intro + prompt + mistyped + prompt + "fob: an MFA code has six digits, not 5\n" + prompt},
		{name: "mistyped too often", q: dev, answers: []string{"", "CANARY", "CANARY", "123456"},
			screen: intro + prompt + mistyped + prompt + mistyped + prompt + mistyped,
			err:    what + "an MFA code is six digits and nothing else\n"},
		{name: "nobody there", q: dev, screen: intro + prompt, err: what + "the person left\n  try: come back\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &person{answers: tt.answers}
			d := Choose(Env{OpenTTY: func() (tty.TTY, error) { p.open++; return p, nil }})
			got, err := d.Code(t.Context(), tt.q)
			if got != tt.want || p.open != 0 {
				t.Errorf("got %q, want %q; %d terminals left open", got, tt.want, p.open)
			}
			if diff := cmp.Diff([2]string{tt.screen, tt.err}, [2]string{p.screen.String(), rendered(err)}); diff != "" {
				t.Errorf("screen and error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoTerminal(t *testing.T) {
	t.Parallel()
	d := Choose(Env{Lookup: lookup(nil), OpenTTY: noTerminal(t)})
	_, err := d.Code(t.Context(), Question{Serial: serial, Profile: "dev"})
	want := "4 fob: cannot get an MFA code for " + serial + " (profile \"dev\")\n  because: a person is needed, but there is no terminal to ask at\n" +
		"  try: run the same command in a terminal\n  try: ask in a window, or by a YubiKey: --prompt zenity, --prompt ykman\n  try: " + byHand + "\n"
	if diff := cmp.Diff(want, rendered(err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, quiet := Choose(Env{Lookup: lookup(nil), OpenTTY: noTerminal(t), NoInput: true}).Code(t.Context(), Question{Serial: serial})
	if text := rendered(quiet); strings.Contains(text, "--prompt") || !strings.Contains(text, byHand) {
		t.Errorf("where asking is forbidden: %s", text)
	}
	faults := 0
	for e := err; e != nil; e = errors.Unwrap(e) {
		if _, ok := e.(*fault.Error); ok {
			faults++
		}
	}
	if faults != 1 {
		t.Errorf("%d faults in one chain", faults)
	}
}
