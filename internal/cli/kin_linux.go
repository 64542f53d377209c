package cli

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// kin reads proc(5), from a process up to the first one.
func kin(pid int) (all []Ancestor, whole bool) {
	for ; pid > 0 && len(all) < mostKin; pid = parentOf(pid) {
		a := Ancestor{PID: pid}
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		a.Name = strings.TrimSuffix(string(name), "\n")
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err == nil {
			a.Environ = strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
		}
		all = append(all, a)
	}
	return all, len(all) > 0
}

// parentOf is 0 where there is none, or none that can be seen.
func parentOf(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name stands in brackets and may have any character in it.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(string(fields[1]))
	return parent
}
