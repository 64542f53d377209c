package launch

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
)

// waited is a process that waits for the child of countSignals, at a terminal.
type waited struct {
	t        *testing.T
	terminal *os.File
	lines    *bufio.Scanner
	fob      *exec.Cmd
	pid      int
}

func startWaited(t *testing.T) *waited {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	defer slave.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	t.Cleanup(func() { _ = r.Close() })
	c := exec.CommandContext(t.Context(), self, "run-waiting", self, "count-signals")
	c.Env, c.Stdout, c.Stderr, c.ExtraFiles = os.Environ(), w, os.Stderr, []*os.File{slave}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = master.Read(make([]byte, 100)) }() // the echo of keys
	s := &waited{t: t, terminal: master, lines: bufio.NewScanner(r), fob: c, pid: c.Process.Pid}
	s.reads("parent " + strconv.Itoa(s.pid))
	return s
}

func (s *waited) reads(want string) {
	s.t.Helper()
	if !s.lines.Scan() || s.lines.Text() != want {
		s.t.Fatalf("the child said %q, want %q", s.lines.Text(), want)
	}
}

// ends sends the last signal by way of fob, which passes on in order: what it had
// sent twice would be seen before it.
func (s *waited) ends() {
	s.t.Helper()
	s.kill(s.pid, syscall.SIGUSR2)
	s.reads(syscall.SIGUSR2.String())
	if err := s.fob.Wait(); err != nil {
		s.t.Errorf("the child ended well, and fob says: %v", err)
	}
}

func (s *waited) kill(pid int, sig syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *waited) key(key string) {
	s.t.Helper()
	if _, err := s.terminal.WriteString(key); err != nil {
		s.t.Fatal(err)
	}
}

// state waits until fob is stopped, or goes on.
func (s *waited) state(stopped bool) {
	s.t.Helper()
	for range 1000 {
		text, _ := os.ReadFile("/proc/" + strconv.Itoa(s.pid) + "/stat")
		if strings.Contains(string(text), ") T ") == stopped {
			return
		}
		time.Sleep(10 * time.Millisecond) // nothing tells of it but the table of processes
	}
	s.t.Fatalf("stopped is not %v", stopped)
}

// Every signal reaches the child once, whoever was meant: fob, its whole group, or
// the terminal's.
func TestWaitSignals(t *testing.T) {
	t.Parallel()
	ours := []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGALRM, syscall.SIGTERM, syscall.SIGCONT, syscall.SIGWINCH}
	for _, tt := range []struct {
		name string
		send func(*waited, syscall.Signal)
	}{
		{"alone", func(s *waited, sig syscall.Signal) { s.kill(s.pid, sig) }},
		{"group", func(s *waited, sig syscall.Signal) { s.kill(-s.pid, sig) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := startWaited(t)
			for _, sig := range append(ours, ours...) {
				tt.send(s, sig)
				s.reads(sig.String())
				s.kill(s.pid, syscall.SIGURG) // never passed on
				s.kill(s.pid, syscall.SIGUSR1)
				s.reads(syscall.SIGUSR1.String()) // so that fob has looked at the one before
			}
			s.ends()
		})
	}
	t.Run("keys", func(t *testing.T) {
		t.Parallel()
		s := startWaited(t)
		for range 3 {
			s.key("\x03")
			s.reads(syscall.SIGINT.String())
			s.key("\x1c")
			s.reads(syscall.SIGQUIT.String())
			s.kill(s.pid, syscall.SIGUSR1)
			s.reads(syscall.SIGUSR1.String()) // so that fob has looked at the keys
			s.kill(s.pid, syscall.SIGINT)
			s.reads(syscall.SIGINT.String())
		}
		s.ends()
	})
}

// A job that is stopped is stopped as a whole and goes on as a whole. The parent
// is in another group of the session, as the shell is, or SIGTSTP would do nothing.
func TestWaitStops(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		stop func(s *waited)
		on   func(s *waited)
	}{
		{"alone", func(s *waited) { s.kill(s.pid, syscall.SIGTSTP) }, func(s *waited) { s.kill(s.pid, syscall.SIGCONT) }},
		{"group", func(s *waited) { s.kill(-s.pid, syscall.SIGTSTP) }, func(s *waited) { s.kill(-s.pid, syscall.SIGCONT) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			c := exec.CommandContext(t.Context(), self, "run-waiting", self, "count-signals")
			c.Env, c.Stdout, c.Stderr = os.Environ(), w, os.Stderr
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // in our session: its group is no orphan
			err = c.Start()
			_ = w.Close()
			if err != nil {
				t.Fatal(err)
			}
			s := &waited{t: t, lines: bufio.NewScanner(r), fob: c, pid: c.Process.Pid}
			s.reads("parent " + strconv.Itoa(s.pid))
			for range 5 {
				tt.stop(s)
				s.state(true)
				tt.on(s)
				s.state(false)
				s.reads(syscall.SIGCONT.String())
				s.kill(s.pid, syscall.SIGWINCH)
				s.reads(syscall.SIGWINCH.String()) // so that fob has looked at the SIGCONT, whose number is lower
			}
			s.ends()
		})
	}
}

const zeros = "0000000000000000"

// What a child ends with is told as a shell tells it, and it has our streams.
func TestWait(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		argv   []string
		in     string
		out    string
		status int
	}{
		{name: "its status is ours", argv: []string{"sh", "-c", "exit 41"}, status: 41},
		{name: "ended by a signal", argv: []string{"sh", "-c", "kill -KILL $$"}, status: 128 + 9},
		{name: "streams", argv: []string{"cat"}, in: strings.Repeat("x\x00\n", 1<<16), out: strings.Repeat("x\x00\n", 1<<16)},
		{name: "not found", argv: []string{"nothing"}, status: 127},
		{name: "not executable", argv: []string{"/etc/passwd"}, status: 126},
		{name: "no signal is blocked, none ignored", argv: []string{"grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"},
			out: "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"},
		{name: "nobody else holds its output", argv: []string{"sh", "-c", "exec >&-; cat >/dev/null"}, in: "ends only when the output has ended"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), self, append([]string{"run-waiting"}, tt.argv...)...)
			cmd.Env, cmd.Stdin = os.Environ(), strings.NewReader(tt.in)
			out, err := cmd.Output()
			if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
				t.Fatal(err)
			}
			// Signals 32 and 33 are the C library's own, and make leaves them ignored.
			got := strings.Replace(strings.Replace(string(out), "0000000180000000", zeros, 1), "0000000080000000", zeros, 1)
			if diff := cmp.Diff(tt.out, got); diff != "" || cmd.ProcessState.ExitCode() != tt.status {
				t.Errorf("status %d, want %d; output (-want +got):\n%s", cmd.ProcessState.ExitCode(), tt.status, diff)
			}
		})
	}
}
