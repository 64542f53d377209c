package tty

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"fob/internal/fault"
)

// person sits at the other side of a pty.
type person struct {
	t      *testing.T
	screen *os.File // what they see and type on
	line   *os.File // the terminal as a program sees it
	mu     sync.Mutex
	seen   strings.Builder
	grew   chan struct{}
	busy   sync.WaitGroup
}

func sit(t *testing.T) *person {
	t.Helper()
	screen, line, err := pty.Open()
	if err != nil {
		t.Skip("there are no ptys here:", err)
	}
	p := &person{t: t, screen: screen, line: line, grew: make(chan struct{}, 1)}
	p.busy.Go(p.look)
	t.Cleanup(func() {
		_ = line.Close()
		_ = screen.Close()
		p.busy.Wait()
	})
	return p
}

func (p *person) look() {
	buffer := make([]byte, 64<<10)
	for {
		n, err := p.screen.Read(buffer)
		p.mu.Lock()
		p.seen.Write(buffer[:n])
		p.mu.Unlock()
		select {
		case p.grew <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (p *person) saw() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

// await waits until text stands on the screen so many times.
func (p *person) await(text string, times int) {
	p.t.Helper()
	limit := time.After(20 * time.Second)
	for strings.Count(p.saw(), text) < times {
		select {
		case <-p.grew:
		case <-limit:
			p.t.Errorf("never saw %q, only %q", text, p.saw())
			return
		}
	}
}

func (p *person) types(text string) { _, _ = p.screen.WriteString(text) }

// replies types once a question stands there for the nth time.
func (p *person) replies(question string, nth int, text string) {
	p.busy.Go(func() {
		p.await(question, nth)
		p.types(text)
	})
}

// mode is everything stty shows.
func (p *person) mode() unix.Termios {
	p.t.Helper()
	mode, err := unix.IoctlGetTermios(int(p.line.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return *mode
}

func (p *person) open(o Options) TTY {
	p.t.Helper()
	o.DevTTY = p.line.Name()
	tty, err := Open(o)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = tty.Close() })
	return tty
}

// answer asks a hidden question and types once it is there.
func (p *person) answer(o Options, typed string) (string, error) {
	p.t.Helper()
	tty := p.open(o)
	p.replies("Passphrase: ", 1, typed)
	secret, err := tty.ReadHidden(p.t.Context(), "Passphrase: ")
	return secret.Reveal(), err
}

func told(err error) string {
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return fmt.Sprintf("%d %v %q", f.Code, f, f.Next)
	}
	return fmt.Sprint(err)
}

const gone = `4 cannot ask at the terminal: a person is needed, but the terminal gave no answer (Ctrl-D, or it was closed) []`

func TestReadHidden(t *testing.T) {
	t.Parallel()
	const tooLong = `4 cannot ask at the terminal: the answer is longer than 4094 bytes []`
	for _, tt := range []struct{ name, typed, want, err string }{
		{name: "a line", typed: "CANARY one\n", want: "CANARY one"},
		{name: "Return of a terminal", typed: "CANARY\r", want: "CANARY"},
		{name: "nothing", typed: "\n", want: ""},
		{name: "spaces stay", typed: "  a  \n", want: "  a  "},
		{name: "backspace and Ctrl-U", typed: "wrong\x15CANARX\x7fY\n", want: "CANARY"},
		{name: "more than one line pasted", typed: "CANARY\nrm -rf /\nCANARY 2\n", want: "CANARY"},
		{name: "bracketed paste is not asked for and not understood", typed: "\x1b[200~a\x1b[201~\n", want: "\x1b[200~a\x1b[201~"},
		{name: "not ASCII", typed: "p\u00e4ss\u20ac\n", want: "p\u00e4ss\u20ac"},
		{name: "the longest", typed: strings.Repeat("x", maxAnswer) + "\n", want: strings.Repeat("x", maxAnswer)},
		{name: "too long", typed: strings.Repeat("x", maxAnswer+1) + "\n", err: tooLong},
		{name: "a mebibyte", typed: strings.Repeat("x", 1<<20) + "\n", err: tooLong},
		{name: "Ctrl-D", typed: "\x04", err: gone},
		{name: "Ctrl-D after text, twice", typed: "CANARY\x04\x04", want: "CANARY"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := sit(t)
			before := p.mode()
			got, err := p.answer(Options{}, tt.typed)
			if got != tt.want || tt.err == "" && err != nil || tt.err != "" && told(err) != tt.err {
				t.Errorf("got %q, %s\nwant %q, %s", got, told(err), tt.want, tt.err)
			}
			if diff := cmp.Diff(before, p.mode()); diff != "" {
				t.Errorf("the terminal's mode changed:\n%s", diff)
			}
			const erased = "Passphrase: \r            \r"
			p.await(erased, 1)
			screen := p.saw()
			if strings.Count(tt.typed, "\n") > 1 || len(tt.typed) > maxAnswer { // the end of a paste may come when all is over
				screen = screen[:min(len(screen), len(erased))]
			}
			if diff := cmp.Diff(erased, screen); diff != "" {
				t.Errorf("on the screen (-want +got):\n%s", diff)
			}
		})
	}
}

// What was typed before the question was typed at something else.
func TestTypedAhead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		keep bool
		want string
	}{{false, "CANARY"}, {true, "early"}} {
		p := sit(t)
		p.types("early\n")
		p.await("early", 1) // the echo: the terminal has it
		if got, err := p.answer(Options{TypeAhead: tt.keep}, "CANARY\n"); got != tt.want || err != nil {
			t.Errorf("kept %v: got %q, %v", tt.keep, got, err)
		}
	}
}

