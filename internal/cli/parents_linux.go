package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// mostParents bounds the way up the tree of processes.
const mostParents = 16

// parents are the processes that this one was started by, as NAME(PID), the
// nearest first (proc_pid_stat(5)). A name is what a program calls itself.
func parents() []string {
	var all []string
	for pid := os.Getppid(); pid > 1 && len(all) < mostParents; {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		open, end := strings.IndexByte(string(text), '('), strings.LastIndexByte(string(text), ')')
		if err != nil || open < 0 || end < open {
			return all
		}
		all = append(all, fmt.Sprintf("%s(%d)", text[open+1:end], pid))
		fields := strings.Fields(string(text[end+1:]))
		if len(fields) < 2 {
			return all
		}
		pid, _ = strconv.Atoi(fields[1])
	}
	return all
}
