package tty

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestMain lets the test's own executable be a program that asks: signals and
// jobs belong to whole processes.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "ask" {
		ask(os.Args[2])
	}
	if len(os.Args) == 2 && os.Args[1] == "session" {
		_, _ = os.Stdout.WriteString(Session() + "\n")
		os.Exit(0)
	}
	// Who runs the tests may ignore a signal (nohup, a job in the background),
	// and what they start would too. One that is caught is the default again in
	// a child.
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
	os.Exit(m.Run())
}

func ask(how string) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	tty, err := Open(Options{Stdin: os.Stdin})
	if err != nil {
		fmt.Println(told(err))
		os.Exit(4)
	}
	if how == "panic" {
		ctx = trap{ctx}
	}
	secret, err := tty.ReadHidden(ctx, "Passphrase: ")
	if err != nil {
		fmt.Println(told(err))
		os.Exit(130)
	}
	fmt.Println("answer", strconv.Quote(secret.Reveal()))
	os.Exit(0)
}

// trap panics in the middle of a question: on its second look at Done.
type trap struct{ context.Context }

func (t trap) Done() <-chan struct{} { panic("CANARY-free") }

// at starts this executable, or a shell, as a session at the person's terminal.
func (p *person) at(argv ...string) *exec.Cmd {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.CommandContext(p.t.Context(), self, argv...)
	if argv[0] != "ask" {
		cmd = exec.CommandContext(p.t.Context(), argv[0], argv[1:]...)
	}
	cmd.Env = append(os.Environ(), "ASK="+self, "PS1=$ ", "HISTFILE=")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.line, p.line, p.line
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	return cmd
}

// The terminal is as it was after every way to end at a hidden question.
func TestEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		how    string
		typed  string
		signal syscall.Signal
		want   string
	}{
		{name: "an answer", typed: "CANARY\n", want: "exit status 0"},
		{name: "Ctrl-C", typed: "half\x03", want: "exit status 130"},
		{name: "Ctrl-D", typed: "\x04", want: "exit status 130"},
		{name: "Ctrl-backslash", typed: "half\x1c", want: "exit status 130"},
		{name: "SIGQUIT", signal: syscall.SIGQUIT, want: "exit status 130"},
		{name: "SIGABRT", signal: syscall.SIGABRT, want: "exit status 130"},
		{name: "SIGTERM", signal: syscall.SIGTERM, want: "signal: terminated"},
		{name: "SIGHUP", signal: syscall.SIGHUP, want: "signal: hangup"},
		{name: "a panic", how: "panic", want: "exit status 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := sit(t)
			before := p.mode()
			cmd := p.at("ask", tt.how)
			if tt.how == "" {
				p.await("Passphrase: ", 1)
			}
			p.types(tt.typed)
			if tt.signal != 0 {
				_ = cmd.Process.Signal(tt.signal)
			}
			started := time.Now()
			_ = cmd.Wait()
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("it took %v to end", took)
			}
			if got := cmd.ProcessState.String(); got != tt.want {
				t.Errorf("%s, want %s; %q", got, tt.want, p.saw())
			}
			if diff := cmp.Diff(before, p.mode()); diff != "" {
				t.Errorf("the terminal's mode changed:\n%s", diff)
			}
			if tt.how == "panic" {
				p.await("goroutine", 1) // the line may pass it on after the program's end
			}
			if strings.Contains(p.saw(), "goroutine") != (tt.how == "panic") {
				t.Errorf("a traceback, or none where one is wanted: %q", p.saw())
			}
			if strings.Contains(p.saw(), "half") || tt.typed != "" && strings.Count(p.saw(), "CANARY") > 1 {
				t.Errorf("what was typed is on the screen: %q", p.saw())
			}
		})
	}
}

