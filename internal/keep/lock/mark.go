package lock

import (
	"fmt"
	"os"
)

// Mark is a word that names this process, for what it leaves in a directory. The
// program that takes this one's place by execve(2) is the same process. A number
// means a process only where it was given: in one namespace of pids
// (pid_namespaces(7)), of which a container has its own.
func Mark() string { return fmt.Sprintf("%d-%d-%d", os.Getpid(), started(), numbering()) }

// Gone says whether the process of a mark has ended. What is no mark has not, nor
// has one of another namespace, which cannot be seen from here.
func Gone(mark string) bool {
	var h Holder
	var space uint64
	n, _ := fmt.Sscanf(mark, "%d-%d-%d", &h.PID, &h.Started, &space)
	if n < 2 || h.PID <= 0 || n == 3 && space != numbering() {
		return false
	}
	return h.gone()
}
