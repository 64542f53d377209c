package internal_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// outside names what reads or changes the world around the process, and the
// files that may. Everything else gets it handed in.
var outside = []struct {
	name  string // package.Name as in an import path and selector
	files []string
}{
	{"os.Stdin os.Stdout os.Stderr fmt.Print fmt.Printf fmt.Println", words("internal/cli/system.go cmd/fob/main.go cmd/fob-core/main.go internal/deliver/launch/launch_windows.go")}, // where a process cannot become its child, the child gets the process's own streams
	{"os.Args os.Exit", words("internal/cli/system.go cmd/fob/main.go cmd/fob-core/main.go")},
	{"os.Environ os.Getenv os.LookupEnv os.ExpandEnv os.Setenv os.Unsetenv os.Clearenv os.UserHomeDir os.UserConfigDir os.UserCacheDir os.TempDir syscall.Environ syscall.Getenv", words("internal/cli/system.go cmd/fob/main.go cmd/fob-core/main.go")},
	{"time.Now time.Since time.Until", words("internal/cli/system.go cmd/fob/main.go cmd/fob-core/main.go")},
	{"context.Background context.TODO", words("internal/cli/system.go cmd/fob/main.go cmd/fob-core/main.go")},
	{"log", nil},
}

func words(s string) []string { return strings.Fields(s) }

// TestOutside keeps the outside world at the top.
func TestOutside(t *testing.T) {
	t.Parallel()
	r := newRule(t, "only the top sees arguments, environment, clock, terminal and exec; below it they are handed in, so that a test can hand in others and nobody looks for the one place that read the clock itself. "+
		"Take a parameter or a field (Now func() time.Time, Environ []string, a context). See CONTRIBUTING.md, \"The outside\".")
	for _, s := range sources(t, false) {
		names := s.imports()
		ast.Inspect(s.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok || names[pkg.Name] == "" {
				return true
			}
			if use := names[pkg.Name] + "." + sel.Sel.Name; !mayUse(s.path, use) {
				r.at(sel, "uses "+use)
			}
			return true
		})
	}
}

// mayUse says whether a file may use a name of another package.
func mayUse(file, use string) bool {
	pkg, _, _ := strings.Cut(use, ".")
	for _, o := range outside {
		if names := words(o.name); slices.Contains(names, use) || slices.Contains(names, pkg) {
			return slices.Contains(o.files, file)
		}
	}
	return true
}

// mayVary lists the package variables that are not sentinels, each with its
// reason. They are set before main, or never changed.
var mayVary = map[string]string{
	"cmd/fob-core.version": "set by the linker",
	"cmd/fob.version":      "set by the linker",
}

// TestNoInit keeps start-up empty and packages without state.
func TestNoInit(t *testing.T) {
	t.Parallel()
	r := newRule(t, "what runs before main is paid for by every run and can be neither tested nor ordered, and a package variable is a parameter that nobody sees. "+
		"Return tables from functions, keep state in values; constants, errors.New sentinels, embedded files and `var _ I = T{}` are fine. See CONTRIBUTING.md, \"The outside\".")
	seen := map[string]bool{}
	for _, s := range sources(t, false) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "init" && f.Recv == nil {
				r.at(f, "has an init function")
			}
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				for _, name := range variables(g, spec.(*ast.ValueSpec)) {
					key := s.dir + "." + name.Name
					if seen[key] = true; mayVary[key] == "" {
						r.at(name, "has the package variable "+name.Name)
					}
				}
			}
		}
	}
	for key := range mayVary {
		if !seen[key] {
			r.add(key + ": is on the list of TestNoInit and is not there; take it off")
		}
	}
}

// variables gives the names of a declaration that could carry state.
func variables(g *ast.GenDecl, v *ast.ValueSpec) []*ast.Ident {
	var found []*ast.Ident
	for i, name := range v.Names {
		switch {
		case name.Name == "_", embedded(g.Doc), embedded(v.Doc), i < len(v.Values) && sentinel(v.Values[i]):
		default:
			found = append(found, name)
		}
	}
	return found
}

func embedded(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

func sentinel(e ast.Expr) bool {
	c, ok := e.(*ast.CallExpr)
	return ok && text(c.Fun) == "errors.New"
}

// text gives a.b for a selector and a for an identifier, else nothing.
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return text(e.X) + "." + e.Sel.Name
	}
	return ""
}

