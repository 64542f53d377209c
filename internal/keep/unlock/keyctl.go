//go:build linux

package unlock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"fob/internal/cred"
	"fob/internal/keep/keyring"
)

func keyctl() Kind {
	return Kind{
		Name:      "keyctl",
		Help:      "the kernel's memory (keyctl), until this machine is started again",
		Forgets:   true,
		Show:      func(e Env) string { return "keyctl pipe \"$(keyctl search @u user " + kernelName(e) + ")\"" },
		Available: func(context.Context, Env) error { return kernelSays(keyring.User.MayAdd(kernelKey)) },
		Open: func(e Env) Unlocker {
			return keyed{kind: "keyctl", env: e, keeper: kernel{name: kernelName(e)}}
		},
	}
}

func kernelName(e Env) string { return "fob:slot:" + storeHash(e.Dir) }

// kernelKey is more than the bytes of a key and of its name.
const kernelKey = 256

// kernel keeps the text in the user keyring, where all logins of the user read
// it and no other user does. The key has no end: the slot it opens would be lost
// with it.
type kernel struct{ name string }

func (k kernel) usable(context.Context) error {
	_, err := k.find()
	return err
}

func (k kernel) find() (int, error) {
	id, err := keyring.User.Find(k.name)
	return id, kernelSays(err)
}

func (k kernel) load(context.Context) (cred.Secret, error) {
	id, err := k.find()
	if err != nil {
		return cred.Secret{}, err
	}
	data, err := keyring.Read(id, kernelKey)
	if err != nil {
		return cred.Secret{}, kernelSays(err)
	}
	defer clear(data)
	return cred.NewSecret(string(data)), nil
}

func (k kernel) save(_ context.Context, text cred.Secret) error {
	data := []byte(text.Reveal())
	defer clear(data)
	return kernelSays(keyring.User.Add(k.name, data, 0))
}

func (k kernel) remove(context.Context) error {
	id, err := k.find()
	if errors.Is(err, errNoItem) {
		return nil
	}
	if err != nil {
		return err
	}
	return kernelSays(keyring.User.Drop(id))
}

// kernelSays makes an error of the kernel's read on after "keyctl".
func kernelSays(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; the kernel forgets it when the machine is started again", errNoItem)
	}
	if refused := (*keyring.Error)(nil); errors.As(err, &refused) {
		return fmt.Errorf("%s: %w", refused.Doing, refused.Err)
	}
	return err
}
