//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fob/internal/decide/guard"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

// withoutAgents takes out the markers of who runs the tests: what they start is a
// person's.
func withoutAgents() {
	for _, name := range guard.MarkerNames() {
		_ = os.Unsetenv(name)
	}
}

// blind is an environment without markers, for the mutants of TestAgentMutants.
func blind(environ []string) []string {
	names := guard.MarkerNames()
	return slices.DeleteFunc(slices.Clone(environ), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains(names, name)
	})
}

// frontAgents is the environment that the front sees, and what has to be handed
// on beside it: TEST_BLIND=fob is a front that knows no agents.
func frontAgents() (environ, restored []string) {
	all := os.Environ()
	if os.Getenv("TEST_BLIND") != "fob" {
		return all, nil
	}
	environ = blind(all)
	return environ, slices.DeleteFunc(all, func(e string) bool { return slices.Contains(environ, e) })
}

// testKin ends the tree of processes at the one that runs the scripts: who started
// that may be an agent. TEST_BLIND=kin is a grant that does not look.
func testKin(real func() ([]Ancestor, bool)) func() ([]Ancestor, bool) {
	return func() ([]Ancestor, bool) {
		all, whole := real()
		top := slices.IndexFunc(all, func(a Ancestor) bool { return strconv.Itoa(a.PID) == os.Getenv("TEST_ABOVE") })
		if top >= 0 {
			all = all[:top]
		}
		if os.Getenv("TEST_BLIND") == "kin" {
			all = nil
		}
		return all, whole
	}
}

// Every command says whether an agent may use it, and no row is left over.
func TestAgentRows(t *testing.T) {
	t.Parallel()
	sys := System{Args: []string{"fob"}}
	rows, seen := agentRows(), map[string]bool{"help": true}
	root := newRoot(&sys)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range everyCommand(root) {
		if c.RunE == nil && c.Run == nil {
			continue
		}
		path := commandPath(c)
		seen[path] = true
		if _, ok := rows[path]; !ok {
			t.Errorf("agentRows has no row for %q: may an agent use it?", path)
		}
	}
	for path := range rows {
		if !seen[path] {
			t.Errorf("agentRows has a row for %q, which is no command", path)
		}
	}
	for name := range neverFlags() {
		if !slices.ContainsFunc(everyCommand(root), func(c *cobra.Command) bool {
			return c.Flags().Lookup(name) != nil || c.PersistentFlags().Lookup(name) != nil
		}) {
			t.Errorf("neverFlags has --%s, which is no flag", name)
		}
	}
}

// Who develops fob may be an agent, and what is shown and measured is a person's
// run: these scripts take every mark away.
func TestHarnessIsNoAgent(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"tools/demo", ".ci/run"} {
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		_, list, _ := strings.Cut(string(text), "\nunset ")
		list, _, _ = strings.Cut(strings.ReplaceAll(list, "\\\n", " "), "\n")
		if words := strings.Fields(list); !slices.Equal(words, guard.MarkerNames()) {
			t.Errorf("%s unsets %q", file, words)
		}
	}
}

// notRaced leaves out, where races are looked for, what runs other tests or the
// same programs once more: they would find nothing new, and take minutes.
func notRaced(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("runs without the race detector")
	}
}

// A test for agents is worth something only if a fob that takes them for people
// makes it fail.
func TestAgentMutants(t *testing.T) {
	t.Parallel()
	notRaced(t)
	for _, tc := range []struct{ blind, script string }{
		{"fob", "agent"}, {"fob-core", "agent"}, {"fob-core", "agent-markers"}, {"fob-core", "agent-never"},
		{"fob-core", "agent-together"}, {"fob-core", "agent-source"}, {"kin", "agent-grant"},
	} {
		t.Run(tc.blind+" "+tc.script, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile("testdata/script/" + tc.script + ".txtar")
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "mutant.txtar")
			if err := os.WriteFile(file, append([]byte("env TEST_BLIND="+tc.blind+"\n"), text...), 0o600); err != nil {
				t.Fatal(err)
			}
			params := scriptParams("", startOurs)
			params.Files = []string{file}
			var seen outcome
			seen.Run("", func(root testscript.T) { testscript.RunT(root, params) })
			if !seen.failed {
				t.Errorf("the script passes with a blind %s:\n%s", tc.blind, seen.log)
			}
		})
	}
}
