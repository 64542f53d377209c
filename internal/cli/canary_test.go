//go:build unix

package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// guardedStderr is the standard error of every program in a script. Two
// variables are for TestCanary alone: one seeds a leak, the other takes the
// guard away.
func guardedStderr(program string) io.Writer {
	var w io.Writer = &canaries{out: os.Stderr}
	if os.Getenv("TEST_UNGUARDED") != "" {
		w = os.Stderr
	}
	if os.Getenv("TEST_LEAK") == program {
		_, _ = io.WriteString(w, "debug: secret=CAN") // split, as a logger might
		_, _ = io.WriteString(w, "ARYwJalrXUtnFEMI\n")
	}
	return w
}

// A test for leaks is worth something only if a leak makes it fail: one is
// seeded into either executable, and the script that met it must fail. With the
// guard taken away the same script passes, so it is the guard that sees it.
func TestCanary(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, env, script string
		fails             bool
	}{
		{name: "no leak", script: "exits 0 fob list\nexits 0 fob export dev\n"},
		{name: "fob-core leaks", env: "TEST_LEAK=fob-core", script: "exits 0 fob list\n", fails: true},
		{name: "the front leaks", env: "TEST_LEAK=fob", script: "exits 0 fob export dev\n", fails: true},
		{name: "a run that fails anyway leaks", env: "TEST_LEAK=fob-core", script: "exits 3 fob export nobody\n", fails: true},
		{name: "no guard", env: "TEST_LEAK=fob-core\nenv TEST_UNGUARDED=1", script: "exits 0 fob list\n"},
		{name: "a file holds a secret", script: "cp key home/key\nnocanary home\n", fails: true},
		{name: "nothing to be swept out", script: "sweep 6 key home\n"},
		{name: "a file is to be swept out", script: "cp key home/key\nsweep 6 key home\n", fails: true},
		{name: "an empty home proves nothing", script: "sweep 60 key home\n", fails: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			// The session is there before the leak begins, so that the front answers.
			text := "exits 0 fob add security --env\nexits 0 sh -c 'fob export --check dev -t $(fob playground code)'\n"
			if tc.env != "" {
				text += "env " + tc.env + "\n"
			}
			file := filepath.Join(t.TempDir(), "leak.txtar")
			if err := os.WriteFile(file, []byte(text+tc.script+"-- key --\nCANARY\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			params := scriptParams("", startOurs)
			params.Files = []string{file}
			var seen outcome
			seen.Run("", func(root testscript.T) { testscript.RunT(root, params) })
			if seen.failed != tc.fails {
				t.Errorf("failed: %v, want %v:\n%s", seen.failed, tc.fails, seen.log)
			}
			if want := "LEAK"; tc.fails && tc.env != "" && !strings.Contains(seen.log, want) {
				t.Errorf("it failed for another reason than the leak:\n%s", seen.log)
			}
		})
	}
}

// outcome is a testscript.T that keeps what became of a script.
type outcome struct {
	failed bool
	log    string
}

func (o *outcome) Skip(args ...any)  { o.FailNow() }
func (o *outcome) Fatal(args ...any) { o.Log(args...); o.FailNow() }
func (o *outcome) Parallel()         {}
func (o *outcome) Log(args ...any)   { o.log += fmt.Sprintln(args...) }
func (o *outcome) Verbose() bool     { return true }

func (o *outcome) FailNow() {
	o.failed = true
	runtime.Goexit()
}

func (o *outcome) Run(_ string, f func(testscript.T)) {
	sub, done := &outcome{}, make(chan struct{})
	go func() {
		defer close(done)
		f(sub)
	}()
	<-done
	o.failed = o.failed || sub.failed
	o.log += sub.log
}
