package lock

import (
	"os"
	"os/exec"
	"strconv"
	"testing"
)

func TestGone(t *testing.T) {
	t.Parallel()
	ended := exec.CommandContext(t.Context(), "true")
	ended.Env = os.Environ()
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(os.Getpid())
	for mark, want := range map[string]bool{
		Mark(): false, pid + "-1": true, pid + "-0": false, strconv.Itoa(ended.Process.Pid) + "-5": true,
		"": false, "x": false, "-1-5": false, "5": false,
	} {
		if got := Gone(mark); got != want {
			t.Errorf("Gone(%q) = %v", mark, got)
		}
	}
}
