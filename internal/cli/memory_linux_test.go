package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// smallGroup is a control group that may take 64 MiB; "" where none can be made.
func smallGroup(t *testing.T) string {
	t.Helper()
	for _, limit := range []string{"/sys/fs/cgroup/memory/%s/memory.limit_in_bytes", "/sys/fs/cgroup/%s/memory.max"} {
		limit = fmt.Sprintf(limit, fmt.Sprintf("fob-test-%d", os.Getpid()))
		group := filepath.Dir(limit)
		if os.Mkdir(group, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(group) })
		f, err := os.OpenFile(limit, os.O_WRONLY, 0) // there by itself, or this is no group
		if err != nil {
			continue
		}
		_, err = f.WriteString("67108864")
		if err = errors.Join(err, f.Close()); err == nil {
			return group
		}
	}
	return ""
}

// Where there is too little memory to derive the key, the message says so and
// how much it takes: nothing is allocated, and nobody is asked in vain. The slot
// asks for the 128 MiB of a real one.
func TestLittleMemory(t *testing.T) {
	t.Parallel()
	if raced {
		t.Skip("needs a program that was not built to find races, which takes more memory")
	}
	first := newHouse(t)
	first.store()
	slot, err := os.ReadFile(first.data("slots", "passphrase.age"))
	first.must(err)
	real := regexp.MustCompile(`(?m)^(-> scrypt \S+) 10$`).ReplaceAllString(string(slot), "$1 17")
	group := smallGroup(t)
	for name, before := range map[string]string{
		"group of 64 MiB":            "echo 0 >" + group + "/cgroup.procs",
		"little data (ulimit -d)":    "ulimit -d 200000",
		"no limit, for comparison":   "true",
		"group, and memory is taken": "echo 0 >" + group + "/cgroup.procs; exec naive eat",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.HasPrefix(name, "group") && group == "" {
				t.Skip("needs the right to make a control group")
			}
			h := newHouse(t)
			h.storeOf(first)
			h.write(real, ".local", "share", "fob", "slots", "passphrase.age")
			got := h.sh(before + " || exit 99; exec fob unlock <&-")
			wrong := outOfMemory(got)
			switch {
			case strings.HasPrefix(name, "no limit"):
				if got.status != 6 || !strings.HasPrefix(got.errors, "fob: wrong passphrase\n") {
					t.Errorf("got %+v", got)
				}
			case strings.HasSuffix(name, "taken"):
				if wrong == "" {
					t.Errorf("a program that takes the memory went unnoticed: %+v", got)
				}
			case wrong != "":
				t.Error(wrong)
			}
		})
	}
}

// outOfMemory says what is wrong with how a program ended that has too little
// memory.
func outOfMemory(got ran) string {
	if got.status != 6 || !regexp.MustCompile(`^fob: cannot open the store\n  because: not enough memory: deriving the key takes 136 MiB, and this process may take \d+ MiB\n$`).MatchString(got.errors) {
		return fmt.Sprintf("got %+v", got)
	}
	return ""
}

// TestNoLockedMemory: fob asks for no locked memory, and so misses none where a
// process may have none. The identity is in a process for as long as that asks or
// calls; where it rests, in the kernel, nothing is swapped.
func TestNoLockedMemory(t *testing.T) {
	t.Parallel()
	v := newVault(t, false)
	s := v.sit(nil, "sh", "-c", "ulimit -l 0 && exec fob exec dev -- sh -c 'ulimit -l'")
	s.asked("MFA code for")
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid()))
	v.must(err)
	if !strings.Contains(string(status), "VmLck:\t       0 kB") {
		t.Error("memory is locked: then a limit of 0 must be told")
	}
	s.says(v.code())
	if status, said := s.end(); status.ExitStatus() != 0 || !strings.HasSuffix(said, "\r0\r\n") {
		t.Errorf("status %d, %q", status.ExitStatus(), said)
	}
}
