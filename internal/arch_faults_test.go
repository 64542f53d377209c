package internal_test

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// makeFaults are the packages that know why the person asked, and so may write
// to them. Others return typed or wrapped errors.
var makeFaults = words("chain broker mfa tty launch keys devices front cli outside")

// TestErrors reads every fault in the tree.
func TestErrors(t *testing.T) {
	t.Parallel()
	r := newRule(t, "an error says what could not be done, why, and what to try; the rest of the line is written by fault.Render, so What starts lower case and has no full stop, and \"failed to\" says nothing that an error does not. "+
		"See CONTRIBUTING.md, \"Errors\".")
	for _, s := range sources(t, false) {
		ast.Inspect(s.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if isFault(s, n) {
					checkFault(r, s, n)
				}
			case *ast.CallExpr:
				if f := text(n.Fun); (f == "errors.New" || f == "fmt.Errorf") && len(n.Args) > 0 {
					checkSentence(r, n, strings.Join(literals(n.Args[0]), ""))
				}
			}
			return true
		})
	}
}

// isFault says whether a literal is a fault.Error.
func isFault(s source, c *ast.CompositeLit) bool {
	name := text(c.Type)
	return s.imports()["fault"] == module+"/internal/fault" && name == "fault.Error" || s.dir == "internal/fault" && name == "Error"
}

func checkFault(r *rule, s source, c *ast.CompositeLit) {
	fields := map[string]ast.Expr{}
	for _, e := range c.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			fields[text(kv.Key)] = kv.Value
		}
	}
	if pkg := packageName(s.dir); pkg != "fault" && !slices.Contains(makeFaults, pkg) {
		r.at(c, "package "+pkg+" does not know why the person asked: return a typed or wrapped error")
	}
	if fields["What"] == nil {
		r.at(c, "a fault without What")
	} else {
		what := literals(fields["What"])
		if len(what) == 1 && what[0] == "" {
			r.at(c, "a fault whose What is empty")
		}
		checkSentence(r, c, strings.Join(what, ""))
	}
	if fields["Code"] == nil && s.dir != "internal/fault" {
		r.at(c, "a fault without a Code: which kind of help is needed?")
	}
	if next, ok := fields["Next"].(*ast.CompositeLit); ok {
		if len(next.Elts) > 3 {
			r.at(c, "a fault with more than three things to try")
		}
		for _, e := range next.Elts {
			checkEnd(r, e, strings.Join(literals(e), ""))
		}
	}
}

// checkSentence looks at the text of a message. Its first word may be in
// capitals throughout: a name of AWS or of the environment.
func checkSentence(r *rule, n ast.Node, s string) {
	if first := []rune(s); len(first) > 1 && unicode.IsUpper(first[0]) && unicode.IsLower(first[1]) && !properNoun(s) {
		r.at(n, "the message starts with a capital: "+strconv.Quote(s))
	}
	if lower := strings.ToLower(s); strings.Contains(lower, "failed to") || strings.HasPrefix(lower, "error") {
		r.at(n, "says that it is an error, and not what: "+strconv.Quote(s))
	}
	checkEnd(r, n, s)
}

func checkEnd(r *rule, n ast.Node, s string) {
	if strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "...") || strings.HasSuffix(s, "!") {
		r.at(n, "the message ends with a full stop: "+strconv.Quote(s))
	}
}

// properNoun says whether a message starts with a name that is written so, as
// the operations of AWS are.
func properNoun(s string) bool {
	first, _, _ := strings.Cut(s, " ")
	return strings.IndexFunc(first[1:], unicode.IsUpper) >= 0
}

// literals gives the string literals of an expression from left to right; for
// a call such as fmt.Sprintf, those of its first argument.
func literals(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, _ := strconv.Unquote(e.Value)
			return []string{s}
		}
	case *ast.BinaryExpr:
		left, right := literals(e.X), literals(e.Y)
		if len(left) == 0 {
			left = []string{"x"} // a value: the message neither starts nor ends with what follows
		}
		if len(right) == 0 {
			right = []string{"x"}
		}
		return append(left, right...)
	case *ast.CallExpr:
		if f := text(e.Fun); f == "fmt.Sprintf" && len(e.Args) > 0 {
			return literals(e.Args[0])
		}
	}
	return nil
}
