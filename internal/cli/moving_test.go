package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// rowsOfIncumbent is how many things aws-vault does, counted finely.
const rowsOfIncumbent = 110

// TestMoving: the document for people who move tells of everything that aws-vault
// does, and each line names a test that exists.
func TestMoving(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/moving-from-aws-vault.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := everyTest(t)
	row := regexp.MustCompile(`(?m)^\| (\d+) \|([^|]+)\|([^|]*)\| (\w+) \| ([^|]+) \|$`)
	next := 1
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		if m[1] != strconv.Itoa(next) {
			t.Fatalf("row %s, want %d", m[1], next)
		}
		next++
		switch m[4] {
		case "same", "differs", "later":
		default:
			t.Errorf("row %s is %q", m[1], m[4])
		}
		if m[4] != "same" && strings.TrimSpace(m[3]) == "" {
			t.Errorf("row %s %s and does not say how", m[1], m[4])
		}
		shown := strings.TrimSpace(m[5])
		if _, err := os.Stat(filepath.Join("testdata", shown+".txtar")); err != nil && !tests[shown] {
			t.Errorf("row %s: there is no %s", m[1], shown)
		}
	}
	if next != rowsOfIncumbent+1 {
		t.Errorf("%d rows, want %d", next-1, rowsOfIncumbent)
	}
}

// everyTest has the names of all tests.
func everyTest(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, pattern := range []string{"../*/*_test.go", "../*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
				names[m[1]] = true
			}
		}
	}
	return names
}
