package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"fob/internal/fault"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// tree is every command that a person can call, the root left out.
func tree() []*cobra.Command {
	var out []*cobra.Command
	for _, c := range everyCommand(newRoot(&System{})) {
		if c.HasParent() && !c.Hidden && (c.Runnable() || c.HasSubCommands()) {
			out = append(out, c)
		}
	}
	return out
}

// The short help is what a person reads first: a verb, what it acts on, and no
// more; the example is what they copy.
func TestHelp(t *testing.T) {
	t.Parallel()
	verbs := strings.Fields("Answer Enrol Find Get List Lock Open Print Remove Replace Resync Run Show Start Store Unlock")
	for _, c := range tree() {
		t.Run(c.CommandPath(), func(t *testing.T) {
			t.Parallel()
			verb, _, _ := strings.Cut(c.Short, " ")
			if !slices.Contains(verbs, verb) {
				t.Errorf("short help %q does not begin with a verb of %v: it says what the command does, as an order", c.Short, verbs)
			}
			if strings.HasSuffix(c.Short, ".") || len(c.Short) > 75 || len(c.Short) == 0 || !unicode.IsUpper(rune(c.Short[0])) {
				t.Errorf("short help %q: a capital first, no full stop, one line", c.Short)
			}
			if !strings.Contains(c.Example, c.CommandPath()) {
				t.Errorf("the example %q does not call %q", c.Example, c.CommandPath())
			}
			if !strings.HasPrefix(c.UseLine(), c.CommandPath()) || strings.Contains(c.Use, "<") {
				t.Errorf("usage %q does not begin with %q, or writes arguments another way than PROFILE", c.UseLine(), c.CommandPath())
			}
			c.Flags().VisitAll(func(f *pflag.Flag) {
				if f.Usage == "" || strings.HasSuffix(f.Usage, ".") || unicode.IsUpper(rune(f.Usage[0])) && !strings.HasPrefix(f.Usage, "JSON") {
					t.Errorf("--%s: help %q: lower case first, no full stop", f.Name, f.Usage)
				}
			})
		})
	}
}

// Each command has a script in which it works and one in which it fails.
func TestEveryCommandHasScript(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var lines []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(string(text), "\n")...)
	}
	for _, c := range tree() {
		if shellOf(c) {
			continue // cobra's own, all alike: completion.txtar runs each
		}
		// The global flags may stand before the command.
		call := `.*\bfob (--\S+ )*` + strings.TrimPrefix(c.CommandPath(), "fob ") + `\b`
		works, fails := regexp.MustCompile(`^exits 0 `+call), regexp.MustCompile(`^(exits [1-9]|! exec)`+call)
		if !slices.ContainsFunc(lines, works.MatchString) {
			t.Errorf("no script runs %q with exits 0", c.CommandPath())
		}
		if !slices.ContainsFunc(lines, fails.MatchString) {
			t.Errorf("no script has %q fail", c.CommandPath())
		}
	}
}

func shellOf(c *cobra.Command) bool { return c.Parent().Name() == "completion" }

// Every status that the code can give is explained.
func TestStatusDocs(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../fault/fault.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	explained, n := map[string]bool{}, 0
	for _, s := range fault.Statuses() {
		explained[strconv.Itoa(int(s.Code))] = true
		if !strings.Contains(exitStatusHelp(), strconv.Itoa(int(s.Code))+"  "+s.Text) {
			t.Errorf("fob help exit-status lacks %d", s.Code)
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" {
			n++
			if value := spec.Values[0].(*ast.BasicLit).Value; !explained[value] {
				t.Errorf("status %s (%s) is not in fob help exit-status", value, spec.Names[0].Name)
			}
		}
		return true
	})
	if n < 10 {
		t.Fatalf("found %d statuses in fault.go: this test reads them wrongly", n)
	}
}

// Every variable that the code names stands in fob help environment.
func TestEnvDocs(t *testing.T) {
	t.Parallel()
	known := environmentHelp()
	name := regexp.MustCompile(`^"((AWS|FOB)_[A-Z0-9_]+)"$`)
	n := 0
	each(t, "..", func(path string, file *ast.File) {
		ast.Inspect(file, func(node ast.Node) bool {
			lit, ok := node.(*ast.BasicLit)
			if !ok {
				return true
			}
			if m := name.FindStringSubmatch(lit.Value); m != nil {
				n++
				if !regexp.MustCompile(`\b`+m[1]+`\b`).MatchString(known) && !undocumented(path, m[1]) {
					t.Errorf("%s names %s, which fob help environment does not", path, m[1])
				}
			}
			return true
		})
	})
	if n < 40 {
		t.Fatalf("found %d names: this test reads them wrongly", n)
	}
}

// undocumented are names that no person sets for fob to read.
func undocumented(path, name string) bool {
	switch filepath.ToSlash(path) {
	case "../deliver/launch/environ.go": // what a child must not inherit: the topic tells of it as a whole
		return true
	case "../cli/playground.go": // what is set for a command of the playground
		return strings.HasPrefix(name, "AWS_")
	}
	switch name {
	case "FOB_FRONT_VERSION", processOf, "FOB_QUESTION": // from a process of fob to another one, or to its dialog
		return true
	}
	return false
}

// each reads the Go files of the product below a folder. The playground is a
// server, and reads no variable.
func each(t *testing.T, root string, visit func(string, *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(filepath.ToSlash(path), "internal/playground/") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err == nil {
			visit(path, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
