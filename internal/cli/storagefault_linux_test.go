package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// storageFault is one way in which a system call fails while a key is added.
type storageFault struct{ call, fault, why string }

// TestStorageFaults fails the first, second, ... system call of a kind while
// `fob add` runs. Where the vault or the copy before it is being written, the
// vault is byte for byte what it was and the message gives the reason; wherever
// else it is, the message is true. No temporary file is left.
func TestStorageFaults(t *testing.T) {
	t.Parallel()
	needRoot(t, "to read the names of a program that lets nobody look")
	needTools(t, "strace")
	first := newHouse(t)
	first.store()
	for _, f := range []storageFault{
		{"write", "ENOSPC", "no space left on device"},
		{"write", "EDQUOT", "disk quota exceeded"},
		{"write", "EIO", "input/output error"},
		{"renameat", "EXDEV", "invalid cross-device link"},
		{"renameat", "EACCES", "permission denied"},
		{"renameat", "EBUSY", "device or resource busy"},
		{"renameat", "ENOSPC", "no space left on device"},
	} {
		t.Run(f.call+" "+f.fault, func(t *testing.T) {
			t.Parallel()
			vault := 0
			for n := 1; ; n++ {
				got := f.at(t, first, "fob", n)
				if got.file == "" {
					break
				}
				if strings.Contains(got.file, "vault.age") {
					vault++
				}
				for _, wrong := range got.wrong {
					t.Errorf("%s %d of %s: %s", f.call, n, got.file, wrong)
				}
			}
			// The vault and the copy before it.
			if vault < 2 {
				t.Errorf("%d faults at the vault: nothing was proved", vault)
			}
			if got := f.at(t, first, "naive", 1); !slices.Contains(got.wrong, vaultChanged) {
				t.Error("a program that writes in place went unnoticed")
			}
		})
	}
}

// vaultChanged is the complaint that each engine of faults must make of a program
// that writes in place.
const vaultChanged = "the vault is another"

// faulted is what came of one failing call.
type faulted struct {
	file  string // that the call was for; "": there was no such call
	wrong []string
}

var calledFor = regexp.MustCompile(`^\w+\(.*?<([^>]*)>(?:, "([^"]*)")?`)

// failedFor reads from a tracer's log for which file the call was that it failed,
// "" where there was none. A line may be in two pieces, with others in between.
func (f storageFault) failedFor(log string) string {
	begun := map[string]string{} // by thread
	for line := range strings.Lines(log) {
		thread, text, _ := strings.Cut(line, " ")
		if text = strings.TrimSpace(text); strings.HasPrefix(text, f.call+"(") {
			begun[thread] = text
		}
		if !strings.HasSuffix(text, "(INJECTED)") {
			continue
		}
		m := calledFor.FindStringSubmatch(begun[thread])
		switch {
		case m == nil:
			return text
		case f.call == "renameat":
			return m[2]
		}
		return filepath.Base(m[1])
	}
	return ""
}

// at runs a program whose n-th call fails.
func (f storageFault) at(t *testing.T, first *house, program string, n int) (got faulted) {
	t.Helper()
	h := newHouse(t)
	key, secret := h.env["AWS_ACCESS_KEY_ID"], h.env["AWS_SECRET_ACCESS_KEY"]
	h.storeOf(first)
	h.asNobody()
	h.env["AWS_ACCESS_KEY_ID"], h.env["AWS_SECRET_ACCESS_KEY"] = key, secret
	before, err := os.ReadFile(h.data("vault.age"))
	h.must(err)
	ran := f.inject(h, program, n)
	log := h.read("strace")
	if got.file = f.failedFor(log); got.file == "" {
		if ran.status != 0 || strings.Contains(log, "INJECTED") {
			t.Fatalf("%s %d was not failed, and yet: %+v\n%s", f.call, n, ran, log)
		}
		return got
	}
	after, err := os.ReadFile(h.data("vault.age"))
	same := err == nil && bytes.Equal(before, after)
	switch told := strings.Contains(ran.errors, "stored the key") || strings.Contains(ran.errors, "is stored for profile"); {
	case strings.Contains(got.file, "vault.age"):
		if !same {
			got.wrong = append(got.wrong, vaultChanged)
		}
		if ran.status != 6 || !strings.HasPrefix(ran.errors, "fob: cannot write the store\n") || !strings.Contains(ran.errors, f.why) {
			got.complain("it says %+v", ran)
		}
	case strings.HasPrefix(got.file, "pipe:"): // standard error: nothing can be told
	case told == same, ran.status != 0 && !strings.Contains(ran.errors, f.why):
		got.complain("the vault is the same: %t; %+v", same, ran)
	}
	if left, _ := filepath.Glob(h.data(".*.tmp")); len(left) > 0 {
		got.complain("left: %q", left)
	}
	want := "other\nplain\n"
	if same {
		want = "plain\n"
	}
	h.forgetKey()
	if list := h.sh("fob unlock && fob list --credentials"); list.out != want {
		got.complain("afterwards: %+v", list)
	}
	return got
}

func (f *faulted) complain(format string, args ...any) {
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

// inject runs a program as nobody under a tracer with all rights: one without
// could not read the names of files, and one that does not trace the call would
// fail nothing and say nothing.
func (f storageFault) inject(h *house, program string, n int) ran {
	attr, enter := h.attr, h.enter
	defer func() { h.attr, h.enter = attr, enter }()
	h.enter = []string{"strace", "-f", "-qq", "-y", "-o", h.path("strace"), "-e", "trace=" + f.call, "-e", fmt.Sprintf("inject=%s:error=%s:when=%d", f.call, f.fault, n)}
	if os.Geteuid() == 0 {
		h.attr, h.enter = nil, append(h.enter, "-u", "nobody")
	}
	return h.sh(`export GOMAXPROCS=1 TEST_ONE_THREAD=1; exec "$@" <&-`, program, "add", "other", "--env", "--no-add-config")
}
