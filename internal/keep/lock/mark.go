package lock

import (
	"fmt"
	"os"
)

// Mark is a word that names this process, for what it leaves in a directory. The
// program that takes this one's place by execve(2) is the same process.
func Mark() string { return fmt.Sprintf("%d-%d", os.Getpid(), started()) }

// Gone says whether the process of a mark has ended. What is no mark has not.
func Gone(mark string) bool {
	var h Holder
	if n, err := fmt.Sscanf(mark, "%d-%d", &h.PID, &h.Started); n != 2 || err != nil || h.PID <= 0 {
		return false
	}
	return h.gone()
}
