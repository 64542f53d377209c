package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hot is a house with a session, and a fob without a fob-core: what it cannot
// answer from the cache fails.
type hot struct {
	*house
	fob string
	dir string // where programs run
}

func newHot(t *testing.T) hot {
	t.Helper()
	needTools(t, "go")
	h := hot{house: newHouse(t), fob: filepath.Join(t.TempDir(), "fob")}
	h.dir = h.home
	h.env["AWS_ENDPOINT_URL"] = h.aws.URL
	h.env["PATH"] = "/usr/bin:/bin:" + h.env["PATH"]
	h.write("[profile plain]\nregion = us-east-1\n[profile x]\nsource_profile = plain\nrole_arn = arn:aws:iam::123456789012:role/x\n", ".aws", "config")
	h.store()
	if got := h.house.fob("exec", "x", "--", "true"); got.status != 0 {
		t.Fatalf("%+v", got)
	}
	delete(h.env, "FOB_PASSPHRASE")
	goBuild(t, filepath.Dir(h.fob), "hot", "fob")
	return h
}

// run gives what the program writes to standard error.
func (h hot) run(env string, argv ...string) (string, *os.ProcessState) {
	h.t.Helper()
	c := exec.CommandContext(h.t.Context(), argv[0], argv[1:]...)
	c.Dir, c.Env = h.dir, []string{env}
	for name, value := range h.env {
		c.Env = append(c.Env, name+"="+value)
	}
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		h.t.Fatalf("%q: %v\n%s", argv, err, errs.String())
	}
	return errs.String(), c.ProcessState
}

// TestHotPath holds what a cached run costs, as far as it can be held without a
// clock. docs/speed.md has the reasons.
func TestHotPath(t *testing.T) {
	t.Parallel()
	h := newHot(t)
	t.Run("system calls", func(t *testing.T) { hotSystemCalls(t, h) })
	t.Run("page faults", func(t *testing.T) { hotPageFaults(t, h) })
	t.Run("package init", func(t *testing.T) { hotPackageInit(t, h) })
}

// The Go runtime's own calls come in no fixed number.
var runtimeCalls = strings.Fields(`clone clone3 exit futex getpid gettid madvise mmap munmap nanosleep pread64
	restart_syscall rt_sigprocmask rt_sigreturn sched_getaffinity sched_yield sigaltstack tgkill`)

// call is a line of strace: the name and the rest.
var call = regexp.MustCompile(`^\d+ +(\w+)\((.*)$`)

// hotSystemCalls compares what a cached exec asks of the system, from the first
// line of main on, with a list. The list is the same with one session and with a
// thousand: the folder of sessions is not read.
func hotSystemCalls(t *testing.T, h hot) {
	needTools(t, "strace")
	if runtime.GOARCH != "amd64" {
		t.Skip("the list is that of amd64: other processors have other calls for the same")
	}
	const file = "testdata/hotpath.txt"
	few := h.trace("exec", "x", "--", "true")
	if os.Getenv("UPDATE") != "" {
		h.must(os.WriteFile(file, []byte(few), 0o644))
	}
	want, err := os.ReadFile(file)
	h.must(err)
	if diff := cmp.Diff(string(want), few); diff != "" {
		t.Errorf("%s (-file +run); where the new calls are meant: UPDATE=1 go test ./internal/cli -run TestHotPath\n%s", file, diff)
	}
	for i := range 1000 {
		h.must(os.WriteFile(h.data("cache", fmt.Sprintf("%064x", i)), nil, 0o600))
	}
	if diff := cmp.Diff(few, h.trace("exec", "x", "--", "true")); diff != "" {
		t.Errorf("with 1,000 sessions more (-before +after):\n%s", diff)
	}
}

// trace gives the calls of a run, one a line, up to the one that ends it.
func (h hot) trace(args ...string) string {
	h.t.Helper()
	log := filepath.Join(h.t.TempDir(), "strace")
	// Without core files to forbid, one call is as on any machine.
	h.run("", append([]string{"sh", "-c", `ulimit -c 0; exec "$@"`, "sh", "strace", "-f", "-qq", "-s", "200", "-o", log, h.fob}, args...)...)
	text, err := os.ReadFile(log)
	h.must(err)
	_, ours, ok := strings.Cut(string(text), "PR_SET_DUMPABLE")
	if !ok {
		h.t.Fatalf("the run is not there:\n%s", text)
	}
	lines := []string{"prctl PR_SET_DUMPABLE"}
	for line := range strings.Lines(ours) {
		m := call.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil || slices.Contains(runtimeCalls, m[1]) {
			continue
		}
		name := strings.TrimSpace(m[1] + " " + h.place(m[2]))
		// How many keyrings can be asked depends on the login.
		if m[1] != "keyctl" || lines[len(lines)-1] != name {
			lines = append(lines, name)
		}
		if m[1] == "execve" || m[1] == "exit_group" {
			break
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

var (
	quoted  = regexp.MustCompile(`^(?:AT_FDCWD, )?"(/[^"]*)"`)
	hexName = regexp.MustCompile(`[0-9a-f]{16,}`)
)

// place is the path that a call begins with, such that it is the same each time.
func (h hot) place(args string) string {
	m := quoted.FindStringSubmatch(args)
	if m == nil {
		return ""
	}
	path := hexName.ReplaceAllString(strings.Replace(m[1], h.home, "~", 1), "NAME")
	if name := filepath.Base(path); name == "true" {
		return name // in /usr/bin or /bin
	}
	return path
}

// pageFaults counts what the kernel had to map for a run, child and all. It may be
// less where the kernel maps more at once.
func (h hot) pageFaults(args ...string) int64 {
	least := int64(1 << 62)
	for range 5 {
		_, state := h.run("", append([]string{h.fob}, args...)...)
		least = min(least, state.SysUsage().(*syscall.Rusage).Minflt)
	}
	return least
}

func hotPageFaults(t *testing.T, h hot) {
	const most = 350
	least := h.pageFaults("exec", "x", "--", "true")
	t.Logf("%d page faults", least)
	if least >= most {
		t.Errorf("%d page faults, under %d were meant", least, most)
	}
}

// mayInit are the packages that do something before main. Each of them costs
// every run; ours do nothing.
var mayInit = strings.Fields(`
	context crypto crypto/fips140 crypto/internal/fips140 crypto/internal/fips140/aes crypto/internal/fips140/aes/gcm
	crypto/internal/fips140/check crypto/internal/fips140/drbg crypto/internal/fips140/hkdf crypto/internal/fips140/hmac
	crypto/internal/fips140/sha256 crypto/internal/fips140/sha3 crypto/internal/fips140/sha512
	crypto/internal/fips140deps/cpu crypto/internal/fips140deps/time crypto/rand crypto/sha256 crypto/sha3
	errors golang.org/x/sys/unix internal/bytealg internal/godebug internal/poll internal/runtime/gc/scan io/fs iter
	math math/big os path/filepath reflect runtime sync syscall time unicode`)

var inits = regexp.MustCompile(`(?m)^init (\S+) @`)

func hotPackageInit(t *testing.T, h hot) {
	trace, _ := h.run("GODEBUG=inittrace=1", h.fob, "credential-process", "x")
	found := inits.FindAllStringSubmatch(trace, -1)
	if len(found) == 0 {
		t.Fatalf("the runtime told nothing:\n%s", trace)
	}
	for _, m := range found {
		if !slices.Contains(mayInit, m[1]) {
			t.Errorf("%s does something before main, which every run pays for", m[1])
		}
	}
}
