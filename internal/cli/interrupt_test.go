//go:build unix

package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestSecondInterrupt: what does not heed the first Ctrl-C is ended by the
// second. Signals belong to a whole process, so the test starts itself anew.
func TestSecondInterrupt(t *testing.T) {
	if os.Getenv("TEST_HANG") != "" {
		hang()
		return
	}
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		first, second syscall.Signal
		want          string
	}{
		{syscall.SIGINT, syscall.SIGINT, "signal: interrupt"},
		{syscall.SIGHUP, syscall.SIGINT, "signal: interrupt"},
		{syscall.SIGQUIT, syscall.SIGTERM, "signal: terminated"},
	} {
		c := exec.CommandContext(t.Context(), self, "-test.run=^TestSecondInterrupt$")
		c.Env = append(os.Environ(), "TEST_HANG=1")
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		said := bufio.NewScanner(out)
		said.Scan()
		_ = c.Process.Signal(tt.first)
		said.Scan()
		if got, want := said.Text(), fmt.Sprint(128+int(tt.first)); got != want {
			t.Errorf("%s: status %q, want %s", tt.first, got, want)
		}
		// The second must not come before the first has been dealt with.
		time.Sleep(100 * time.Millisecond)
		_ = c.Process.Signal(tt.second)
		if err := c.Wait(); err == nil || err.Error() != tt.want {
			t.Errorf("%s, %s: %v, want %s", tt.first, tt.second, err, tt.want)
		}
	}
}

func hang() {
	ctx, stop := interruptible()
	defer stop()
	fmt.Println("ready")
	<-ctx.Done()
	if err := sleep(ctx, time.Second); !errors.Is(err, context.Canceled) {
		fmt.Println(err)
	}
	fmt.Println(interrupted(ctx))
	time.Sleep(20 * time.Second) // what hangs; the test ends it
}
