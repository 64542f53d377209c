package cache

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"fob/internal/cred"
)

// A sealed file is its magic, whose last byte is the version of the format, a
// random nonce, and AES-256-GCM over the content. The magic and the name are
// authenticated too, so that a file put under another name does not open.
const (
	entryMagic = "fobc\x01"
	indexMagic = "fobi\x01"
	nonceSize  = 12
)

// extract is the first half of HKDF, which all subkeys have in common.
func extract(seal cred.Secret) []byte {
	root, err := hkdf.Extract(sha256.New, []byte(seal.Reveal()), nil)
	if err != nil {
		panic("cache: " + err.Error()) // only for a hash that FIPS 140 does not know
	}
	return root
}

// subkey gives a key for one use, so that no two uses can meet.
func subkey(root []byte, use string) []byte {
	key, err := hkdf.Expand(sha256.New, root, use, 32)
	if err != nil {
		panic("cache: " + err.Error()) // only for a length that HKDF cannot give
	}
	return key
}

// sealer seals and opens files. A nil one opens nothing.
type sealer struct{ aead cipher.AEAD }

func newSealer(root []byte) *sealer {
	block, err := aes.NewCipher(subkey(root, "fob cache v1"))
	if err != nil {
		panic("cache: " + err.Error()) // only for a key of another length
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("cache: " + err.Error()) // only for a block of another length
	}
	return &sealer{aead: aead}
}

// seal encrypts text. A nonce is drawn at random for each file: the chance of
// a second use stays under 2^-32 for 2^32 files of one epoch (NIST SP
// 800-38D, 8.3).
func (s *sealer) seal(magic, name string, text []byte) []byte {
	out := make([]byte, len(magic)+nonceSize, len(magic)+nonceSize+len(text)+s.aead.Overhead())
	copy(out, magic)
	nonce := out[len(magic):]
	_, _ = rand.Read(nonce) // never an error, says its documentation
	return s.aead.Seal(out, nonce, text, []byte(magic+name))
}

// open is false for everything that seal did not make with this key, magic and
// name. The text takes the place of what was sealed.
func (s *sealer) open(magic, name string, sealed []byte) ([]byte, bool) {
	head := len(magic) + nonceSize
	if s == nil || len(sealed) < head || string(sealed[:len(magic)]) != magic {
		return nil, false
	}
	text, err := s.aead.Open(sealed[head:head], sealed[len(magic):head], sealed[head:], []byte(magic+name))
	return text, err == nil
}

// namer makes names. Its key is a Secret so that no formatter prints it.
type namer struct{ key cred.Secret }

func newNamer(root []byte) namer {
	return namer{key: cred.NewSecret(string(subkey(root, "fob name v1")))}
}

func (n namer) name(parts []string) string {
	return hex.EncodeToString(mac([]byte(n.key.Reveal()), parts...))
}

// mac is HMAC-SHA256 over the parts, each after its length, so that moving a
// boundary changes it.
func mac(key []byte, parts ...string) []byte {
	text := make([]byte, 0, 512)
	for _, p := range parts {
		text = append(binary.BigEndian.AppendUint64(text, uint64(len(p))), p...)
	}
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return h.Sum(nil)
}
