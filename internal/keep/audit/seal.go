package audit

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"

	"fob/internal/cred"
)

// A sealed line is the version of its format, the sum of the line before it, a
// random nonce, and AES-256-GCM over the text. What stands before the text is
// authenticated with it.
const (
	version   = 1
	nonceSize = 12
	headSize  = 1 + sha256.Size
	keySize   = 32
)

// Key gives the key of the record that belongs to a store's identity:
// HKDF-SHA256 (RFC 5869). It does not end with an epoch, as the seal key does:
// what was recorded stays to be read.
func Key(identity cred.Secret) cred.Secret {
	key, err := hkdf.Key(sha256.New, []byte(identity.Reveal()), nil, "fob log v1", keySize)
	if err != nil {
		panic("audit: " + err.Error()) // only for a length that HKDF cannot give
	}
	return cred.NewSecret(string(key))
}

// sealer seals lines. One without a key does nothing.
type sealer struct{ aead cipher.AEAD }

func newSealer(key cred.Secret) sealer {
	if key.IsZero() {
		return sealer{}
	}
	block, err := aes.NewCipher([]byte(key.Reveal()))
	if err != nil {
		return sealer{} // a key of another length is none
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("audit: " + err.Error()) // only for a block of another length
	}
	return sealer{aead: aead}
}

func (s sealer) seal(before [sha256.Size]byte, text []byte) []byte {
	head := append([]byte{version}, before[:]...)
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // never an error, says its documentation
	return s.aead.Seal(append(head, nonce...), nonce, text, head)
}

// open also gives the sum of the line that was before it.
func (s sealer) open(sealed []byte) (before [sha256.Size]byte, text []byte, ok bool) {
	if len(sealed) < headSize+nonceSize || sealed[0] != version {
		return before, nil, false
	}
	head, nonce := sealed[:headSize], sealed[headSize:headSize+nonceSize]
	copy(before[:], head[1:])
	text, err := s.aead.Open(nil, nonce, sealed[headSize+nonceSize:], head)
	return before, text, err == nil
}
