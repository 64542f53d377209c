package internal_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"slices"
	"testing"
)

// Limits are for attention, not for beauty.
const (
	maxFunction = 60  // lines, the signature and the closing brace counted
	maxFile     = 400 // lines
	maxParams   = 4   // besides a context
	maxNesting  = 3   // blocks inside blocks; a function literal starts anew
)

// mayBeLarge lists what is over a limit, "file" or "file: function", each with
// the reason why it reads better so.
var mayBeLarge = map[string]string{
	"internal/obtain/awsapi/clock.go: SignHTTP": "the SDK's interface has these parameters",
	"internal/decide/chain/resolve.go: Resolve": "its five arguments are all that a chain depends on, and a struct for them would hide that",
}

// TestSizes keeps functions and files within what one look takes in.
func TestSizes(t *testing.T) {
	t.Parallel()
	r := newRule(t, "what is over these limits is read twice or not at all. Split it where an idea ends; "+
		"if it truly reads better whole, add it to mayBeLarge (internal/arch_size_test.go) with the reason. See CONTRIBUTING.md, \"Sizes\".")
	seen := map[string]bool{}
	over := func(key string, n ast.Node, text string) {
		if seen[key] = true; mayBeLarge[key] == "" {
			r.at(n, text)
		}
	}
	for _, s := range sources(t, false) {
		if lines := bytes.Count(s.text, []byte("\n")); lines > maxFile {
			over(s.path, s.ast, fmt.Sprintf("the file has %d lines, at most %d", lines, maxFile))
		}
		for _, d := range s.ast.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			key := s.path + ": " + f.Name.Name
			if lines := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1; lines > maxFunction {
				over(key, f, fmt.Sprintf("%s has %d lines, at most %d", f.Name.Name, lines, maxFunction))
			}
			if n := params(f.Type); n > maxParams {
				over(key, f, fmt.Sprintf("%s has %d parameters besides a context, at most %d", f.Name.Name, n, maxParams))
			}
			if n := nesting(f.Body); n > maxNesting {
				over(key, f, fmt.Sprintf("%s nests %d deep, at most %d", f.Name.Name, n, maxNesting))
			}
		}
	}
	for key := range mayBeLarge {
		if !seen[key] {
			r.add(key + ": is on the list of TestSizes and within the limits; take it off")
		}
	}
}

// params counts parameters, a context left out.
func params(f *ast.FuncType) int {
	n := 0
	for _, field := range f.Params.List {
		if text(field.Type) != "context.Context" {
			n += max(1, len(field.Names))
		}
	}
	return n
}

// nesting is how deep if, for, switch and select stand inside each other. An
// else-if is on the level of its if, and the cases of a switch on that of the
// switch.
func nesting(n ast.Node) int {
	deepest := 0
	switch n := n.(type) {
	case nil, *ast.FuncLit:
	case *ast.BlockStmt:
		if n != nil {
			deepest = deepestOf(n.List)
		}
	case *ast.CaseClause:
		deepest = deepestOf(n.Body)
	case *ast.CommClause:
		deepest = deepestOf(n.Body)
	case *ast.LabeledStmt:
		deepest = nesting(n.Stmt)
	case *ast.IfStmt:
		deepest = 1 + nesting(n.Body)
		if other, ok := n.Else.(*ast.IfStmt); ok {
			deepest = max(deepest, nesting(other))
		} else if n.Else != nil {
			deepest = max(deepest, 1+nesting(n.Else))
		}
	case *ast.ForStmt:
		deepest = 1 + nesting(n.Body)
	case *ast.RangeStmt:
		deepest = 1 + nesting(n.Body)
	case *ast.SwitchStmt:
		deepest = 1 + nesting(n.Body)
	case *ast.TypeSwitchStmt:
		deepest = 1 + nesting(n.Body)
	case *ast.SelectStmt:
		deepest = 1 + nesting(n.Body)
	}
	return deepest
}

func deepestOf(list []ast.Stmt) int {
	deepest := []int{0}
	for _, s := range list {
		deepest = append(deepest, nesting(s))
	}
	return slices.Max(deepest)
}
