//go:build unix

package cli

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// measureMain is `measure FILE COMMAND...`: it writes what a command has taken.
// It stands between the tests and the command because the system counts the size
// of the process that starts another one as that one's.
func measureMain(args []string) int {
	c := exec.Command(args[1], args[2:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	_ = c.Run()
	usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 99
	}
	// Time of the processor, which other programs do not take from.
	line := fmt.Sprintln(usage.Utime.Nano()+usage.Stime.Nano(), usage.Maxrss)
	if err := os.WriteFile(args[0], []byte(line), 0o600); err != nil {
		return 99
	}
	return c.ProcessState.ExitCode()
}

// measured makes the programs of a house write what they take.
func (h *house) measured() { h.enter = []string{"measure", h.path(".measured")} }

// took is the time of the processor and the memory that the last program took.
func (h *house) took() (time.Duration, int64) {
	h.t.Helper()
	var took time.Duration
	var kib int64
	_, err := fmt.Sscan(strings.TrimSpace(h.read(".measured")), &took, &kib)
	h.must(err)
	return took, kib
}
