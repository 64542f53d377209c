package unlock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"filippo.io/age"

	"fob/internal/cred"
	"fob/internal/fault"
	"fob/internal/keep/lock"
)

// pluginKind is the kind's name and that of its slot.
const pluginKind = "plugin"

// pluginSetting is the option that names the file of the identity.
const pluginSetting = "identity"

func plugin() Kind {
	return Kind{
		Name: pluginKind,
		Help: "a device that an age plugin opens: TPM, Secure Enclave, FIDO2, YubiKey",
		Options: []Option{
			{Name: pluginSetting, Help: "file with the plugin's identity (AGE-PLUGIN-...), as age-plugin-NAME makes it"},
		},
		Available: func(_ context.Context, e Env) error {
			if !anyPlugin(e.Environ) {
				return errors.New("no age plugin is installed (age-plugin-tpm, age-plugin-yubikey, ...)")
			}
			return nil
		},
		Show: func(e Env) string { return "cat " + fault.Word(pluginSlot{env: e}.identityPath()) },
		Open: func(e Env) Unlocker { return pluginSlot{env: e, find: findPlugin, patience: pluginPatience} },
	}
}

// pluginSlot keeps the identity in an age file that a plugin opens, with the
// plugin's own identity in a file beside it. Neither is a secret; what is
// needed beside them is in the device. The stock age program opens the slot:
// age -d -i plugin.identity plugin.age.
type pluginSlot struct {
	env      Env
	find     func(name string, environ []string) (string, error)
	patience time.Duration
}

func (s pluginSlot) path() string         { return filepath.Join(s.env.Dir, pluginKind+".age") }
func (s pluginSlot) identityPath() string { return filepath.Join(s.env.Dir, pluginKind+".identity") }

func (s pluginSlot) client(name string) client {
	return client{name: name, env: s.env, find: s.find, patience: s.patience}
}

func (s pluginSlot) Usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, id, err := s.read()
	if err != nil {
		return err
	}
	_, err = s.find(id.name, s.env.Environ)
	return keeperFailed(err)
}

func (s pluginSlot) Load(ctx context.Context) (cred.Secret, error) {
	if err := ctx.Err(); err != nil {
		return cred.Secret{}, err
	}
	file, id, err := s.read()
	if err != nil {
		return cred.Secret{}, err
	}
	return s.open(ctx, file, id)
}

