//go:build unix

package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestGuardMutations takes one protection of a guard out of the program at a time:
// a test must fail then, or it would not see the protection go.
func TestGuardMutations(t *testing.T) {
	t.Parallel()
	notRaced(t)
	needTools(t, "go")
	const (
		names   = "internal/decide/chain/chain.go"
		guarded = "internal/decide/chain/guarded.go"
		asks    = "internal/obtain/broker/guarded.go"
		rules   = "internal/decide/guard/guard.go"
	)
	for _, tt := range []struct{ name, file, old, now, tests string }{
		{"a name without the terminal session", names, `string(c.Guard), c.Terminal)`, `string(c.Guard))`, "./internal/decide/chain -run Guarded"},
		{"a guarded session is the shared one", names, `if c.Guard != guard.None && i == len(c.Steps)-1 {`, `if false {`, "./internal/decide/chain -run Guarded"},
		{"it is kept outside of a terminal session", names, `c.Guard != guard.None && c.Terminal == ""`, `false`, "./internal/decide/chain -run Guarded"},
		{"a code serves a second session", names, `clear(names[:max(last, 0)])`, ``, "./internal/decide/chain -run Guarded"},
		{"the code comes from the MFA session", "internal/decide/chain/resolve.go", `fresh := v.chain.Guard.FreshCode()`, `fresh := false`, "./internal/decide/chain -run Guarded"},
		{"the user's session is the shared one", "internal/decide/chain/place.go", `case v.chain.Guard != guard.None:`, `case v.chain.Guard == guard.Level("x"):`, "./internal/decide/chain -run Guarded"},
		{"it holds for longer", guarded, `life <= guardedMax`, `true`, "./internal/decide/chain -run Guarded"},
		{"an alias is not guarded", guarded, `if l.role != nil {`, `if true {`, "./internal/decide/chain -run Guarded"},
		{"a variable lifts it", guarded, `v.guardedElsewhere()`, ``, "./internal/decide/chain -run Guarded"},
		{"a mistake is no guard", "internal/decide/chain/walk.go", `set, ok := guard.Of(p); !ok {`, `set, _ := guard.Of(p); false {`, "./internal/decide/chain -run GuardedFaults"},
		{"a code is not needed where none is taken", guarded, `if ruling.Refused == "" {`, `if true {`, "./internal/decide/chain -run Guarded"},
		{"the key is handed out under code", rules, `case h.StoredKey:`, `case false:`, "./internal/decide/guard"},
		{"a program's code is enough", rules, `TypeName: !h.TypedCode`, `TypeName: false`, "./internal/decide/guard"},
		{"no code is fresh", rules, `return l == Code`, `return false`, "./internal/decide/chain -run Guarded"},
		{"nobody is asked", asks, `return b.Approver.Approve(ctx, c)`, `return nil`, "./internal/obtain/broker -run Agreed"},
		{"nobody needs to be there", asks, `if b.Approver == nil {`, `if b.Approver == nil { return nil; `, "./internal/obtain/broker -run Agreed"},
		{"the store is opened for nobody", "internal/obtain/broker/session.go", `b.attended(ctx, c); err != nil {`, `b.attended(ctx, c); false && err != nil {`, "./internal/obtain/broker -run Agreed"},
		{"it is renewed by itself", "internal/obtain/broker/kept.go", `&& !b.guarded(w, i)}`, `}`, "./internal/obtain/broker -run NotRenewed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file, err := filepath.Abs("../../" + tt.file)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(file)
			if err != nil || strings.Count(string(text), tt.old) != 1 {
				t.Fatalf("%s has not %q once: %v", tt.file, tt.old, err)
			}
			dir := t.TempDir()
			mutant, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
			encoded, err := json.Marshal(map[string]map[string]string{"Replace": {file: mutant}})
			if err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{mutant: strings.Replace(string(text), tt.old, tt.now, 1), overlay: string(encoded)} {
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c := exec.Command("go", append([]string{"test", "-vet=off", "-overlay", overlay}, strings.Fields(tt.tests)...)...)
			c.Dir = "../.."
			out, err := c.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: ") {
				t.Errorf("no test fails (%v):\n%s", err, out)
			}
		})
	}
}

// TestOneTerminal takes the difference between terminal sessions away: the scripts
// must see that a second one is served unasked.
func TestOneTerminal(t *testing.T) {
	t.Parallel()
	const script = `env TEST_TERMINAL=%
exec sh -c 'cat guards >>$HOME/.aws/config'
exits 0 fob add security --env
exits 0 term code fob export --check guarded
exits 4 fob export guarded
! stdout .
-- code --
MFA code for => $CODE
-- guards --
[profile guarded]
source_profile = security
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
role_arn = arn:aws:iam::567890123456:role/allow-read-only-access-from-other-accounts
fob_guard = code
`
	for terminal, fails := range map[string]bool{"": false, "the only one": true} {
		file := filepath.Join(t.TempDir(), "terminal.txtar")
		if err := os.WriteFile(file, []byte(strings.Replace(script, "%", "'"+terminal+"'", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		params := scriptParams("", startOurs)
		params.Files = []string{file}
		var seen outcome
		seen.Run("", func(root testscript.T) { testscript.RunT(root, params) })
		if seen.failed != fails || fails && !strings.Contains(seen.log, "exit status 0, want 4") {
			t.Errorf("one terminal %q: failed %v, want %v:\n%s", terminal, seen.failed, fails, seen.log)
		}
	}
}
