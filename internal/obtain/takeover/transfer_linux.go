package takeover

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"math/big"

	"github.com/godbus/dbus/v5"
)

// transfer is a session of the Secret Service, in which secrets go over the bus
// encrypted (section "Transfer of Secrets" of the specification). key is nil
// where the service knows no encryption: the bus is then as private as its
// socket, which is the person's own.
type transfer struct {
	path dbus.ObjectPath
	key  []byte
}

// prime is that of the second Oakley group (RFC 2409 section 6.2), whose
// generator is 2.
const prime = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD" +
	"EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED" +
	"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF"

func (s *secrets) transfer() (transfer, error) {
	p, _ := new(big.Int).SetString(prime, 16)
	private, err := rand.Int(rand.Reader, p)
	if err != nil {
		return transfer{}, err
	}
	public := new(big.Int).Exp(big.NewInt(2), private, p)
	var theirs dbus.Variant
	var t transfer
	err = s.call(s.service, secretsService+".OpenSession", []any{"dh-ietf1024-sha256-aes128-cbc-pkcs7", dbus.MakeVariant(public.Bytes())}, &theirs, &t.path)
	if unknown := (dbus.Error{}); errors.As(err, &unknown) && unknown.Name == "org.freedesktop.DBus.Error.NotSupported" {
		return t, s.call(s.service, secretsService+".OpenSession", []any{"plain", dbus.MakeVariant("")}, &theirs, &t.path)
	}
	if err != nil {
		return t, err
	}
	peer, ok := theirs.Value().([]byte)
	n := new(big.Int).SetBytes(peer)
	if !ok || n.Cmp(big.NewInt(1)) <= 0 || n.Cmp(p) >= 0 {
		return t, errors.New("the service did not agree on a key for the transfer")
	}
	shared := n.Exp(n, private, p).FillBytes(make([]byte, len(prime)/2))
	t.key, err = hkdf.Key(sha256.New, shared, nil, "", aes.BlockSize)
	return t, err
}

// decrypt gives the text of a secret that came with these parameters.
func (t transfer) decrypt(iv, value []byte) ([]byte, error) {
	if t.key == nil {
		return value, nil
	}
	block, err := aes.NewCipher(t.key)
	if err != nil {
		return nil, err
	}
	if len(iv) != aes.BlockSize || len(value) == 0 || len(value)%aes.BlockSize != 0 {
		return nil, errors.New("the service sent what is not encrypted as agreed")
	}
	text := make([]byte, len(value))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, value)
	padding := int(text[len(text)-1])
	if padding == 0 || padding > aes.BlockSize {
		return nil, errors.New("the service sent what is not encrypted as agreed")
	}
	return text[:len(text)-padding], nil
}
