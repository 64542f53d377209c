package unlock

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
)

// leastLimit is how many bytes this process may take more, or in all, before it
// is ended. 0 means unknown.
func leastLimit() int64 {
	root := os.DirFS("/")
	limit := memoryLimit(root)
	for kind, field := range map[int]int{syscall.RLIMIT_AS: 0, syscall.RLIMIT_DATA: 5} {
		var r syscall.Rlimit
		if err := syscall.Getrlimit(kind, &r); err != nil || r.Cur > 1<<62 {
			continue
		}
		if left := leftOf(root, int64(r.Cur), field); left > 0 && (limit == 0 || left < limit) {
			limit = left
		}
	}
	return limit
}

// leftOf is what is left of a limit of this process (getrlimit(2)), given the
// field of proc_pid_statm(5) that counts against it. Go ends with its stacks on
// the terminal where it gets no memory.
func leftOf(root fs.FS, limit int64, field int) int64 {
	text, err := fs.ReadFile(root, "proc/self/statm")
	fields := bytes.Fields(text)
	if err != nil || len(fields) <= field {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[field]), 10, 64)
	if err != nil {
		return 0
	}
	return max(limit-pages*int64(os.Getpagesize()), 1)
}

// memoryLimit is how many bytes this process may take before the kernel ends
// it, swap included: that of the machine, or of a control group around it.
// 0 means unknown. root is the root of the file system.
// https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/memory.html
func memoryLimit(root fs.FS) int64 {
	info, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0
	}
	swap := meminfo(info, "SwapTotal:")
	limit := meminfo(info, "MemTotal:") + swap
	groups, _ := fs.ReadFile(root, "proc/self/cgroup") // absent: no group
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) != 3:
		case parts[0] == "0" && parts[1] == "":
			limit = groupLimit(root, path.Join("sys/fs/cgroup", parts[2]), limit, swap)
		case strings.Contains(","+parts[1]+",", ",memory,"):
			limit = groupLimit(root, path.Join("sys/fs/cgroup/memory", parts[2]), limit, swap)
		}
	}
	return limit
}

// groupLimit lowers limit to the lowest of dir and the folders above it. In a
// container the path is often that of the host and not there: then the folders
// above are what counts.
func groupLimit(root fs.FS, dir string, limit, swap int64) int64 {
	for ; strings.HasPrefix(dir, "sys/fs/cgroup"); dir = path.Dir(dir) {
		for _, name := range []string{"memory.max", "memory.limit_in_bytes"} {
			most, ok := number(root, path.Join(dir, name))
			if !ok || most > limit {
				continue
			}
			extra := swap
			if s, ok := number(root, path.Join(dir, "memory.swap.max")); ok {
				extra = min(extra, s)
			}
			limit = min(limit, most+extra)
		}
	}
	return limit
}

// number reads a file that holds one number; "max" is none.
func number(root fs.FS, name string) (int64, bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
	return n, err == nil
}

// meminfo reads one line of /proc/meminfo, which counts in KiB.
func meminfo(text []byte, key string) int64 {
	_, rest, _ := bytes.Cut(text, []byte(key))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}
