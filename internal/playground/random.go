package playground

import (
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
)

const (
	canary   = "CANARY"
	letters  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" // base32, of key ids and MFA seeds
	base64ed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)

// source draws everything random from one seed, so that a test's fixed reader
// gives the same keys each time and no later read can fail.
type source struct {
	mu     sync.Mutex
	r      *rand.ChaCha8
	canary bool
}

func newSource(r io.Reader, canary bool) (*source, error) {
	var seed [32]byte
	if _, err := io.ReadFull(r, seed[:]); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	return &source{r: rand.NewChaCha8(seed), canary: canary}, nil
}

func (s *source) bytes(n int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := make([]byte, n)
	_, _ = s.r.Read(b) // never fails
	return b
}

// text draws n characters of an alphabet whose length divides 256.
func (s *source) text(n int, alphabet string) string {
	b := s.bytes(n)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

// secretText is text that hides CANARY in its middle when that was asked for.
func (s *source) secretText(n int, alphabet string) string {
	t := s.text(n, alphabet)
	if s.canary {
		t = t[:n/2] + canary + t[n/2+len(canary):]
	}
	return t
}

func (s *source) secretKey() string    { return s.secretText(40, base64ed) }
func (s *source) sessionToken() string { return "FwoGZXIvYXdzE" + s.secretText(347, base64ed) }
func (s *source) seed() string         { return s.secretText(64, letters) }
func (s *source) entityID(prefix string) string {
	return prefix + s.text(17, letters)
}

// requestID is a random UUID, the form that every AWS service gives.
func (s *source) requestID() string {
	b := s.bytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// keyID carries the account in bits 7 to 46 of its first six bytes, as AWS's
// own ids do, so that GetAccessKeyInfo can answer from the id alone.
func (s *source) keyID(prefix, account string) string {
	n, _ := strconv.ParseUint(account, 10, 40) // the fixture's ids are digits
	b := s.bytes(10)
	var head [8]byte
	binary.BigEndian.PutUint64(head[:], 1<<47|n<<7|uint64(b[5]&0x7f))
	copy(b, head[2:])
	return prefix + base32.StdEncoding.EncodeToString(b)
}

// accountOf reads the account back from a key id.
func accountOf(keyID string) (string, bool) {
	if len(keyID) != 20 {
		return "", false
	}
	b, err := base32.StdEncoding.DecodeString(keyID[4:])
	if err != nil {
		return "", false
	}
	head := append([]byte{0, 0}, b[:6]...)
	return fmt.Sprintf("%012d", binary.BigEndian.Uint64(head)&0x7fffffffff80>>7), true
}