// TestPackageComments wants one comment for each package, where one looks.
func TestPackageComments(t *testing.T) {
	t.Parallel()
	const least = 60
	r := newRule(t, "the first thing a reader needs is what a package is for and what it does not know; two comments are one too many to keep true. "+
		"Write it in the file named after the package (main.go for a command). See CONTRIBUTING.md, \"Comments\".")
	docs := map[string][]source{}
	for _, s := range sources(t, false) {
		docs[s.dir] = slices.Concat(docs[s.dir])
		if s.ast.Doc != nil {
			docs[s.dir] = append(docs[s.dir], s)
		}
	}
	for dir, with := range docs {
		name := path.Base(dir) + ".go"
		if strings.HasPrefix(dir, "cmd/") {
			name = "main.go"
		}
		if len(with) != 1 {
			r.add(fmt.Sprintf("%s: has %d package comments, wants one, in %s", dir, len(with), name))
			continue
		}
		if with[0].path != path.Join(dir, name) {
			r.add(with[0].path + ": has the package comment, which belongs in " + name)
		}
		if n := len(with[0].ast.Doc.Text()); n < least {
			r.add(fmt.Sprintf("%s: its package comment has %d characters, wants %d", with[0].path, n, least))
		}
	}
}

// TestNames refuses names that say nothing, or mean two things.
func TestNames(t *testing.T) {
	t.Parallel()
	r := newRule(t, "a name is read a hundred times. A package called util has no subject, Get says nothing, and a bare `token` has been mixed up with another kind of token: there are session tokens, server tokens, SSO tokens and MFA codes. "+
		"See CONTRIBUTING.md, \"Three traps\".")
	noise := words("Manager Helper Helpers Util Utils Impl")
	for _, s := range sources(t, false) {
		if slices.Contains(words("util utils common helper helpers types models misc base"), s.ast.Name.Name) {
			r.add(s.path + ": its package is named " + s.ast.Name.Name)
		}
		for _, name := range declared(s.ast) {
			rest, get := strings.CutPrefix(name.Name, "Get")
			switch {
			case name.Name == "token":
				r.at(name, "declares `token`: say which one")
			case get && rest != "" && unicode.IsUpper(rune(rest[0])) && !slices.Contains(operations, name.Name):
				r.at(name, "declares "+name.Name+": drop the Get")
			case slices.ContainsFunc(noise, func(n string) bool { return strings.HasSuffix(name.Name, n) }):
				r.at(name, "declares "+name.Name)
			}
		}
	}
}

// operations are AWS's own names, which stay as they are.
var operations = words("GetSessionToken GetFederationToken GetCallerIdentity GetAccessKeyLastUsed GetUser GetGroup GetPolicy GetPolicyVersion GetUserPolicy GetGroupPolicy GetRolePolicy GetObject GetRole GetRoleCredentials GetBucketLocation GetBucketVersioning")

// declared gives every name that a file declares, fields and parameters too.
func declared(f *ast.File) []*ast.Ident {
	var names []*ast.Ident
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			names = append(names, n.Name)
		case *ast.TypeSpec:
			names = append(names, n.Name)
		case *ast.ValueSpec:
			names = append(names, n.Names...)
		case *ast.Field:
			names = append(names, n.Names...)
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					names = append(names, id)
				}
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					names = append(names, id)
				}
			}
		}
		return true
	})
	return names
}

// TestSleeps wants a defence of each sleep in a test.
func TestSleeps(t *testing.T) {
	t.Parallel()
	r := newRule(t, "a sleep makes a test slow on a fast machine and wrong on a slow one. "+
		"Wait for the thing itself, or say in a comment on that line or the one above why nothing can be waited for. See CONTRIBUTING.md, \"Tests\".")
	for _, s := range sources(t, true) {
		if s.imports()["time"] != "time" {
			continue
		}
		lines := bytes.Split(s.text, []byte("\n"))
		for _, n := range selections(s, "Sleep") {
			i := fset.Position(n.Pos()).Line - 1
			if text(n.(ast.Expr)) == "time.Sleep" && !bytes.Contains(lines[i], []byte("//")) && (i == 0 || !bytes.Contains(lines[i-1], []byte("//"))) {
				r.at(n, "sleeps without a word")
			}
		}
	}
}
