//go:build unix

package cli

import (
	"os"
	"strings"
	"testing"

	"filippo.io/age/plugin"
	"github.com/google/go-cmp/cmp"
)

const roleBehindPlain = "[profile plain]\nregion = us-east-1\n[profile x]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = plain\nregion = us-east-1\n"

// fakePass is pass with gpg's question in it: opening takes a while, and each time
// is noted. It keeps what it is given in the clear, below its own folder.
const fakePass = `#!/bin/sh
set -e
file="$HOME/.password-store/$(eval echo "\$$#").gpg"
mkdir -p "$(dirname "$file")"
case $1 in
insert) cat >"$file" ;;
show) echo opened >>"$HOME/opened"; sleep 1; cat "$file" ;;
esac
`

// countingPlugin is leakyPlugin, which notes each time that it opens.
var countingPlugin = strings.Replace(leakyPlugin, "*)\n\tif", "*)\n\techo opened >>\"$HOME/opened\"; sleep 1\n\tif", 1)

// With the store locked, and opened by something other than a passphrase: of
// twenty runs at once one opens it, one calls AWS, and all are served.
func TestWaysTogether(t *testing.T) {
	t.Parallel()
	made := newHouse(t)
	made.store()
	for name, tt := range map[string]struct {
		program, text string // what opens the store, in the house's bin
		args          []string
		counted       bool
	}{
		"pass":   {program: "pass", text: fakePass, counted: true},
		"plugin": {program: "age-plugin-leaky", text: countingPlugin, args: []string{"--identity", "device"}, counted: true},
		"keyctl": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.storeOf(made)
			h.env["AWS_ENDPOINT_URL"], h.env["AWS_EC2_METADATA_DISABLED"] = h.aws.URL, "true"
			h.env["PATH"] = h.path("bin") + ":" + h.env["PATH"]
			h.write(roleBehindPlain, ".aws", "config")
			h.write(plugin.EncodeIdentity("leaky", []byte("x"))+"\n", "device")
			h.write("t\n", ".password-store", ".gpg-id")
			for program, text := range map[string]string{tt.program: tt.text, "gpg": "#!/bin/sh\n"} {
				if program != "" {
					h.write(text, "bin", program)
					h.must(os.Chmod(h.path("bin", program), 0o700))
				}
			}
			use := h.fob(append([]string{"store", "use", name}, tt.args...)...)
			if use.status != 0 && name == "keyctl" {
				t.Skipf("the kernel's keyrings: %s", use.errors)
			}
			if use.status != 0 {
				t.Fatalf("fob store use %s: %+v", name, use)
			}
			defer func() { // the kernel's keyrings outlive the house
				h.env["FOB_PASSPHRASE"] = "CANARY passphrase"
				if got := h.fob("store", "remove", name); got.status != 0 {
					t.Errorf("fob store remove %s: %+v", name, got)
				}
			}()
			delete(h.env, "FOB_PASSPHRASE")
			if got := h.fob("lock"); got.status != 0 {
				t.Fatalf("fob lock: %+v", got)
			}
			_ = os.Remove(h.path("opened"))
			h.calls()
			got := h.sh(`for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do fob export --format json x >got.$i & done; wait; cat got.* | grep AccessKeyId | sort | uniq -c`)
			if f := strings.Fields(got.out); len(f) != 3 || f[0] != "20" {
				t.Errorf("twenty runs got: %+v", got)
			}
			if diff := cmp.Diff([]string{"AssumeRole arn:aws:iam::123456789012:role/x"}, h.calls()); diff != "" {
				t.Errorf("calls: %s", diff)
			}
			opened, _ := os.ReadFile(h.path("opened"))
			if n := strings.Count(string(opened), "opened"); tt.counted && n != 1 {
				t.Errorf("the store was opened %d times", n)
			}
		})
	}
}
