package unlock

import (
	"errors"
	"strings"
)

// maxAnswer is the longest answer in bytes. It is far above what anybody types
// and keeps a file that was redirected by mistake out of the key derivation.
const maxAnswer = 4096

const passphraseName = "passphrase"

// Passphrase is the kind that works everywhere.
func Passphrase() Kind {
	return Kind{
		Name: passphraseName, Asks: true, Choose: true,
		Help: "a passphrase that you type",
		Open: func(e Env) Unlocker {
			return newSlot(e, wording{
				name: passphraseName,
				noun: "passphrase",
				load: "Passphrase of the store",
				save: "New passphrase for the store",
				tidy: tidyPassphrase,
			})
		},
	}
}

// tidyPassphrase gives the bytes that open the slot: those that were typed,
// less the one line end that a file or a pipe adds. Spaces count, and so does
// the way in which an accent is encoded: the stock age program, which must
// open the same slot, changes nothing either.
func tidyPassphrase(text string) (string, error) {
	text = strings.TrimSuffix(text, "\n")
	text = strings.TrimSuffix(text, "\r")
	switch {
	case text == "":
		return "", errors.New("is empty")
	case len(text) > maxAnswer:
		return "", errors.New("is longer than 4096 bytes")
	case strings.ContainsAny(text, "\n\r"):
		return "", errors.New("has a line break in it, which no prompt can take")
	case strings.ContainsRune(text, 0):
		return "", errors.New("has a NUL byte in it, which no prompt can take")
	}
	return text, nil
}
