package internal_test

import (
	"go/ast"
	"go/parser"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRulesBite shows each rule something that breaks it: a rule that never
// fails looks like one that is kept.
func TestRulesBite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		src  string
		find func(*rule, source)
		want []string
	}{
		{"a fault as it should be", `return &fault.Error{What: "cannot x", Why: err, Next: []string{"a", "b"}, Code: fault.Config}`, findFaults, nil},
		{"nothing said", `return &fault.Error{}`, findFaults, []string{"without What", "without a Code"}},
		{"empty", `return &fault.Error{What: "", Code: 1}`, findFaults, []string{"What is empty"}},
		{"capital and full stop", `return &fault.Error{What: "Cannot " + x + " it.", Code: 1}`, findFaults, []string{"starts with a capital", "full stop"}},
		{"a name in capitals", `return &fault.Error{What: "AWS_REGION is not valid", Code: 1}`, findFaults, nil},
		{"too many things to try", `return &fault.Error{What: "cannot x", Next: []string{"a", "b", "c", "d."}, Code: 1}`, findFaults, []string{"more than three", "full stop"}},
		{"failed to", `return &fault.Error{What: fmt.Sprintf("failed to %s", x), Code: 1}`, findFaults, []string{"not what"}},
		{"deep", `for { if x { switch { case x: if x { y() } } } }`, findNesting, []string{"4"}},
		{"else-if is one level", `if x { y() } else if x { y() } else if x { y() } else { if x { y() } }`, findNesting, []string{"2"}},
		{"a literal starts anew", `for { f(func() { for { if x { y() } } }) }`, findNesting, []string{"1"}},
		{"state", `}; var a = errors.New("x"); var b = map[string]int{}; var c int; var _ I = T{}; func g() {`, findVariables, []string{"b", "c"}},
		{"an outer exec's environment", `r := chain.Request{Env: chain.FromEnviron(e)}; read := chain.FromEnviron; s := chain.Request{Env: front.Env(e)}`, findRawEnviron, []string{"as it is", "as it is"}},
		{"a bare token", `token := 1; for token := range x {}; f := func(token string) {}`, findTokens, []string{"token", "token", "token"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, err := parser.ParseFile(fset, "internal/cli/x.go", "package cli\nimport \"fob/internal/fault\"\nfunc f() {\n"+c.src+"\n}", parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			r := &rule{}
			c.find(r, source{path: "internal/cli/x.go", dir: "internal/cli", ast: f})
			if len(r.broken) != len(c.want) {
				t.Fatalf("got %q, want %q", r.broken, c.want)
			}
			for i := range c.want {
				if !strings.Contains(r.broken[i], c.want[i]) {
					t.Errorf("got %q, want something with %q", r.broken[i], c.want[i])
				}
			}
		})
	}
}

func findFaults(r *rule, s source) {
	ast.Inspect(s.ast, func(n ast.Node) bool {
		if c, ok := n.(*ast.CompositeLit); ok && isFault(s, c) {
			checkFault(r, s, c)
		}
		return true
	})
}

func findNesting(r *rule, s source) {
	for _, d := range s.ast.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			r.add(string(rune('0' + nesting(f.Body))))
		}
	}
}

func findVariables(r *rule, s source) {
	for _, d := range s.ast.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok {
				for _, name := range variables(g, v) {
					r.add(name.Name)
				}
			}
		}
	}
}

func findTokens(r *rule, s source) {
	for _, name := range declared(s.ast) {
		if name.Name == "token" {
			r.add(name.Name)
		}
	}
}

func TestRowsBite(t *testing.T) {
	t.Parallel()
	at := func(pkg string) row {
		return layers[slices.IndexFunc(layers, func(w row) bool { return w.pkg == pkg })]
	}
	got := map[string]bool{}
	for _, c := range []string{
		"chain < os", "chain < fob/internal/decide/source", "chain < fob/internal/keep/lock", "chain < golang.org/x/sys/unix",
		"lock < golang.org/x/sys/unix", "lock < golang.org/x/system", "cli < fob/internal/obtain/broker", "cli < fob/internal/cli", "cli < filippo.io/age",
	} {
		pkg, imported, _ := strings.Cut(c, " < ")
		got[c] = at(pkg).may(imported)
	}
	want := map[string]bool{
		"chain < os": true, "chain < fob/internal/decide/source": true, "chain < fob/internal/keep/lock": false, "chain < golang.org/x/sys/unix": false,
		"lock < golang.org/x/sys/unix": true, "lock < golang.org/x/system": false, "cli < fob/internal/obtain/broker": true, "cli < fob/internal/cli": false, "cli < filippo.io/age": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLooksLikeFile(t *testing.T) {
	t.Parallel()
	got := map[string]bool{}
	for _, name := range []string{"internal/cli/exec.go", "exec.go:12", "docs/decisions", "README.md", "~/.aws/config", "make check", "fault.Error", "docs/decisions/NNN-title.md", "/etc/x.go", "cmd"} {
		got[path.Clean(name)] = looksLikeFile(name)
	}
	want := map[string]bool{
		"internal/cli/exec.go": true, "exec.go:12": true, "docs/decisions": true, "README.md": true, "~/.aws/config": false, "make check": false,
		"fault.Error": false, "docs/decisions/NNN-title.md": false, "/etc/x.go": false, "cmd": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
