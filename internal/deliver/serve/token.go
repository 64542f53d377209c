package serve

import (
	"crypto/rand"
	"encoding/base64"
	"os"

	"fob/internal/cred"
)

// NewToken makes a token: 32 random bytes, in letters that a header may have.
func NewToken() cred.Secret {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return cred.NewSecret(base64.RawURLEncoding.EncodeToString(b))
}

// WriteToken writes the token's file for the user uid, which only root can give
// away. There is no line end: the Go SDK refuses one. What stands at path is
// replaced, and a link there is not followed.
func (g Grant) WriteToken(path string) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(g.Token.Reveal())
	if err == nil && g.UID != os.Geteuid() && os.Geteuid() == 0 {
		err = f.Chown(g.UID, -1)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