// A question that does not fit on a line cannot be erased without knowing the
// terminal.
func TestLongQuestion(t *testing.T) {
	t.Parallel()
	p := sit(t)
	if err := pty.Setsize(p.line, &pty.Winsize{Rows: 24, Cols: 10}); err != nil {
		t.Fatal(err)
	}
	if got, err := p.answer(Options{}, "CANARY\n"); got != "CANARY" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	p.await("\n", 1)
	if diff := cmp.Diff("Passphrase: \r\n", p.saw()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadLine(t *testing.T) {
	t.Parallel()
	p := sit(t)
	before := p.mode()
	p.replies("Name\\x0a: ", 1, "ann\n")
	got, err := p.open(Options{}).ReadLine(t.Context(), "Name\n: ")
	if got != "ann" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	p.await("\r\n", 1)
	if diff := cmp.Diff("Name\\x0a: ann\r\n", p.saw()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, p.mode()); diff != "" {
		t.Errorf("the terminal's mode changed:\n%s", diff)
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	p := sit(t)
	tty := p.open(Options{})
	for i, tt := range []struct {
		typed string
		want  bool
	}{{"y\n", true}, {"YES\n", true}, {" yes \n", true}, {"\n", false}, {"n\n", false}, {"yep\n", false}, {"yy\n", false}} {
		p.replies("Go? [y/N] ", i+1, tt.typed)
		if got, err := tty.Confirm(t.Context(), "Go?"); got != tt.want || err != nil {
			t.Errorf("%q: got %v, %v", tt.typed, got, err)
		}
	}
}

func TestSay(t *testing.T) {
	t.Parallel()
	p := sit(t)
	p.open(Options{}).Say("to prod\x1b[1A\nhost")
	p.await("\n", 1)
	if diff := cmp.Diff("to prod\\x1b[1A\\x0ahost\r\n", p.saw()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A picture is black on white on any terminal, and is not drawn broken.
func TestDraw(t *testing.T) {
	t.Parallel()
	p := sit(t)
	tty := p.open(Options{})
	for _, tt := range []struct {
		columns uint16
		rows    []string
		want    bool
	}{
		{0, []string{"█▀", "▄ "}, true},               // nobody has said how wide it is
		{0, []string{strings.Repeat("█", 81)}, false}, // 80 columns then
		{2, []string{"██"}, true},
		{2, []string{"██", "███"}, false},
		{120, []string{strings.Repeat("█", 120)}, true},
		{80, []string{"\x1b[2J"}, true}, // still nothing but characters
		{80, nil, false},
	} {
		if err := pty.Setsize(p.line, &pty.Winsize{Rows: 24, Cols: tt.columns}); err != nil {
			t.Fatal(err)
		}
		if got := tty.Draw(tt.rows); got != tt.want {
			t.Errorf("%q on %d columns: %v", tt.rows, tt.columns, got)
		}
	}
	tty.Say("end")
	p.await("end", 1)
	row := func(text string) string { return "\x1b[30;47m" + text + "\x1b[0m\r\n" }
	want := row("█▀") + row("▄ ") + row("██") + row(strings.Repeat("█", 120)) + row(`\x1b[2J`) + "end\r\n"
	if diff := cmp.Diff(want, p.saw()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	p := sit(t)
	before := p.mode()
	tty := p.open(Options{})
	ctx, cancel := context.WithCancel(t.Context())
	p.busy.Go(func() { p.await("Passphrase: ", 1); cancel() })
	if _, err := tty.ReadHidden(ctx, "Passphrase: "); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if diff := cmp.Diff(before, p.mode()); diff != "" {
		t.Errorf("the terminal's mode changed:\n%s", diff)
	}
	// Nobody is left behind who would take the next line.
	p.replies("Name: ", 1, "ann\n")
	if got, err := tty.ReadLine(t.Context(), "Name: "); got != "ann" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := tty.ReadLine(ctx, "Never: "); !errors.Is(err, context.Canceled) || strings.Contains(p.saw(), "Never") {
		t.Errorf("a question was put after the end: %v", err)
	}
}

func TestHangUp(t *testing.T) {
	t.Parallel()
	screen, line, err := pty.Open()
	if err != nil {
		t.Skip("there are no ptys here:", err)
	}
	defer line.Close()
	tty, err := Open(Options{DevTTY: line.Name()})
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	go func() {
		_, _ = screen.Read(make([]byte, 64)) // the question
		_ = screen.Close()
	}()
	if _, err := tty.ReadHidden(t.Context(), "Passphrase: "); told(err) != gone {
		t.Error(told(err))
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	const none = `4 cannot ask at the terminal: a person is needed, but there is no terminal to ask at ["run the same command in a terminal"]`
	p := sit(t)
	absent := filepath.Join(t.TempDir(), "tty")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("yes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for _, tt := range []struct {
		name string
		o    Options
		err  string
	}{
		{"nothing", Options{DevTTY: absent}, none},
		{"standard input is a file", Options{DevTTY: absent, Stdin: in}, none},
		{"a file in the terminal's place", Options{DevTTY: file}, none},
		{"standard input is a terminal", Options{DevTTY: absent, Stdin: p.line}, "<nil>"},
		{"both", Options{DevTTY: p.line.Name(), Stdin: in}, "<nil>"},
	} {
		tty, err := Open(tt.o)
		if told(err) != tt.err {
			t.Errorf("%s: %s, want %s", tt.name, told(err), tt.err)
		}
		if err == nil && tty.Close() != nil {
			t.Errorf("%s: cannot be closed", tt.name)
		}
	}
	p.mode() // standard input is still open
}
