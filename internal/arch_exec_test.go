package internal_test

import (
	"go/ast"
	"go/parser"
	"strings"
	"testing"
)

// TestProcessesGetAnEnvironment wants the environment of each process that is
// started to be chosen.
func TestProcessesGetAnEnvironment(t *testing.T) {
	t.Parallel()
	r := newRule(t, "a process that is started without an environment gets all of ours: the passphrase, the keys that were there before. "+
		"Set Env in the same function, to launch.Bare(environ) for a process that needs no session. See CONTRIBUTING.md, \"Secrets\".")
	for _, s := range sources(t, false) {
		findBareStarts(r, s)
	}
}

// TestRequestsForgetTheOuterExec wants one way from an environment to a request.
func TestRequestsForgetTheOuterExec(t *testing.T) {
	t.Parallel()
	r := newRule(t, "an outer fob exec has set a region and an endpoint for its command; a request that takes them for the person's wish sends calls and MFA codes there. "+
		"Use front.Env, or System.request. See docs/decisions/013-nested-exec.md.")
	for _, s := range sources(t, false) {
		findRawEnviron(r, s)
	}
}

// findRawEnviron notes each use of chain.FromEnviron outside of front.Env.
func findRawEnviron(r *rule, s source) {
	if s.path == "internal/front/line.go" {
		return
	}
	for _, n := range selections(s, "FromEnviron") {
		r.at(n, "reads the environment as it is")
	}
}

// findBareStarts notes each exec.Command whose Env is not set by the function
// that calls it, and each exec.Cmd or os.ProcAttr that is written without.
func findBareStarts(r *rule, s source) {
	for _, d := range s.ast.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		set, given := environments(f.Body)
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if name := text(n.Fun); strings.HasPrefix(name, "exec.Command") && !set[given[n]] {
					r.at(n, name+" without an environment")
				}
			case *ast.CompositeLit:
				if name := text(n.Type); (name == "exec.Cmd" || name == "os.ProcAttr" || name == "syscall.ProcAttr") && !hasKey(n, "Env") {
					r.at(n, name+" without an environment")
				}
			}
			return true
		})
	}
}

// environments gives the variables whose Env is assigned, and the variable that
// each call is assigned to.
func environments(body *ast.BlockStmt) (set map[string]bool, given map[*ast.CallExpr]string) {
	set, given = map[string]bool{}, map[*ast.CallExpr]string{}
	ast.Inspect(body, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for i, left := range a.Lhs {
			if sel, ok := left.(*ast.SelectorExpr); ok && sel.Sel.Name == "Env" {
				set[text(sel.X)] = true
			}
			if len(a.Lhs) != len(a.Rhs) {
				continue
			}
			if call, ok := a.Rhs[i].(*ast.CallExpr); ok {
				given[call] = text(left)
			}
		}
		return true
	})
	return set, given
}

func hasKey(c *ast.CompositeLit, key string) bool {
	for _, e := range c.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && text(kv.Key) == key {
			return true
		}
	}
	return false
}

func TestBareStartsAreSeen(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]int{
		`c := exec.Command("x"); c.Env = e; return c.Run()`:                          0,
		`c := exec.CommandContext(ctx, "x"); c.Args, c.Env = a, e; return c.Run()`:   0,
		`c := exec.Command("x"); return c.Run()`:                                     1,
		`return exec.Command("x").Run()`:                                             1,
		`c := exec.Command("x"); d := exec.Command("x"); d.Env = e; f(c, d)`:         1,
		`f(&exec.Cmd{Path: "x"}, &exec.Cmd{Env: e}, &os.ProcAttr{Files: files})`:     2,
		`c := exec.CommandContext(ctx, "x"); c.Dir = d; go func() { c.Start() }()`:   1,
		`c := exec.Command("x"); go func() { c.Env = e; _ = c.Start() }(); return c`: 0,
	} {
		f, err := parser.ParseFile(fset, "internal/cli/x.go", "package cli\nfunc f() {\n"+src+"\n}", 0)
		if err != nil {
			t.Fatal(err)
		}
		r := &rule{}
		findBareStarts(r, source{path: "internal/cli/x.go", dir: "internal/cli", ast: f})
		if len(r.broken) != want {
			t.Errorf("%s: got %q, want %d", src, r.broken, want)
		}
	}
}
