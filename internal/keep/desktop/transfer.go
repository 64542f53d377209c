package desktop

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"math/big"

	"github.com/godbus/dbus/v5"
)

// ErrPlain says that the service knows no encryption for what goes over the bus.
var ErrPlain = errors.New("it does not encrypt what goes over the bus")

var errCipher = errors.New("it sent what is not encrypted as agreed")

// transfer is a session of the Secret Service, in which secrets go over the bus
// encrypted (section "Transfer of Secrets" of the specification). key is nil in
// one that is not.
type transfer struct {
	path Path
	key  []byte
}

// prime is that of the second Oakley group (RFC 2409 section 6.2), whose
// generator is 2.
const prime = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD" +
	"EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED" +
	"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF"

// Encrypt agrees on a key for the secrets that are read and kept after it, or
// gives ErrPlain.
func (s *Secrets) Encrypt(ctx context.Context) error {
	p, _ := new(big.Int).SetString(prime, 16)
	private, err := rand.Int(rand.Reader, p)
	if err != nil {
		return err
	}
	public := new(big.Int).Exp(big.NewInt(2), private, p).FillBytes(make([]byte, len(prime)/2)) // KWallet wants its whole length
	theirs, t, err := s.openSession(ctx, "dh-ietf1024-sha256-aes128-cbc-pkcs7", public)
	if err != nil {
		return err
	}
	peer, ok := theirs.Value().([]byte)
	n := new(big.Int).SetBytes(peer)
	if !ok || n.Cmp(big.NewInt(1)) <= 0 || n.Cmp(new(big.Int).Sub(p, big.NewInt(1))) >= 0 {
		return errors.New("it did not agree on a key for what goes over the bus")
	}
	shared := n.Exp(n, private, p).FillBytes(make([]byte, len(prime)/2))
	t.key, err = hkdf.Key(sha256.New, shared, nil, "", aes.BlockSize)
	s.transfer = t
	return err
}

// Plain has secrets go over the bus as they are, which is as private as its
// socket. It is for reading what stands there already.
func (s *Secrets) Plain(ctx context.Context) error {
	_, t, err := s.openSession(ctx, "plain", "")
	s.transfer = t
	return err
}

func (s *Secrets) openSession(ctx context.Context, algorithm string, input any) (theirs dbus.Variant, t transfer, err error) {
	err = s.service().Call(ctx, secretsService+".OpenSession", []any{algorithm, dbus.MakeVariant(input)}, &theirs, &t.path)
	if refusal := (*ReplyError)(nil); errors.As(err, &refusal) && refusal.Name == "org.freedesktop.DBus.Error.NotSupported" {
		err = ErrPlain
	}
	return theirs, t, err
}

// decrypt gives the text of a secret that came with this initial vector.
func (t transfer) decrypt(iv, value []byte) ([]byte, error) {
	if t.key == nil {
		return value, nil
	}
	block, err := aes.NewCipher(t.key)
	if err != nil {
		return nil, err
	}
	if len(iv) != aes.BlockSize || len(value) == 0 || len(value)%aes.BlockSize != 0 {
		return nil, errCipher
	}
	text := make([]byte, len(value))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, value)
	padding := int(text[len(text)-1])
	if padding == 0 || padding > aes.BlockSize {
		return nil, errCipher
	}
	return text[:len(text)-padding], nil
}

// encrypt gives the initial vector, and a text as it goes over the bus.
func (t transfer) encrypt(text []byte) (iv, value []byte, err error) {
	if t.key == nil {
		return nil, nil, ErrPlain
	}
	block, err := aes.NewCipher(t.key)
	if err != nil {
		return nil, nil, err
	}
	padding := aes.BlockSize - len(text)%aes.BlockSize
	value = append(bytes.Clone(text), bytes.Repeat([]byte{byte(padding)}, padding)...)
	iv = make([]byte, aes.BlockSize)
	if _, err := rand.Read(iv); err != nil {
		return nil, nil, err
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(value, value)
	return iv, value, nil
}
