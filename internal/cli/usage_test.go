//go:build unix

package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestUsage runs every command of docs/usage.md.
func TestUsage(t *testing.T) {
	t.Parallel()
	runDocument(t, "docs/usage.md", 20)
}

// TestReferenceArchitecture runs every command of docs/reference-architecture.md.
func TestReferenceArchitecture(t *testing.T) {
	t.Parallel()
	runDocument(t, "docs/reference-architecture.md", 5)
}

// TestAgentsDocument runs every command of docs/agents.md.
func TestAgentsDocument(t *testing.T) {
	t.Parallel()
	runDocument(t, "docs/agents.md", 3)
}

// runDocument runs the commands of a document, at least so many. Each section
// becomes a script with a home and a playground of its own, in which the key of
// security is stored (unless the section says <!-- fresh -->; with <!-- empty -->
// there is no config either, and with <!-- person: NAME GROUP... --> the key is that
// of a new user without an MFA device). A block of ini is appended to
// the config, or replaces it where it begins with [default]; a block of sh runs
// and must succeed; the block of text after it is what it prints, with ... for
// what differs. Above a block may stand
//
//	<!-- run: codes=1 exits=4 -->   so many MFA codes are typed; the status
//	<!-- run: pair=-2 -->           two codes of the secret that was shown last
//	                                are typed, the first that many steps from now
//	<!-- file: NAME -->             the block is a file in the folder of the commands
//	<!-- not run: REASON -->
func runDocument(t *testing.T, document string, least int) {
	text, err := os.ReadFile("../../" + document)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sections := strings.Split("\n"+string(text), "\n## ")[1:]
	ran := 0
	for i, section := range sections {
		title, body, _ := strings.Cut(section, "\n")
		script, blocks, err := usageScript(document+": "+title, body)
		if err != nil {
			t.Fatalf("%s, %q: %v", document, title, err)
		}
		ran += blocks
		name := fmt.Sprintf("%02d-%s.txtar", i+1, strings.Trim(regexp.MustCompile(`[^a-z]+`).ReplaceAllString(strings.ToLower(title), "-"), "-"))
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if ran < least {
		t.Fatalf("found %d blocks to run in %s: this test reads it wrongly", ran, document)
	}
	testscript.Run(t, scriptParams(dir, startOurs))
}

var (
	usageBlock  = regexp.MustCompile("(?ms)^(?:<!-- ([^\n]*) -->\n)?```(\\w*)\n(.*?)^```$")
	usagePerson = regexp.MustCompile(`(?m)^<!-- person: (\S+) (.*) -->$`)
	usageRun    = regexp.MustCompile(`^run:(?: codes=(\d+))?(?: pair=(-?\d+))?(?: exits=(\d+))?$`)
)

// usageScript makes a testscript of a section, and says how many blocks it runs.
func usageScript(title, body string) (script string, ran int, err error) {
	var do, files strings.Builder
	fmt.Fprintf(&do, "# %s\n", title)
	if strings.Contains(body, "<!-- empty -->") {
		do.WriteString("rm home/.aws\n")
		if who := usagePerson.FindStringSubmatch(body); who != nil {
			fmt.Fprintf(&do, "newcomer %s - - %s\n", who[1], who[2])
		}
	} else if !strings.Contains(body, "<!-- fresh -->") {
		do.WriteString("exits 0 fob add security --env\nenv AWS_ACCESS_KEY_ID=\nenv AWS_SECRET_ACCESS_KEY=\n")
	}
	for i, m := range usageBlock.FindAllStringSubmatch(body, -1) {
		note, lang, text := m[1], m[2], m[3]
		name := fmt.Sprintf("block%d", i)
		switch {
		case strings.HasPrefix(note, "not run: "):
		case strings.HasPrefix(note, "file: "):
			fmt.Fprintf(&files, "-- %s --\n%s", strings.TrimPrefix(note, "file: "), text)
		case lang == "ini":
			fmt.Fprintf(&files, "-- %s --\n%s", name, text)
			into := ">>"
			if strings.HasPrefix(text, "[default]") {
				into = ">"
			}
			fmt.Fprintf(&do, "exec sh -c 'cat %s %s $HOME/.aws/config'\n", name, into)
		case lang == "sh":
			ran++
			answers, status := "", "0"
			if note != "" {
				run := usageRun.FindStringSubmatch(note)
				if run == nil {
					return "", 0, fmt.Errorf("cannot read <!-- %s -->", note)
				}
				answers, status = usageAnswers(run[1], run[2]), cmp.Or(run[3], status)
			}
			fmt.Fprintf(&files, "-- %s --\n%s", name, text)
			term := ""
			if answers != "" {
				fmt.Fprintf(&files, "-- %s.tty --\n%s", name, answers)
				term = "term " + name + ".tty "
			}
			if strings.Contains(text, "aws ") {
				do.WriteString("[!exec:aws] skip 'aws is missing'\n")
			}
			if strings.Contains(text, "terraform ") {
				do.WriteString("[!exec:terraform] skip 'terraform is missing'\n")
			}
			fmt.Fprintf(&do, "exits %s %ssh -e %s\n", status, term, name)
		case lang == "text":
			for line := range strings.Lines(text) {
				pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSuffix(line, "\n")), `\.\.\.`, ".*")
				fmt.Fprintf(&do, "stdout '%s'\n", strings.ReplaceAll(pattern, "'", "."))
			}
		default:
			return "", 0, fmt.Errorf("a block of %q is neither sh, text nor ini, and does not say <!-- not run: REASON -->", lang)
		}
	}
	return do.String() + files.String(), ran, nil
}

// usageAnswers is what a person types at the terminal of a block.
func usageAnswers(codes, pair string) string {
	n, _ := strconv.Atoi(codes)
	answers := strings.Repeat("MFA code for => $CODE\n", n)
	if at, err := strconv.Atoi(pair); err == nil {
		answers += fmt.Sprintf("MFA code 1 of 2 => $TOTP%+d\nMFA code 2 of 2 => $TOTP%+d\n", at, at+1)
	}
	return answers
}
