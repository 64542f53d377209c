package unlock

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const goodCode = "CANAR-Y0R1G-HT0C0-DE000-00000-00F0W"

func TestTidyCode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, typed, want, err string }{
		{name: "as printed", typed: goodCode, want: goodCode},
		{name: "lower case", typed: strings.ToLower(goodCode), want: goodCode},
		{name: "no dashes", typed: strings.ReplaceAll(goodCode, "-", ""), want: goodCode},
		{name: "spaces, tabs, line end", typed: " CANAR Y0R1G\tHT0C0 DE000 00000 00F0W \r\n", want: goodCode},
		{name: "letters read for digits", typed: "CANAR-YoRiG-HTOCO-DEooo-OOOOO-OOFOW", want: goodCode},
		{name: "l for one", typed: "CANAR-Y0RlG-HT0C0-DE000-00000-00F0W", want: goodCode},
		{name: "empty", typed: "", err: "is empty"},
		{name: "only dashes", typed: "-----", err: "is empty"},
		{name: "a group short", typed: "CANAR-Y0R1G-HT0C0-DE000-00000", err: "has 25 characters, and a code has 30"},
		{name: "a group more", typed: goodCode + "-00000", err: "has 35 characters, and a code has 30"},
		{name: "U", typed: "UANAR-Y0R1G-HT0C0-DE000-00000-00F0W", err: "has a character that no code has: codes are letters but U, and digits"},
		{name: "not ASCII", typed: "ÇANAR-Y0R1G-HT0C0-DE000-00000-00F0W", err: "has a character that no code has: codes are letters but U, and digits"},
		{name: "one wrong", typed: "CANAR-Y0R1G-HT0C0-DE000-00000-00F0X", err: "has a typing error: its last character does not fit the others"},
		{name: "two exchanged", typed: "ACNAR-Y0R1G-HT0C0-DE000-00000-00F0W", err: "has a typing error: its last character does not fit the others"},
		{name: "1 MiB", typed: strings.Repeat("0", 1<<20), err: "is longer than 30 characters"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := tidyCode(tc.typed)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if got != tc.want || text != tc.err {
				t.Errorf("got %q, %q, want %q, %q", got, text, tc.want, tc.err)
			}
		})
	}
}

func TestNewRecoveryCode(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{5}-){5}[0-9A-HJKMNP-TV-Z]{5}$`)
	seen := map[string]bool{}
	for range 100 {
		code, err := NewRecoveryCode(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		text := code.Reveal()
		if got, err := tidyCode(text); err != nil || got != text || !shape.MatchString(text) || seen[text] {
			t.Fatalf("the code %q tidies to %q (%v), or came twice", text, got, err)
		}
		seen[text] = true
	}
	if _, err := NewRecoveryCode(bytes.NewReader(make([]byte, 28))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a code without enough randomness: %v", err)
	}
}

// Any one wrong character and any exchange of two characters is told before
// the slow part.
func TestCodeTypos(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		code, err := NewRecoveryCode(bytes.NewReader(rapid.SliceOfN(rapid.Byte(), 29, 29).Draw(t, "random")))
		if err != nil {
			t.Fatal(err)
		}
		text := []byte(strings.ReplaceAll(code.Reveal(), "-", ""))
		i, j := rapid.IntRange(0, 29).Draw(t, "i"), rapid.IntRange(0, 29).Draw(t, "j")
		other := rapid.SampledFrom([]byte(codeAlphabet)).Draw(t, "other")

		changed := bytes.Clone(text)
		changed[i] = other
		if _, err := tidyCode(string(changed)); (err == nil) != (other == text[i]) {
			t.Errorf("%s with %c at %d: %v", text, other, i, err)
		}
		swapped := bytes.Clone(text)
		swapped[i], swapped[j] = swapped[j], swapped[i]
		if _, err := tidyCode(string(swapped)); (err == nil) != (text[i] == text[j]) {
			t.Errorf("%s with %d and %d exchanged: %v", text, i, j, err)
		}
	})
}
