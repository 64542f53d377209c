package main

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// A counter counts what was started on its thread, children of children too.
// Page faults stand for instructions, which few virtual machines count.
func TestCount(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("sh: ", err)
	}
	faults := func(script string) (n int64) {
		w, err := newWorker(func() error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		defer w.close()
		if err := w.do(func() error {
			read := count(unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_PAGE_FAULTS)
			c := exec.Command(sh, "-c", script)
			c.Env = []string{"PATH=/usr/bin:/bin"}
			err := c.Run()
			n = read()
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	once := faults("exit 0")
	if once < 0 {
		t.Skip("this kernel lets nobody count")
	}
	if again := faults("env true; env true; env true; env true"); once == 0 || again < once+100 {
		t.Errorf("%d page faults of sh, %d with four other programs", once, again)
	}
}
