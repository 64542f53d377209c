// Command ci reads the events of `go test -json`, prints what a person wants to
// see of them, and fails where a test failed, or was skipped and is not on the
// list that is named as its argument. It knows nothing of what is tested.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output, ImportPath string
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ci:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("the list of tests that may be skipped is missing")
	}
	may, err := allowed(args[0], os.Getenv)
	if err != nil {
		return err
	}
	t := tally{output: map[string][]string{}, count: map[string]int{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(out, lines.Text()) // from go itself
			continue
		}
		t.add(e, out)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d passed, %d failed, %d skipped\n", t.count["pass"], t.count["fail"], t.count["skip"])
	var bad []string
	for _, name := range t.skipped {
		if !slices.ContainsFunc(may, func(m string) bool { return name == m || strings.HasPrefix(name, m+"/") }) {
			bad = append(bad, name)
		}
	}
	switch {
	case t.broken || t.count["fail"] > 0:
		return errors.New("a test failed")
	case len(bad) > 0:
		return fmt.Errorf("skipped and not in %s: %s", args[0], strings.Join(bad, ", "))
	case t.count["pass"] == 0:
		return errors.New("no test ran")
	}
	return nil
}

// tally is what has been seen so far.
type tally struct {
	output  map[string][]string // of tests that have not ended
	count   map[string]int      // by pass, fail, skip
	skipped []string
	broken  bool // a package failed, perhaps without a failed test
}

func (t *tally) add(e event, out io.Writer) {
	name := e.Package + "/" + e.Test
	switch e.Action {
	case "output", "build-output":
		if e.Test == "" {
			fmt.Fprint(out, e.Output) // the closing line of a package, or a build error
			return
		}
		if !strings.HasPrefix(e.Output, "=== ") { // RUN, PAUSE, CONT
			t.output[name] = append(t.output[name], e.Output)
		}
	case "pass", "skip", "fail", "build-fail":
		if e.Test == "" {
			t.broken = t.broken || strings.HasSuffix(e.Action, "fail")
			return
		}
		t.count[e.Action]++
		if e.Action != "pass" {
			fmt.Fprint(out, strings.Join(t.output[name], ""))
		}
		if e.Action == "skip" {
			t.skipped = append(t.skipped, name)
		}
		delete(t.output, name)
	}
}

// allowed reads the list: one name a line, perhaps unless=VARIABLE, then a
// reason; # starts a comment.
func allowed(file string, getenv func(string) string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		name, reason := words[0], words[1:]
		set := false
		if len(reason) > 0 {
			if variable, ok := strings.CutPrefix(reason[0], "unless="); ok {
				set, reason = getenv(variable) != "", reason[1:]
			}
		}
		if len(reason) == 0 {
			return nil, fmt.Errorf("%s: %s has no reason", file, name)
		}
		if !set {
			names = append(names, name)
		}
	}
	return names, nil
}
