package sealkey

import (
	"bytes"
	"strings"
	"time"

	kernel "fob/internal/keep/keyring"
)

// keyring is a kernel keyring, which is memory only and which no other user
// reads. A key in it has a time limit that the kernel keeps.
type keyring struct {
	ring kernel.Ring
	home string // homeHash
}

func sessionKeyring(home string) keyring { return keyring{ring: kernel.Session, home: home} }

func userKeyring(home string) keyring { return keyring{ring: kernel.User, home: home} }

func (k keyring) description(holds string) string {
	word, _, _ := strings.Cut(holds, " ")
	return "fob:" + word + ":" + k.home
}

func (k keyring) find(holds string) (int, error) { return k.ring.Find(k.description(holds)) }

func (k keyring) load(holds string) ([]byte, error) {
	id, err := k.find(holds)
	if err != nil {
		return nil, err
	}
	return kernel.Read(id, maxFile)
}

// save makes a new key and never fills an old one anew, so that a key's number
// stands for what was read from it.
func (k keyring) save(holds string, data []byte, lasts time.Duration) error {
	_ = k.forget(holds)
	return k.ring.Add(k.description(holds), data, lasts)
}

func (k keyring) renew(holds string, data []byte, lasts time.Duration) error {
	id, err := k.find(holds)
	if err != nil {
		return err
	}
	return k.ring.Update(id, data, lasts)
}

func (k keyring) forget(holds string) error {
	id, err := k.find(holds)
	if err != nil {
		return nil // nothing there, or nothing that can be read either
	}
	return k.ring.Drop(id)
}

func (k keyring) erase(holds string, data []byte) error {
	id, err := k.find(holds)
	if err != nil {
		return nil
	}
	now, err := kernel.Read(id, maxFile)
	defer clear(now)
	if err != nil || !bytes.Equal(now, data) {
		return nil
	}
	return k.ring.Drop(id)
}
