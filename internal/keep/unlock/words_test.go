package unlock_test

import (
	"crypto/rand"
	"errors"
	"io"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"fob/internal/keep/unlock"
)

// What six words are worth hangs on the list: 7,776 of them, each once.
func TestWordList(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("words.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen, word := map[string]bool{}, regexp.MustCompile(`^[a-z-]{3,9}$`)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		if !word.MatchString(line) || seen[line] {
			t.Errorf("%q is no word, or there twice", line)
		}
		seen[line] = true
	}
	if bits := 6 * math.Log2(float64(len(seen))); len(seen) != 7776 || bits < 77 {
		t.Errorf("%d words, so six are worth %.1f bits", len(seen), bits)
	}
}

func TestNewPassphrase(t *testing.T) {
	t.Parallel()
	one, err := unlock.NewPassphrase(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	two, err := unlock.NewPassphrase(rand.Reader)
	if err != nil || two.Equal(one) {
		t.Errorf("twice the same, or %v", err)
	}
	if n := strings.Count(one.Reveal(), "-"); n < 5 {
		t.Errorf("%d hyphens between six words", n)
	}
	if _, err := unlock.NewPassphrase(iotest.ErrReader(io.ErrUnexpectedEOF)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("without chance: %v", err)
	}
}
