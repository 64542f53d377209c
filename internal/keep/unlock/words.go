package unlock

import (
	"crypto/rand"
	_ "embed"
	"fmt"
	"io"
	"math/big"
	"strings"

	"fob/internal/cred"
)

// passphraseWords are drawn for a passphrase: each of 7,776 words is worth 12.9
// bits, so six are 77 bits.
const passphraseWords = 6

// wordList is a word on each line, after comments.
//
//go:embed words.txt
var wordList string

// NewPassphrase draws a passphrase of six words, joined by hyphens.
func NewPassphrase(random io.Reader) (cred.Secret, error) {
	var words []string
	for line := range strings.Lines(wordList) {
		if !strings.HasPrefix(line, "#") {
			words = append(words, strings.TrimSpace(line))
		}
	}
	drawn := make([]string, passphraseWords)
	for i := range drawn {
		n, err := rand.Int(random, big.NewInt(int64(len(words))))
		if err != nil {
			return cred.Secret{}, fmt.Errorf("making a passphrase: %w", err)
		}
		drawn[i] = words[n.Int64()]
	}
	return cred.NewSecret(strings.Join(drawn, "-")), nil
}