// A job in the background says why it cannot ask, and is not stopped.
func TestBackground(t *testing.T) {
	t.Parallel()
	p := sit(t)
	cmd := p.at("/bin/bash", "--norc", "-c", `set -m; "$ASK" ask "" & wait $!; echo status $?`)
	p.await("status 4", 1)
	_ = cmd.Wait()
	want := `4 cannot ask at the terminal: a person is needed, but fob runs in the background ["bring it to the foreground: fg"]` + "\r\n"
	if said := p.saw(); !strings.HasPrefix(said, want) || strings.Contains(said, "Passphrase") {
		t.Errorf("got %q, want %q first", said, want)
	}
}

// Ctrl-Z, something else, fg: the shell's echo was on in between, and is off
// again for the rest of the answer.
func TestStopAndContinue(t *testing.T) {
	t.Parallel()
	p := sit(t)
	cmd := p.at("/bin/bash", "--norc", "--noediting", "-i")
	p.types(`"$ASK" ask ""` + "\n")
	p.await("Passphrase: ", 1)
	p.types("\x1a")
	p.await("Stopped", 1)
	p.types("stty echo; echo $((40+2))\n")
	p.await("42", 1)
	p.types("fg\n")
	p.await("Passphrase: ", 2)
	p.checkHidden()
	p.types("CANARY\n")
	p.await(`answer "CANARY"`, 1)
	p.types("exit\n")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if got := strings.Count(p.saw(), "CANARY"); got != 1 {
		t.Errorf("the answer was shown: %q", p.saw())
	}
}

// A shell that does not care for the terminal's mode has it with its echo on
// while the question is stopped, and gets it back so.
func TestStopUnderPlainShell(t *testing.T) {
	t.Parallel()
	const dash = "/bin/dash"
	if _, err := os.Stat(dash); err != nil {
		t.Skip("there is no dash here:", err)
	}
	p := sit(t)
	cmd := p.at(dash, "-i")
	p.await("$ ", 1)
	before := p.mode()
	p.types(`"$ASK" ask ""` + "\n")
	p.await("Passphrase: ", 1)
	p.checkHidden()
	p.types("half\x1a")
	p.await("Stopped", 1)
	if diff := cmp.Diff(before, p.mode()); diff != "" {
		t.Errorf("the shell got the terminal with another mode:\n%s", diff)
	}
	p.types("fg\n")
	p.await("Passphrase: ", 2)
	p.checkHidden()
	p.types("CANARY\n")
	p.await(`answer "CANARY"`, 1)
	if diff := cmp.Diff(before, p.mode()); diff != "" {
		t.Errorf("the terminal's mode changed:\n%s", diff)
	}
	p.types("exit\n")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if saw := p.saw(); strings.Contains(saw, "half") || strings.Count(saw, "CANARY") != 1 {
		t.Errorf("what was typed was shown: %q", saw)
	}
}

// Where no shell could continue the job, Ctrl-Z only asks again.
func TestStopWithoutShell(t *testing.T) {
	t.Parallel()
	p := sit(t)
	cmd := p.at("ask", "")
	p.await("Passphrase: ", 1)
	p.types("half\x1a")
	p.await("Passphrase: ", 2)
	p.types("CANARY\n")
	p.await(`answer "CANARY"`, 1)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func (p *person) checkHidden() {
	p.t.Helper()
	if p.mode().Lflag&unix.ECHO != 0 {
		p.t.Error("the question is there again, and the echo is on")
	}
}

// No terminal at all: an answer at once, and nothing on standard output.
func TestNoTerminal(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "ask", "")
	cmd.Env = append(os.Environ(), "CI=true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, _ := cmd.CombinedOutput()
	want := `4 cannot ask at the terminal: a person is needed, but there is no terminal to ask at ["run the same command in a terminal"]` + "\n"
	if diff := cmp.Diff(want, string(out)); diff != "" || cmd.ProcessState.ExitCode() != 4 {
		t.Errorf("%v (-want +got):\n%s", cmd.ProcessState, diff)
	}
}
