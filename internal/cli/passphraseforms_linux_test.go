package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"fob/internal/playground"
)

// passphraseSource is a way by which a passphrase reaches fob. It gives the program's status
// and what the person saw.
type passphraseSource func(h *house, passphrase, line string) (status int, said string)

func passphraseSources() map[string]passphraseSource {
	return map[string]passphraseSource{
		"terminal": func(h *house, passphrase, line string) (int, string) {
			s := h.sit(nil, "sh", "-c", line)
			if strings.HasPrefix(line, "fob add") {
				s.asked("New passphrase: ")
				s.says(passphrase)
				s.asked("The same again: ")
			} else {
				s.asked("Passphrase of the store: ")
			}
			s.says(passphrase)
			said := s.unless("Wrong. ")
			status, more := s.end()
			return status.ExitStatus(), said + more
		},
		"variable": func(h *house, passphrase, line string) (int, string) {
			h.env["FOB_PASSPHRASE"] = passphrase
			got := h.sh(line)
			delete(h.env, "FOB_PASSPHRASE")
			return got.status, got.errors
		},
		"descriptor": func(h *house, passphrase, line string) (int, string) {
			h.write(passphrase+"\n", "pp")
			got := h.sh(line + " --passphrase-fd 3 3<pp")
			return got.status, got.errors
		},
	}
}

// TestPassphraseForms makes a store with a passphrase that came one way, and opens
// it with the same that comes another way: it is the same bytes, whatever they are.
// What a form of it is not, does not open; and what cannot be typed is refused when
// it is made.
func TestPassphraseForms(t *testing.T) {
	t.Parallel()
	const wrong = "rong" // "Wrong." at the terminal
	for _, tc := range []struct {
		name, made, opened string
		without            string // a source that cannot carry it
		add, open          string // what is said; "": it works
	}{
		{name: "plain", made: "CANARY horse", opened: "CANARY horse"},
		{name: "composed", made: "CANARY \u00e9\u00e4\uac00", opened: "CANARY \u00e9\u00e4\uac00"},
		{name: "decomposed", made: "CANARY e\u0301a\u0308", opened: "CANARY e\u0301a\u0308"},
		{name: "composed, then decomposed", made: "CANARY \u00e9", opened: "CANARY e\u0301", open: wrong},
		{name: "space at the end", made: "CANARY ", opened: "CANARY "},
		{name: "space at the end left out", made: "CANARY ", opened: "CANARY", open: wrong},
		{name: "space at the beginning", made: "  CANARY", opened: "  CANARY"},
		{name: "only spaces", made: "   ", opened: "   "},
		{name: "tab", made: "CANARY\thorse\t", opened: "CANARY\thorse\t"},
		{name: "quotes and signs", made: `CANARY'"$\` + "`*;", opened: `CANARY'"$\` + "`*;"},
		{name: "not UTF-8", made: "CANARY\xff\xfe", opened: "CANARY\xff\xfe"},
		{name: "long", made: strings.Repeat("CANARY ", 500), opened: strings.Repeat("CANARY ", 500)},
		{name: "1 MiB", made: strings.Repeat("CANARY  ", 1<<17), without: "terminal variable", add: "longer than 4096 bytes"},
		{name: "1 MiB to open", made: "CANARY", opened: strings.Repeat("CANARY  ", 1<<17), without: "terminal variable", open: "longer than 4096 bytes"},
		{name: "NUL", made: "CANARY\x00horse", without: "terminal variable", add: "has a NUL byte in it"},
		{name: "empty", made: "", without: "terminal variable", add: "is empty"},
		{name: "empty to open", made: "CANARY", opened: "", without: "terminal variable", open: "is empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, way := range [][2]string{{"terminal", "descriptor"}, {"descriptor", "variable"}, {"variable", "terminal"}, {"descriptor", "descriptor"}} {
				if strings.Contains(tc.without, way[0]) || strings.Contains(tc.without, way[1]) {
					continue
				}
				h, all := newHouse(t), passphraseSources()
				h.write(playground.Config, ".aws", "config")
				delete(h.env, "FOB_PASSPHRASE")
				status, said := all[way[0]](h, tc.made, "fob add plain --env --no-add-config")
				wantSaid(t, fmt.Sprint("made by ", way[0]), status, said, tc.add)
				if tc.add != "" {
					if _, err := os.Stat(h.data("vault.age")); err == nil {
						t.Errorf("made by %s: a store was made", way[0])
					}
					continue
				}
				h.forgetKey()
				h.fob("lock")
				status, said = all[way[1]](h, tc.opened, "fob unlock")
				wantSaid(t, fmt.Sprintf("made by %s, opened by %s", way[0], way[1]), status, said, tc.open)
			}
		})
	}
}

// A person who types nothing gets a passphrase, which has to be typed to be taken;
// one who types more than a terminal carries is told so.
func TestPassphraseTyped(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.write(playground.Config, ".aws", "config")
	delete(h.env, "FOB_PASSPHRASE")
	s := h.sit(nil, "fob", "add", "plain", "--env", "--no-add-config")
	for _, step := range [][2]string{
		{"New passphrase: ", ""}, {"The passphrase, shown this once", ""}, {"The same again: ", "CANARY one"}, {"The two differ.", ""}, {"New passphrase: ", "CANARY one"},
		{"The same again: ", "CANARY two"}, {"The two differ.", ""}, {"New passphrase: ", strings.Repeat("CANARY  ", 1000)}, {"longer than 4094 bytes", ""},
	} {
		if s.asked(step[0]); strings.HasSuffix(step[0], ": ") {
			s.says(step[1])
		}
	}
	if status, said := s.end(); status.ExitStatus() != 4 || strings.Contains(said, "CANARY") {
		t.Errorf("status %d, %q", status.ExitStatus(), said)
	}
	if _, err := os.Stat(h.data("vault.age")); err == nil {
		t.Error("a store was made")
	}
}

func wantSaid(t *testing.T, how string, status int, said, want string) {
	t.Helper()
	if (status == 0) != (want == "") || !strings.Contains(said, want) {
		t.Errorf("%s: status %d, %q; want %q", how, status, said, want)
	}
	if strings.Contains(said, "CANARY") {
		t.Errorf("%s: the passphrase is shown: %q", how, said)
	}
}
