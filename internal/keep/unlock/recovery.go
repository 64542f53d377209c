package unlock

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"fob/internal/cred"
)

// codeAlphabet is Crockford's base 32 (https://www.crockford.com/base32.html):
// no I, L, O, which are read as digits, and no U.
const codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const (
	codeLength = 30 // 29 random characters of 5 bits, and a check character
	codeGroup  = 5
)

const recoveryName = "recovery"

func recovery() Kind {
	return Kind{
		Name: recoveryName, Asks: true,
		Help: "a printed code, for the day the passphrase is lost",
		Open: Recovery,
	}
}

// Recovery opens the kind that a vault gets beside its usual one.
func Recovery(e Env) Unlocker {
	return newSlot(e, wording{
		name: recoveryName,
		noun: "recovery code",
		load: "Recovery code of the store",
		save: "New recovery code for the store",
		tidy: tidyCode,
	})
}

// NewRecoveryCode makes a code of 145 random bits in six groups of five. The
// code as it is printed is the passphrase of the slot, so that the stock age
// program opens it. An unlocker's Save takes the code as the answer to its
// question.
func NewRecoveryCode(random io.Reader) (cred.Secret, error) {
	raw := make([]byte, codeLength-1)
	if _, err := io.ReadFull(random, raw); err != nil {
		return cred.Secret{}, fmt.Errorf("making a recovery code: %w", err)
	}
	digits := make([]byte, 0, codeLength)
	for _, b := range raw {
		digits = append(digits, b&31)
	}
	return cred.NewSecret(printCode(append(digits, timesAlpha(residue(digits))))), nil
}

// tidyCode gives a typed code the form in which it was printed. The check
// character finds every single wrong character and every exchange of two, long
// before a key derivation would.
func tidyCode(text string) (string, error) {
	if len(text) > maxAnswer {
		return "", errors.New("is longer than 30 characters")
	}
	digits := make([]byte, 0, codeLength)
	for _, r := range strings.ToUpper(text) {
		switch r {
		case ' ', '-', '\t', '\n', '\r':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		at := strings.IndexRune(codeAlphabet, r)
		if at < 0 {
			return "", errors.New("has a character that no code has: codes are letters but U, and digits")
		}
		digits = append(digits, byte(at))
	}
	switch {
	case len(digits) == 0:
		return "", errors.New("is empty")
	case len(digits) != codeLength:
		return "", fmt.Errorf("has %d characters, and a code has %d", len(digits), codeLength)
	case residue(digits) != 0:
		return "", errors.New("has a typing error: its last character does not fit the others")
	}
	return printCode(digits), nil
}

func printCode(digits []byte) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && i%codeGroup == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(codeAlphabet[d])
	}
	return b.String()
}

// residue is the value of the polynomial with these digits at a generator of
// GF(32). Its order is 31, above the length of a code, so no two places weigh
// the same: that is why an exchange of any two characters shows.
func residue(digits []byte) byte {
	var sum byte
	for _, d := range digits {
		sum = timesAlpha(sum) ^ d
	}
	return sum
}

// timesAlpha multiplies by x in GF(2)[x] modulo x^5+x^2+1, which is primitive.
func timesAlpha(b byte) byte {
	b <<= 1
	if b&0x20 != 0 {
		b ^= 0x25
	}
	return b
}
