//go:build unix

package cli

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestAgentMutations takes one protection of agents out of the program at a time: a
// script must fail then. All of them are in one binary, and a variable chooses.
func TestAgentMutations(t *testing.T) {
	t.Parallel()
	notRaced(t)
	needTools(t, "go")
	const placed = "../decide/chain/agent.go"
	mutants := []struct{ name, file, old, now, script string }{
		{"files of a killed fob stay", "agentdir.go", `sweepRuns(place)`, `if !MUTANT { sweepRuns(place) }`, "script/agent-killed"},
		{"revoke leaves what runs", "grant.go", `!goesBy(a.ID, agent)`, `!goesBy(a.ID, agent) || MUTANT`, "script/agent-declared"},
		{"an agent's name is not recorded", "record.go", `line.Agent == "" && !k.sys.agent.IsZero()`, `line.Agent == "" && !k.sys.agent.IsZero() && !MUTANT`, "script/agent-declared"},
		{"what cannot be recorded is given", "agentruling.go", `!k.sys.agent.IsZero() && k.recorder.failed != nil`, `!MUTANT && !k.sys.agent.IsZero() && k.recorder.failed != nil`, "script/agent-declared"},
		{"what a shut store does not record is given", "agentruling.go", `!k.index.Log.IsZero()`, `MUTANT || !k.index.Log.IsZero()`, "script/agent-recorded"},
		{"nobody has to say that it is weak", "agentdir.go", `why == "" || o.weakOK`, `why == "" || o.weakOK || MUTANT`, "script/agent-declared"},
		{"the profiles ask fob", "agentexec.go", `return "cat " + processWord(path)`, `if MUTANT { return "fob credential-process dev" }; return "cat " + processWord(path)`, "real/agent-sandbox"},
		{"the age of a code is not told", "../obtain/broker/advice.go", `b.Now().Sub(kept.Made) < youngMFA`, `MUTANT || b.Now().Sub(kept.Made) < youngMFA`, "script/mfa-age"},
		{"an agent's session is tagged", placed, `v.chain.Steps, v.chain.STS = append`, `if MUTANT && v.req.Agent != "" { roles[i].SourceIdentity = v.req.Agent }; v.chain.Steps, v.chain.STS = append`, "script/agent"},
		{"AWS looks at a policy first", "policy.go", `r.CheckPolicy = checkPolicy`, `if !MUTANT { r.CheckPolicy = checkPolicy }`, "script/policy-names"},
		{"AWS counts a policy first", "../decide/source/check.go", `size > maxPolicyChars`, `!MUTANT && size > maxPolicyChars`, "script/policy-names"},
		{"an agent writes to the terminal", "grant.go", `tty.Printable(text) + `, `map[bool]string{true: text, false: tty.Printable(text)}[MUTANT] + `, "script/agent-grant"},
		{"an agent fills the terminal", "grant.go", `len(text) > mostReason`, `!MUTANT && len(text) > mostReason`, "script/agent-grant"},
	}
	dir := t.TempDir()
	texts := map[string]string{}
	for i, m := range mutants {
		file, err := filepath.Abs(m.file)
		if err != nil {
			t.Fatal(err)
		}
		if texts[file] == "" {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = string(text)
		}
		if strings.Count(texts[file], m.old) != 1 {
			t.Fatalf("%s has not %q once", m.file, m.old)
		}
		now := strings.ReplaceAll(m.now, "MUTANT", "mutant("+strconv.Itoa(i)+")")
		texts[file] = strings.Replace(texts[file], m.old, now, 1)
	}
	for _, file := range slices.Collect(maps.Keys(texts)) {
		dir := filepath.Dir(file)
		texts[filepath.Join(dir, "mutant.go")] = "package " + filepath.Base(dir) + "\n\nimport (\"os\"; \"strconv\")\n\nfunc mutant(n int) bool { return os.Getenv(\"TEST_MUTANT\") == strconv.Itoa(n) }\n"
	}
	binary := filepath.Join(dir, "cli.test")
	build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlayOf(t, dir, texts), "-o", binary, ".")
	build.Env = os.Environ()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go test -c: %v\n%s", err, out)
	}
	for i, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			suite := map[string]string{"script": "TestScripts", "real": "TestRealClients"}[filepath.Dir(m.script)]
			c := exec.Command(binary, "-test.run", suite+"/"+filepath.Base(m.script)+"$", "-test.v", "-test.timeout", "3m")
			c.Env = append(os.Environ(), "TEST_MUTANT="+strconv.Itoa(i))
			out, err := c.CombinedOutput()
			if strings.Contains(string(out), "--- SKIP: "+suite+"/") {
				t.Skipf("%s is skipped", m.script)
			}
			if err == nil || !strings.Contains(string(out), "--- FAIL: "+suite+"/") {
				t.Errorf("%s passes (%v):\n%s", m.script, err, out)
			}
			if _, why, failed := strings.Cut(string(out), " FAIL: "); failed {
				why, _, _ = strings.Cut(why, "\n")
				t.Log(why) // for who wants to see that the right line fails
			}
		})
	}
}

// overlayOf writes files that take the place of others for the go command.
func overlayOf(t *testing.T, dir string, texts map[string]string) string {
	t.Helper()
	replace := map[string]string{}
	for file, text := range texts {
		replace[file] = filepath.Join(dir, strconv.Itoa(len(replace))+".go")
		if err := os.WriteFile(replace[file], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	encoded, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
