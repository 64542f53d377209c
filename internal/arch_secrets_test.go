package internal_test

import (
	"go/ast"
	"slices"
	"testing"
)

// mayReveal lists the files that may read a secret's text: encoders of what
// rests, signers of calls, and what delivers. Each new line is a review.
var mayReveal = []string{}

// TestReveal keeps the places few where a secret is text.
func TestReveal(t *testing.T) {
	t.Parallel()
	r := newRule(t, "a secret gets out where its text is read, so these files are the ones to review. "+
		"Pass the cred.Secret on and let a file on the list read it, or add the file to mayReveal (internal/arch_secrets_test.go) and say in the commit why it must. See CONTRIBUTING.md, \"Secrets\".")
	if !slices.IsSorted(mayReveal) {
		r.add("mayReveal is not sorted")
	}
	seen := map[string]bool{}
	for _, s := range sources(t, false) {
		if s.dir == "internal/cred" {
			continue
		}
		for _, n := range selections(s, "Reveal") {
			seen[s.path] = true
			if !slices.Contains(mayReveal, s.path) {
				r.at(n, "reads the text of a secret and is not on the list")
			}
		}
	}
	for _, f := range mayReveal {
		if !seen[f] {
			r.add(f + ": is on the list of TestReveal and reads no secret; take it off")
		}
	}
}

// TestExpose counts who turns a long-term key into something deliverable.
func TestExpose(t *testing.T) {
	t.Parallel()
	r := newRule(t, "a long-term key leaves fob in one case only: --no-session with no role in the chain. "+
		"One caller of AccessKey.Expose is what keeps that sentence true; cred.Signer is there for signing. See CONTRIBUTING.md, \"Secrets\".")
	var callers []ast.Node
	for _, s := range sources(t, false) {
		callers = append(callers, selections(s, "Expose")...)
	}
	if len(callers) == 1 {
		return
	}
	if len(callers) == 0 {
		r.add("nobody calls Expose: --no-session cannot work")
	}
	for _, n := range callers {
		r.at(n, "calls Expose")
	}
}

// selections gives every x.name in a file, called or not: a method value opens
// the same door.
func selections(s source, name string) []ast.Node {
	var found []ast.Node
	ast.Inspect(s.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == name {
			found = append(found, sel)
		}
		return true
	})
	return found
}
