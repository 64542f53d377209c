package tty

import (
	"bytes"
	"os"
	"strconv"
)

// Session tells the terminal session of this process from every other one, on this
// machine and after a restart: a window of a terminal, a pane of tmux and a login
// by ssh have one each, and all programs that are started there share it. It is ""
// where there is no controlling terminal, and where the program that began the
// session is gone, since its pid may be another's one day.
func Session() string {
	own, ok := readStat("self")
	if !ok || own.session == "0" || own.terminal == "0" {
		return ""
	}
	leader, ok := readStat(own.session)
	if !ok || leader.session != own.session {
		return ""
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(boot)) + " " + own.session + " " + leader.started + " " + own.terminal
}

// stat holds fields 6, 7 and 22 of /proc/PID/stat (proc_pid_stat(5)).
type stat struct{ session, terminal, started string }

func readStat(pid string) (stat, bool) {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return stat{}, false
	}
	return parseStat(text)
}

// parseStat counts from the last parenthesis: field 2 is the program's name, and
// may hold anything.
func parseStat(text []byte) (stat, bool) {
	_, rest, ok := bytes.Cut(text[max(bytes.LastIndexByte(text, ')'), 0):], []byte(")"))
	fields := bytes.Fields(rest)
	const first = 3 // fields 1 and 2 are cut off
	if !ok || len(fields) <= 22-first {
		return stat{}, false
	}
	s := stat{string(fields[6-first]), string(fields[7-first]), string(fields[22-first])}
	for _, field := range []string{s.session, s.terminal, s.started} {
		if _, err := strconv.ParseInt(field, 10, 64); err != nil {
			return stat{}, false
		}
	}
	return s, true
}
