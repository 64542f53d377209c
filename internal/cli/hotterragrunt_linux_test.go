package cli

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHotTerragrunt holds what an answer to Terragrunt costs beside one to an SDK:
// the look for the files that say which account a directory belongs to. It is the
// same among 10,000 profiles.
func TestHotTerragrunt(t *testing.T) {
	t.Parallel()
	h := newHot(t)
	const unit = "live/x/us/app"
	h.write(`{"x":{"id":"123456789012"}}`, "live", "accounts.json")
	h.write("", unit, "terragrunt.hcl")
	// The programs of the tests go on to fob-core, which remembers the profile.
	remember := func() { h.run("", "sh", "-c", "cd "+unit+" && exec fob terragrunt-auth") }
	remember()
	sdk, there := h, h
	there.dir = h.path("live", "x", "us", "app")

	t.Run("system calls", func(t *testing.T) {
		needTools(t, "strace")
		if runtime.GOARCH != "amd64" {
			t.Skip("the calls are those of amd64")
		}
		var want strings.Builder
		want.WriteString("getcwd\n")
		for _, dir := range []string{"~/live/x/us/app", "~/live/x/us", "~/live/x"} {
			for _, name := range strings.Fields("account.hcl accounts.json accounts.yml accounts.yaml") {
				fmt.Fprintf(&want, "openat %s/%s\n", dir, name)
			}
		}
		want.WriteString("openat ~/live/account.hcl\nopenat ~/live/accounts.json\nfstat\nread\nread\nclose\n")
		calls := strings.SplitAfter(there.trace("terragrunt-auth"), "\n")
		for line := range strings.Lines(sdk.trace("credential-process", "x")) {
			if i := slices.Index(calls, line); i >= 0 {
				calls = slices.Delete(calls, i, i+1)
			} else {
				t.Errorf("only an answer to an SDK has the call %s", line)
			}
		}
		got := strings.ReplaceAll(strings.Join(calls, ""), "getcwd "+"~/live/x/us/app", "getcwd")
		sorted := func(s string) []string {
			l := strings.Fields(strings.ReplaceAll(s, " ~", "~"))
			slices.Sort(l)
			return l
		}
		if diff := cmp.Diff(sorted(want.String()), sorted(got)); diff != "" {
			t.Errorf("calls beside those of an answer to an SDK (-want +got):\n%s", diff)
		}
	})

	t.Run("page faults", func(t *testing.T) {
		const more = 40 // how the kernel places a program makes a difference of 25
		few, ours := sdk.pageFaults("credential-process", "x"), there.pageFaults("terragrunt-auth")
		t.Logf("%d page faults, %d for an SDK", ours, few)
		if ours > few+more {
			t.Errorf("%d page faults, at most %d more than the %d of an answer to an SDK were meant", ours, more, few)
		}
	})

	// The config's sum is taken of a file that is read block by block.
	t.Run("among many", func(t *testing.T) {
		const more = 40
		var config strings.Builder
		config.WriteString(h.read(".aws", "config"))
		for i := range 10_000 {
			fmt.Fprintf(&config, "[profile a%d]\nsource_profile = plain\nrole_arn = arn:aws:iam::%012d:role/x\n", i, i)
		}
		h.write(config.String(), ".aws", "config")
		remember()
		few, ours := sdk.pageFaults("credential-process", "x"), there.pageFaults("terragrunt-auth")
		t.Logf("%d page faults, %d for an SDK", ours, few)
		if ours > few+more {
			t.Errorf("%d page faults, at most %d more than the %d of an answer to an SDK were meant", ours, more, few)
		}
	})
}
