package tty

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	const after = " S 1 40 41 34816 50 4194304 1 2 3 4 5 6 7 8 20 0 1 0 9876 1000 200"
	for _, tt := range []struct {
		name, text string
		want       stat
		ok         bool
	}{
		{"plain", "42 (fob)" + after, stat{"41", "34816", "9876"}, true},
		{"a name that looks like fields", "42 (a) S 1 2 3 4) (b)" + after, stat{"41", "34816", "9876"}, true},
		{"cut off", "42 (fob) S 1 40 41", stat{}, false},
		{"no parenthesis", "42 fob" + after, stat{}, false},
		{"no number", "42 (fob)" + strings.Replace(after, "34816", "x", 1), stat{}, false},
		{"nothing", "", stat{}, false},
	} {
		if got, ok := parseStat([]byte(tt.text)); got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %v %v, want %v %v", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

// sessionsOf starts this program again in a terminal session of its own, where it
// prints what Session says, in this process and in a child of it.
func sessionsOf(t *testing.T, attr *syscall.SysProcAttr, extra ...*os.File) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "sh", "-c", self+" session; "+self+" session | cat")
	c.ExtraFiles, c.SysProcAttr = extra, attr
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	ids := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(ids) != 2 {
		t.Fatalf("%q", out)
	}
	return ids
}

// All programs of a terminal session have the same id, two sessions differ even on
// one terminal, and without a terminal there is none.
func TestSession(t *testing.T) {
	t.Parallel()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	leads := func() *syscall.SysProcAttr {
		return &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	}
	one, two := sessionsOf(t, leads(), slave), sessionsOf(t, leads(), slave)
	if one[0] == "" || one[0] != one[1] || two[0] == "" || two[0] != two[1] {
		t.Errorf("in one session: %q, %q", one, two)
	}
	if one[0] == two[0] {
		t.Errorf("two sessions are one: %q", one[0])
	}
	if none := sessionsOf(t, &syscall.SysProcAttr{Setsid: true}); none[0] != "" || none[1] != "" {
		t.Errorf("without a terminal: %q", none)
	}
}
