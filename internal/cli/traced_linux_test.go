package cli

import (
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
)

// traced is a command line of the house under the tracer, which does something to a
// call ("renameat:signal=KILL:when=3") and writes down what happened. The calls are
// counted per thread, so the program keeps to one.
func (h *house) traced(inject string, argv ...string) *exec.Cmd {
	call, _, _ := strings.Cut(inject, ":")
	args := []string{"-f", "-qq", "-o", h.path("run", "trace"), "-e", "trace=" + call, "-e", "inject=" + inject}
	c := exec.CommandContext(h.t.Context(), "strace", append(args, argv...)...)
	c.Dir = h.home
	for name, value := range h.env {
		c.Env = append(c.Env, name+"="+value)
	}
	c.Env = append(c.Env, "GOMAXPROCS=1", "TEST_ONE_THREAD=1")
	return c
}

// killedAt runs a command line that is killed at the n-th call of a kind, and says
// whether there was one. A run that was not killed must have done its work.
func (h *house) killedAt(call string, n int, stdin io.Reader, argv ...string) (killed bool) {
	h.t.Helper()
	c := h.traced(fmt.Sprintf("%s:signal=KILL:when=%d", call, n), argv...)
	c.Stdin = stdin
	out, err := c.CombinedOutput()
	if ws := c.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		killed = ws.Signal() == syscall.SIGKILL
	}
	if !killed && err != nil {
		h.t.Fatalf("%s %d: %v: %s", call, n, err, out)
	}
	return killed
}
