package cli

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A file system without locks, as some network ones are: what changes the store,
// and what would ask or call, says so and does nothing. A call that is only
// interrupted is made again.
func TestNoLocks(t *testing.T) {
	t.Parallel()
	needTools(t, "strace")
	made := newHouse(t)
	made.store()
	for _, tt := range []struct {
		fault string
		works bool
	}{
		{"error=ENOLCK", false},
		{"error=EOPNOTSUPP", false},
		{"error=EINTR:when=1", true},
	} {
		for _, line := range []string{"add other --env --no-add-config", "export --format json x", "remove plain --force"} {
			t.Run(tt.fault+" "+line, func(t *testing.T) {
				t.Parallel()
				h := newHouse(t)
				key := map[string]string{"AWS_ACCESS_KEY_ID": h.env["AWS_ACCESS_KEY_ID"], "AWS_SECRET_ACCESS_KEY": h.env["AWS_SECRET_ACCESS_KEY"]}
				h.storeOf(made)
				h.env["AWS_ENDPOINT_URL"], h.env["AWS_EC2_METADATA_DISABLED"] = h.aws.URL, "true"
				if strings.HasPrefix(line, "add") {
					for name, value := range key {
						h.env[name] = value
					}
				}
				h.write(roleBehindPlain, ".aws", "config")
				before := h.files()
				log := h.path("run", "strace")
				c := exec.CommandContext(t.Context(), "strace", append([]string{"-f", "-qq", "-o", log, "-e", "trace=flock", "-e", "inject=flock:" + tt.fault, "fob"}, strings.Fields(line)...)...)
				c.Dir = h.home
				for name, value := range h.env {
					c.Env = append(c.Env, name+"="+value)
				}
				out, err := c.CombinedOutput()
				text, _ := os.ReadFile(log)
				if !strings.Contains(string(text), "(INJECTED)") {
					t.Errorf("no lock was refused: nothing was proved\n%s", text)
				}
				if (err == nil) != tt.works {
					t.Errorf("%v: %s", err, out)
				}
				if tt.works {
					return
				}
				if !strings.Contains(string(out), "cannot be locked: ") || !strings.Contains(string(out), "move the data directory to a local disk") {
					t.Errorf("it says: %s", out)
				}
				if diff := cmp.Diff(before, h.files()); diff != "" {
					t.Errorf("something was written: %s", diff)
				}
				if calls := h.calls(); calls != nil {
					t.Errorf("AWS was called: %v", calls)
				}
			})
		}
	}
}
