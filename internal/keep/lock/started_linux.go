package lock

import (
	"os"
	"strconv"
	"strings"
)

// started is the start time of this process. It is read each time: a beat is rare.
func started() uint64 { return startOf("self") }

// startOf is field 22 of /proc/PID/stat (proc_pid_stat(5)), 0 where there is no
// such process.
func startOf(pid string) uint64 {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0
	}
	return parseStarted(string(text))
}

// numbering names the namespace of pids of this process, 0 where there is no /proc.
func numbering() uint64 {
	link, _ := os.Readlink("/proc/self/ns/pid")
	n, _ := strconv.ParseUint(strings.Trim(link, "pid:[]"), 10, 64)
	return n
}

// gone says whether the process has ended. Its number may be another's by now.
func (h Holder) gone() bool {
	if now := startOf(strconv.Itoa(h.PID)); now != 0 {
		return h.Started != 0 && now != h.Started
	}
	return startOf("self") != 0 // else there is no /proc to ask
}

// parseStarted counts from the last parenthesis, because field 2 is the name of
// the program and may hold anything.
func parseStarted(stat string) uint64 {
	_, rest, ok := cutLast(stat, ')')
	field := strings.Fields(rest)
	const at = 22 - 3 // fields 1 and 2 are cut off, and we count from 0
	if !ok || len(field) <= at {
		return 0
	}
	n, err := strconv.ParseUint(field[at], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
