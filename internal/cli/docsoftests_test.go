package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestDocsOfTests: the pages that say what is tested name tests that exist. The
// rows of each are all that was set out to be tested.
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
				if _, err := os.Stat(filepath.Join("testdata", shown+".txtar")); err == nil {
					continue // a script
				}
				name, begins, table := strings.Cut(shown, "/")
				if table && !strings.Contains(source, `"`+begins) {
					t.Errorf("%s %d: no row begins with %q", page, n, begins)
				}
				if !tests[name] {
					t.Errorf("%s %d: there is no %s", page, n, shown)
				}
			}
		}
		want := map[string]string{
			"tests-of-storage.md": "18-44",
			"tests-of-access.md":  "1-18",
			"tests-of-agents.md":  "1-20",
			"tests-of-secrecy.md": "54-64 68-73 80 85-87 1-5",

			"tests-of-endpoints.md": "88-106 179",

			"tests-of-running-together.md": "15-17 45-46 49-53 47-48 48 124-125 138",
		}[filepath.Base(page)]
		if got := runs(numbers); got != want {
			t.Errorf("%s has the rows %s, want %s", page, got, want)
		}
	}
}

// runs writes numbers with those that follow one another as one.
func runs(numbers []int) string {
	var words []string
	for at := 0; at < len(numbers); {
		end := at
		for end+1 < len(numbers) && numbers[end+1] == numbers[end]+1 {
			end++
		}
		word := strconv.Itoa(numbers[at])
		if end > at {
			word += "-" + strconv.Itoa(numbers[end])
		}
		words, at = append(words, word), end+1
	}
	return strings.Join(words, " ")
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
