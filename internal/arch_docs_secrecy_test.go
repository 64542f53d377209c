package internal_test

import (
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSecrecyDocument: the list of what must hold of secrets is whole, and each
// line names tests that are there.
func TestSecrecyDocument(t *testing.T) {
	t.Parallel()
	const file = "docs/tests-of-secrecy.md"
	r := newRule(t, "a list of promises is worth what its tests are worth: name in each line of "+file+" a test or a script that is there. "+
		"See CONTRIBUTING.md, \"Tests\".")
	tests := map[string]bool{}
	for _, s := range sources(t, true) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test && f.Recv == nil {
				tests[f.Name.Name] = true
			}
		}
	}
	all, err := paths()
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| (\d+) \| ([^|]+) \| ([^|]+) \|$`)
	var numbers []int
	err = walk(func(p string, text []byte) error {
		if p != file {
			return nil
		}
		for _, m := range row.FindAllStringSubmatch(string(text), -1) {
			n, _ := strconv.Atoi(m[1])
			numbers = append(numbers, n)
			for name := range strings.SplitSeq(m[3], ", ") {
				if !tests[name] && !slices.Contains(all, path.Join("internal/cli/testdata", name+".txtar")) {
					r.add(file + ": row " + m[1] + " names " + name + ", which is not there")
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []int{54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 68, 69, 70, 71, 72, 73, 80, 85, 86, 87, 1, 2, 3, 4, 5}
	if diff := cmp.Diff(want, numbers); diff != "" {
		r.add(file + ": its rows (-want +got): " + diff)
	}
}
