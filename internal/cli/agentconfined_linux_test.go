package cli

import (
	"strings"
	"testing"
)

// TestAgentConfined starts an agent in logins that keep the seal key in different
// places. In one whose keyring is its own, neither keyctl nor a fob that does not
// know of the agent has the key; in every other one the agent starts only by a
// person's word, and fob says why. A fob that does not confine must be caught.
func TestAgentConfined(t *testing.T) {
	t.Parallel()
	needTools(t, "keyctl", "strace")
	const (
		start  = `sh -c "sh open; fob exec --agent helper dev -- sh inside"`
		weakly = `sh -c "sh open; fob exec --weak-ok --agent helper dev -- sh inside"`
		held   = "reads its file; keys 0; nothing"
		gone   = `sh -c "keyctl revoke @s; sh open; fob exec --agent helper dev -- sh inside"`
	)
	for _, tc := range []struct {
		name, script, blind string
		want                string // what the agent found
		said                string
	}{
		{name: "a session keyring of its own", script: inLogin + start, want: held},
		{name: "the same by a word", script: inLogin + weakly, want: held},
		{name: "a fob that does not confine", script: inLogin + start, blind: "confine", want: "reads its file; keys 2; both"},
		{name: "a session keyring with a name", script: "keyctl session fob-test-$$ " + start, said: "the session keyring of this login has a name"},
		{name: "the user keyring", script: inLogin + gone, said: "the seal key rests in the user keyring"},
		{name: "the user keyring by a word", script: inLogin + strings.Replace(gone, "--agent", "--weak-ok --agent", 1), want: "reads its file; keys 0; sessions", said: "weak: the seal key rests in the user keyring"},
		{name: "a file", script: inLogin + refusing("keyctl,add_key", "EPERM") + start, said: "the seal key rests in the file in"},
		{name: "a way that asks nobody", script: inLogin + `sh -c "sh open; FOB_PASSPHRASE=$PP fob store use keyctl; fob exec --agent helper dev -- sh inside; status=\$?; FOB_PASSPHRASE=$PP fob store remove keyctl; exit \$status"`, said: "keyctl opens the store without a question"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := newLoginVault(t)
			v.env["TEST_BLIND"] = tc.blind
			v.write(`test -s "$(dirname "$AWS_CONFIG_FILE")/dev.json" && echo "reads its file;"
echo "keys $(for k in $(keyctl rlist @s); do keyctl rdescribe $k; done 2>/dev/null | grep -c '^user;.*;fob');"
env -u FOB_AGENT -u AWS_CONFIG_FILE -u AWS_SHARED_CREDENTIALS_FILE sh what
`, "inside")
			got := v.sh(tc.script + " 2>errors >found")
			found := strings.Join(strings.Fields(v.read("found")), " ")
			if at := strings.Index(found, "reads"); at >= 0 {
				found = found[at:]
			} else {
				found = ""
			}
			if want := strings.Replace(tc.want, "nothing", "none", 1); found != want || !strings.Contains(v.read("errors"), tc.said) || (tc.want == "") != (got.status == 125) {
				t.Errorf("status %d, the agent found %q, want %q\n%s", got.status, found, want, v.read("errors"))
			}
		})
	}
}
