// The rules that every package keeps, as tests. This file holds what the rules
// share: the parsed tree, and the way a broken rule is told. CONTRIBUTING.md
// says what each rule is for.
package internal_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// root is the repository, seen from this folder.
const root = ".."

// module is the module path in go.mod.
const module = "fob"

// rewrite says that committed lists are to be written anew: UPDATE=1.
func rewrite() bool { return os.Getenv("UPDATE") == "1" }

// source is one Go file of the product's module. Build tags are ignored, so
// that a rule holds on the systems that nobody tests on today.
type source struct {
	path string // from the repository's root, with slashes
	dir  string // its folder
	test bool
	text []byte
	ast  *ast.File
}

// imports gives the import paths by the name they have in the file.
func (s source) imports() map[string]string {
	names := map[string]string{}
	for _, spec := range s.ast.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		name := path.Base(p)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = p
	}
	return names
}

var (
	fset = token.NewFileSet()

	// tree parses every Go file of the product once for all rules.
	tree = sync.OnceValues(func() ([]source, error) {
		var all []source
		err := walk(func(p string, text []byte) error {
			if !strings.HasSuffix(p, ".go") || strings.HasPrefix(p, "tools/") {
				return nil
			}
			f, err := parser.ParseFile(fset, p, text, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			all = append(all, source{p, path.Dir(p), strings.HasSuffix(p, "_test.go"), text, f})
			return nil
		})
		return all, err
	})

	// paths lists every file and folder of the repository, folders without a
	// closing slash.
	paths = sync.OnceValues(func() ([]string, error) {
		seen := map[string]bool{}
		err := walk(func(p string, _ []byte) error {
			for ; p != "."; p = path.Dir(p) {
				seen[p] = true
			}
			return nil
		})
		return sorted(seen), err
	})
)

// walk visits the repository's files, as a clone has them: what is built, and
// what belongs to git, is left out.
func walk(visit func(path string, text []byte) error) error {
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(p, root), string(filepath.Separator)))
		if d.IsDir() {
			if slices.Contains([]string{".git", "bin", "dist", "vendor"}, rel) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || rel == ".git" { // a file in a linked work tree
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		return visit(rel, text)
	})
}

// sources gives the product's files; tests only when asked for.
func sources(t *testing.T, tests bool) []source {
	t.Helper()
	all, err := tree()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(slices.Clone(all), func(s source) bool { return s.test && !tests })
}

// rule collects what breaks one rule and tells it together with the reason, so
// that nobody has to ask why.
type rule struct {
	t      *testing.T
	reason string
	broken []string
}

// newRule starts a rule. The reason is a sentence that ends with where to read
// more.
func newRule(t *testing.T, reason string) *rule {
	t.Helper()
	r := &rule{t: t, reason: reason}
	t.Cleanup(func() {
		if len(r.broken) > 0 {
			slices.Sort(r.broken)
			t.Errorf("%s\n\nwhy: %s", strings.Join(r.broken, "\n"), r.reason)
		}
	})
	return r
}

// at notes one breach, at a node of a file.
func (r *rule) at(n ast.Node, text string) {
	p := fset.Position(n.Pos())
	r.add(p.Filename + ":" + strconv.Itoa(p.Line) + ": " + text)
}

// add notes one breach.
func (r *rule) add(text string) { r.broken = append(r.broken, text) }

// sorted gives the keys of a set in order.
func sorted[V any](set map[string]V) []string {
	keys := make([]string, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func TestMain(m *testing.M) {
	flag.Parse()
	if runtime.GOOS == "windows" {
		// The rules read the tree; one system that reads it is enough, and
		// there a clone may have other line ends.
		os.Exit(0)
	}
	os.Exit(m.Run())
}