// Save makes the new slot and opens it by the plugin before it replaces
// anything. The identity's file has the new identity and the old one while the
// slot is replaced, so after a crash the slot that is there opens.
func (s pluginSlot) Save(ctx context.Context, identity cred.Secret) error {
	if !isIdentity(identity.Reveal()) {
		return errors.New("what should be kept in a slot is not a vault identity")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	id, err := s.wanted()
	if err != nil {
		return err
	}
	file, err := s.seal(ctx, identity, id)
	if err != nil {
		return err
	}
	got, err := s.open(ctx, file, id)
	if err != nil {
		return fmt.Errorf("trying the new slot: %w", err)
	}
	if !got.Equal(identity) {
		return &KeeperError{Kind: pluginKind, Why: errors.New("the new slot opens to something else")}
	}
	both := []pluginIdentity{id}
	if _, old, err := s.read(); err == nil && old != id {
		both = append(both, old)
	}
	if err := s.writeIdentities(both); err != nil {
		return err
	}
	err = writeSlot(s.path(), file, identity, func(written []byte) (cred.Secret, error) {
		if !bytes.Equal(written, file) {
			return cred.Secret{}, &WrongError{}
		}
		return got, nil
	})
	if err != nil {
		return err
	}
	return s.writeIdentities(both[:1])
}

// Forget removes the slot first: an identity without a slot opens nothing.
func (s pluginSlot) Forget(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	removed := false
	for _, path := range []string{s.path(), s.identityPath()} {
		err := os.Remove(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing a slot: %w", err)
		}
		removed = removed || err == nil
	}
	if !removed {
		return nil
	}
	return syncDir(s.env.Dir)
}

// read gives the slot and the identity that it was made for, once both are
// known to be whole, so that nobody touches a key or types a PIN in vain.
func (s pluginSlot) read() ([]byte, pluginIdentity, error) {
	none := pluginIdentity{}
	file, err := readSlot(s.env.Dir, s.path())
	if err != nil {
		return nil, none, err
	}
	kept, err := s.readIdentities()
	if err != nil {
		return nil, none, err
	}
	stanzas, err := slotStanzas(file)
	if err != nil {
		return nil, none, &SlotError{Path: s.path(), Why: "is not a slot of this kind, or damaged at its beginning"}
	}
	for _, id := range kept {
		if _, ok := sealedFor(stanzas, id); ok {
			return file, id, nil
		}
	}
	return nil, none, &SlotError{Path: s.path(), Why: "is damaged, or does not belong to plugin.identity beside it"}
}

// readIdentities gives what stands in the identity's file: one identity, or
// after a crash the one of the old slot, too.
func (s pluginSlot) readIdentities() ([]pluginIdentity, error) {
	text, err := lock.ReadFile(s.identityPath(), maxSlot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &SlotError{Path: s.identityPath(), Why: "is not there, and the slot does not open without it"}
	}
	if err != nil {
		return nil, fmt.Errorf("reading a slot: %w", err)
	}
	kept, err := parseIdentities(string(text))
	if err != nil {
		return nil, &SlotError{Path: s.identityPath(), Why: err.Error()}
	}
	return kept, nil
}

func (s pluginSlot) writeIdentities(ids []pluginIdentity) error {
	text := renderIdentities(ids)
	if kept, err := s.readIdentities(); err == nil && slices.Equal(kept, ids) {
		return nil
	}
	if err := lock.MakeDir(s.env.Dir); err != nil {
		return fmt.Errorf("writing a slot: %w", err)
	}
	err := lock.WriteFile(s.identityPath(), []byte(text), lock.WriteOptions{Mode: 0o600})
	if err != nil {
		return fmt.Errorf("writing a slot: %w", err)
	}
	return nil
}

// wanted is the identity for a new slot: that of the setting, or the kept one.
func (s pluginSlot) wanted() (pluginIdentity, error) {
	path := s.env.Settings[pluginSetting]
	if path != "" {
		id, err := importIdentity(path)
		if err != nil {
			return pluginIdentity{}, &KeeperError{Kind: pluginKind, Why: err}
		}
		return id, nil
	}
	if _, id, err := s.read(); err == nil {
		return id, nil
	}
	kept, err := s.readIdentities()
	if err != nil || len(kept) != 1 {
		return pluginIdentity{}, &KeeperError{Kind: pluginKind, Why: errors.New("the file with the plugin's identity has to be named"), Mend: "name the file that age-plugin-NAME made: --" + pluginSetting + " FILE"}
	}
	return kept[0], nil
}

func (s pluginSlot) seal(ctx context.Context, identity cred.Secret, id pluginIdentity) ([]byte, error) {
	var file bytes.Buffer
	sealer := &pluginSealer{ctx: ctx, client: s.client(id.name), id: id}
	w, err := age.Encrypt(&file, sealer)
	if sealer.err != nil {
		return nil, keeperFailed(sealer.err)
	}
	if err != nil {
		return nil, fmt.Errorf("sealing a slot: %w", err)
	}
	if _, err := io.WriteString(w, identity.Reveal()+"\n"); err != nil {
		return nil, fmt.Errorf("sealing a slot: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("sealing a slot: %w", err)
	}
	if file.Len() > maxSlot {
		return nil, &KeeperError{Kind: pluginKind, Why: errors.New(sealer.client.title() + " makes slots that are too large")}
	}
	return file.Bytes(), nil
}

func (s pluginSlot) open(ctx context.Context, file []byte, id pluginIdentity) (cred.Secret, error) {
	opener := &pluginOpener{ctx: ctx, client: s.client(id.name), id: id}
	r, err := age.Decrypt(bytes.NewReader(file), opener)
	if opener.err != nil {
		return cred.Secret{}, keeperFailed(opener.err)
	}
	if err != nil {
		// The cause is left out: age quotes lines of the file in it.
		return cred.Secret{}, &SlotError{Path: s.path(), Why: "does not open with the key that " + opener.client.title() + " gave, or is damaged"}
	}
	return readIdentity(s.path(), r)
}

// keeperFailed is err as the kind's; the end of a context stays what it is.
func keeperFailed(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return newKeeperError(pluginKind, err)
}
