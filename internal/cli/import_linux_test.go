package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestImportKilled kills the program at the first, second, ... rename while it
// takes a key out of the credentials file: renames are where the store and the
// file change. Whatever is left, the key is in the file or works from the store,
// a copy of the file is whole, and the same command finishes the work.
func TestImportKilled(t *testing.T) {
	t.Parallel()
	needTools(t, "strace")
	first := newHouse(t)
	first.store()
	// The tracer counts each call by itself. renameat: the vault, its copy, the
	// index, the file; renameat2: the copy of the file.
	for call, least := range map[string]int{"renameat": 4, "renameat2": 1} {
		kills := 0
		for importKilledAt(t, first, call, kills+1) {
			kills++
		}
		if kills < least {
			t.Errorf("%d kills at %s, want at least %d: nothing was proved", kills, call, least)
		}
	}
}

// importKilledAt says whether there was an n-th rename to be killed at.
func importKilledAt(t *testing.T, first *house, call string, n int) (killed bool) {
	t.Helper()
	h, file := importHouse(t, first)
	c := importUnder(h, fmt.Sprintf("%s:signal=KILL:when=%d", call, n))
	out, err := c.CombinedOutput()
	if ws := c.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		killed = ws.Signal() == syscall.SIGKILL
	}
	if !killed && err != nil {
		t.Fatalf("%s %d: %v: %s", call, n, err, out)
	}
	if found, _, err := sweep([]string{h.home}, []string{"CANARY", "AKIA", "123456789012"}); err != nil || len(found) > 0 {
		t.Errorf("rename %d: left in the clear: %q, %v", n, found, err)
	}
	works := func() bool { return h.fob("whoami", "other", "--no-session").status == 0 }
	now, err := os.ReadFile(h.path(".aws", "credentials"))
	h.must(err)
	if string(now) != file && (!strings.Contains(string(now), "credential_process = ") || !works()) {
		t.Errorf("%s %d: the key is gone from the file and does not work from the store: %q", call, n, now)
	}
	copies, err := filepath.Glob(h.path(".aws", "credentials.before-fob-*"))
	h.must(err)
	for _, name := range copies {
		if text, err := os.ReadFile(name); err != nil || string(text) != file {
			t.Errorf("%s %d: the copy of the file: %q, %v", call, n, text, err)
		}
	}
	h.write("2s", "run", "clock") // the next run is not of the same second
	h.env["TEST_CLOCK"] = h.path("run", "clock")
	if got := h.fob("import", "--from", "credentials", "--yes"); got.status != 0 && string(now) == file {
		t.Errorf("%s %d: the next run: %+v", call, n, got)
	}
	if left, err := filepath.Glob(h.path(".aws", ".*.tmp")); err != nil || len(left) > 0 {
		t.Errorf("%s %d: the next run leaves %q, %v", call, n, left, err)
	}
	if now, err = os.ReadFile(h.path(".aws", "credentials")); err != nil || strings.Contains(string(now), "CANARY") || !works() {
		t.Errorf("%s %d: in the end the key works: %t; the file: %q, %v", call, n, works(), now, err)
	}
	return killed
}

// importHouse has a key in the credentials file, and the store of another house.
func importHouse(t *testing.T, first *house) (h *house, file string) {
	t.Helper()
	h = newHouse(t)
	file = "[other]\naws_access_key_id = " + h.env["AWS_ACCESS_KEY_ID"] + "\naws_secret_access_key = " + h.env["AWS_SECRET_ACCESS_KEY"] + "\n"
	h.storeOf(first)
	h.write(file, ".aws", "credentials")
	h.env["AWS_ENDPOINT_URL"], h.env["AWS_EC2_METADATA_DISABLED"] = h.aws.URL, "true"
	return h, file
}

// importUnder takes the key over while the tracer does something to a call.
func importUnder(h *house, inject string, more ...string) *exec.Cmd {
	return h.traced(inject, append([]string{"fob", "import", "--from", "credentials", "--yes"}, more...)...)
}

// TestImportRefused fails the first, second, ... rename in place of killing. A
// file that could not be changed has no copy beside it; one that cannot be
// removed is named. In the end there is one copy, however often it was tried.
func TestImportRefused(t *testing.T) {
	t.Parallel()
	needTools(t, "strace")
	first := newHouse(t)
	first.store()
	refused := 0
	for n := 1; ; n++ {
		h, file := importHouse(t, first)
		out, err := importUnder(h, fmt.Sprintf("renameat:error=EPERM:when=%d", n), "--json").CombinedOutput()
		trace, _ := os.ReadFile(h.path("run", "trace"))
		if !strings.Contains(string(trace), "(INJECTED)") {
			break
		}
		now, _ := os.ReadFile(h.path(".aws", "credentials"))
		copies, _ := filepath.Glob(h.path(".aws", "*.before-fob-*"))
		if string(now) == file && (err == nil || len(copies) > 0) {
			t.Errorf("rename %d: the file is as it was; %v, the copies %q: %s", n, err, copies, out)
		}
		if strings.Contains(string(out), "the keys are stored, but ") {
			refused++
			if !strings.Contains(string(out), `"profile": "other"`) || !strings.Contains(string(out), "--from credentials --keep") {
				t.Errorf("rename %d: %s", n, out)
			}
		}
	}
	if refused == 0 {
		t.Error("no rename of the file was refused: nothing was proved")
	}

	h, file := importHouse(t, first)
	if got := h.fob("import", "--from", "credentials", "--keep"); got.status != 0 { // the store needs no more renames
		t.Fatalf("%+v", got)
	}
	for n := range 3 {
		h.write(file, ".aws", "credentials")
		h.write(fmt.Sprintf("%ds", 2*n), "run", "clock")
		h.env["TEST_CLOCK"] = h.path("run", "clock")
		if got := h.fob("import", "--from", "credentials", "--yes"); got.status != 0 || !strings.Contains(got.errors, ".before-fob-") {
			t.Errorf("%+v", got)
		}
	}
	if copies, err := filepath.Glob(h.path(".aws", "*.before-fob-*")); len(copies) != 1 {
		t.Errorf("%d copies of the same text, %v", len(copies), err)
	}
}
