package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestDocsOfTests: the pages that say what is tested name tests that exist. The
// page of the storage tells of each thing that was set out to be tested.
func TestDocsOfTests(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/tests-of-*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	tests, row := everyTest(t), regexp.MustCompile(`(?m)^\| (\d+) \|([^|]+)\| ([^|]+) \|$`)
	source := ourTests(t)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var numbers []int
		for _, m := range row.FindAllStringSubmatch(string(text), -1) {
			n, _ := strconv.Atoi(m[1])
			numbers = append(numbers, n)
			for shown := range strings.SplitSeq(m[3], ", ") {
				name, begins, table := strings.Cut(shown, "/")
				if table && !strings.Contains(source, `"`+begins) {
					t.Errorf("%s %d: no row begins with %q", page, n, begins)
				}
				if _, err := os.Stat(filepath.Join("testdata", shown+".txtar")); err != nil && !tests[name] {
					t.Errorf("%s %d: there is no %s", page, n, shown)
				}
			}
		}
		if !slices.IsSorted(numbers) || len(slices.Compact(slices.Clone(numbers))) != len(numbers) || len(numbers) == 0 {
			t.Errorf("%s has the rows %d", page, numbers)
		}
		if filepath.Base(page) == "tests-of-storage.md" && (len(numbers) != 27 || numbers[0] != 18 || numbers[26] != 44) {
			t.Errorf("%s has the rows %d, want 18 to 44", page, numbers)
		}
	}
}

// ourTests is the text of this package's tests, which have the tables.
func ourTests(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
