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
	pid, ours := strconv.Itoa(os.Getpid()), strconv.FormatUint(numbering(), 10)
	for mark, want := range map[string]bool{
		Mark(): false, pid + "-1": true, pid + "-0": false, strconv.Itoa(ended.Process.Pid) + "-5": true,
		pid + "-1-" + ours: true, pid + "-1-1": false, pid + "-1-" + ours + "-WORD": true, Mark() + "-WORD": false,
		"": false, "x": false, "-1-5": false, "5": false,
	} {
		if got := Gone(mark); got != want {
			t.Errorf("Gone(%q) = %v", mark, got)
		}
	}
}
