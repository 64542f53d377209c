package unlock

import (
	"os"
	"strconv"
	"testing"
	"testing/fstest"
)

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	const meminfo = "MemTotal:  1048576 kB\nMemFree: 1 kB\nSwapTotal:  262144 kB\n"
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  int64 // MiB
	}{
		{name: "nothing known", files: map[string]string{}, want: 0},
		{name: "the machine", files: map[string]string{"proc/meminfo": meminfo}, want: 1280},
		{name: "no swap", files: map[string]string{"proc/meminfo": "MemTotal: 65536 kB\n"}, want: 64},
		{name: "group", want: 64 + 256, files: map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "67108864\n",
		}},
		{name: "group without swap", want: 64, files: map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "67108864\n", "sys/fs/cgroup/a/b/memory.swap.max": "0\n",
		}},
		{name: "group above", want: 64, files: map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n",
			"sys/fs/cgroup/a/memory.max": "67108864\n", "sys/fs/cgroup/a/memory.swap.max": "0\n",
		}},
		{name: "container, path of the host", want: 64, files: map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/host/path\n",
			"sys/fs/cgroup/memory.max": "67108864\n", "sys/fs/cgroup/memory.swap.max": "0\n",
		}},
		{name: "first version", want: 64 + 256, files: map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "3:cpu,cpuacct:/x\n4:memory:/a\n0::/\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "67108864\n",
		}},
		{name: "first version, no limit", want: 1280, files: map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/a\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712\n",
		}},
		{name: "path that leaves", want: 1280, files: map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/../../..\njunk\n",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			root := fstest.MapFS{}
			for name, text := range tc.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := memoryLimit(root) >> 20; got != tc.want {
				t.Errorf("got %d MiB, want %d", got, tc.want)
			}
		})
	}
}

func TestLeftOf(t *testing.T) {
	t.Parallel()
	const MiB = 1 << 20
	pages := func(mib int) string { return strconv.Itoa(mib * MiB / os.Getpagesize()) }
	statm := pages(1000) + " 1 1 1 0 " + pages(100) + " 0\n"
	for _, tc := range []struct {
		name, statm string
		limit       int64
		field       int
		want        int64
	}{
		{name: "address space", statm: statm, limit: 1500 * MiB, want: 500 * MiB},
		{name: "data", statm: statm, limit: 300 * MiB, field: 5, want: 200 * MiB},
		{name: "nothing left", statm: statm, limit: 900 * MiB, want: 1},
		{name: "unknown", statm: "", limit: 900 * MiB, want: 0},
		{name: "cut", statm: "1 1", limit: 900 * MiB, field: 5, want: 0},
		{name: "junk", statm: "x", limit: 900 * MiB, want: 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			root := fstest.MapFS{"proc/self/statm": {Data: []byte(tc.statm)}}
			if got := leftOf(root, tc.limit, tc.field); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

func TestMemoryError(t *testing.T) {
	t.Parallel()
	got := (&MemoryError{Need: 136 << 20, Limit: 64 << 20}).Error()
	if want := "not enough memory: deriving the key takes 136 MiB, and this process may take 64 MiB"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
