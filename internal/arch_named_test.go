package internal_test

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	namedTest   = regexp.MustCompile("`([a-z/]+)\\.(Test\\w+|Fuzz\\w+)`")
	namedScript = regexp.MustCompile("`([\\w-]+\\.txtar)`")
	testFunc    = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
)

// TestNamedTests checks that the tests are there that docs/tests-of-*.md name, as
// package.TestName or as a script.
func TestNamedTests(t *testing.T) {
	t.Parallel()
	r := newRule(t, "these tables say which test holds which promise: a test that is gone or has another name leaves the promise to nobody. Name the one that holds it now. "+
		"See CONTRIBUTING.md, \"Documents\".")
	there, tables := []string{}, map[string]string{}
	err := walk(func(p string, text []byte) error {
		switch dir, name := path.Split(p); {
		case dir == "docs/" && strings.HasPrefix(name, "tests-of-"):
			tables[p] = string(text)
		case dir == "internal/cli/testdata/script/":
			there = append(there, name)
		case strings.HasSuffix(name, "_test.go"):
			for _, m := range testFunc.FindAllSubmatch(text, -1) {
				there = append(there, strings.TrimPrefix(dir, "internal/")+string(m[1]))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for p, text := range tables {
		for _, m := range namedTest.FindAllStringSubmatch(text, -1) {
			if named++; !slices.Contains(there, m[1]+"/"+m[2]) {
				r.add(p + ": names " + m[1] + "." + m[2] + ", which is not there")
			}
		}
		for _, m := range namedScript.FindAllStringSubmatch(text, -1) {
			if named++; !slices.Contains(there, m[1]) {
				r.add(p + ": names " + m[1] + ", which is not there")
			}
		}
	}
	if named == 0 {
		t.Error("no table names a test: nothing was checked")
	}
}
