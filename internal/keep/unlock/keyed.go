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
	"strings"

	"filippo.io/age"

	"fob/internal/cred"
)

// keeper is a place outside that keeps one short text for this vault: an item of
// the desktop's keyring, an entry of pass, a key in the kernel. An error reads
// on after the name of the kind. All but save and remove change nothing.
type keeper interface {
	// usable gives nil, or why the place cannot be used. It asks nobody.
	usable(context.Context) error
	// load gives the text, or errNoItem. The place may ask the person.
	load(context.Context) (cred.Secret, error)
	// save keeps the text in place of what was there.
	save(context.Context, cred.Secret) error
	// remove drops the text. One that is not there is no error.
	remove(context.Context) error
}

// mover is a keeper that has more than one place. move puts the text that it has
// where the settings want it, and asks the person where that needs it.
type mover interface {
	move(context.Context, cred.Secret) error
}

// locker is a keeper that can be shut; see Locker.
type locker interface {
	lock(context.Context) (what string, err error)
}

// noter is a keeper that tells what it wants before it gives the text; see Noter.
type noter interface {
	note(context.Context) string
}

// errNoItem says that the keeper has nothing for this vault.
var errNoItem = errors.New("it has no key for this store")

// keyed keeps the identity in an age file to a key of its own, which rests in a
// keeper. A thief needs both; a slot that was removed, or a keeper that lost its
// item, opens nothing. Without fob the stock age program opens the slot with
// what the keeper shows.
type keyed struct {
	kind   string // the name of the slot, too
	env    Env
	keeper keeper
}

func (s keyed) path() string { return filepath.Join(s.env.Dir, s.kind+".age") }

func (s keyed) Usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := s.read(); err != nil {
		return err
	}
	return s.failed(s.keeper.usable(ctx))
}

func (s keyed) Load(ctx context.Context) (cred.Secret, error) {
	if err := ctx.Err(); err != nil {
		return cred.Secret{}, err
	}
	file, err := s.read()
	if err != nil {
		return cred.Secret{}, err
	}
	text, err := s.keeper.load(ctx)
	if err != nil {
		return cred.Secret{}, s.failed(err)
	}
	key, err := itemKey(text)
	if err != nil {
		return cred.Secret{}, s.failed(err)
	}
	return s.open(file, key)
}

// Save uses the key that the keeper has already, so that a run that is cut off
// between item and slot leaves the old slot open.
func (s keyed) Save(ctx context.Context, identity cred.Secret) error {
	if !isIdentity(identity.Reveal()) {
		return errors.New("what should be kept in a slot is not a vault identity")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	key, err := s.key(ctx)
	if err != nil {
		return s.failed(err)
	}
	var file bytes.Buffer
	w, err := age.Encrypt(&file, key.Recipient())
	if err == nil {
		_, err = io.WriteString(w, identity.Reveal()+"\n")
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return fmt.Errorf("sealing a slot: %w", err)
	}
	return writeSlot(s.path(), file.Bytes(), identity, func(written []byte) (cred.Secret, error) { return s.open(written, key) })
}

// key gives the key that the keeper has, or lets it keep a new one and looks
// whether it does.
func (s keyed) key(ctx context.Context) (*age.X25519Identity, error) {
	text, err := s.keeper.load(ctx)
	if err == nil {
		if key, damaged := itemKey(text); damaged == nil {
			return key, s.move(ctx, text)
		}
	} else if !errors.Is(err, errNoItem) {
		return nil, err
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	if err := s.keeper.save(ctx, cred.NewSecret(key.String())); err != nil {
		return nil, err
	}
	kept, err := s.keeper.load(ctx)
	if err != nil {
		return nil, err
	}
	if again, err := itemKey(kept); err != nil || again.String() != key.String() {
		return nil, errors.New("it does not give back what it was given")
	}
	return key, nil
}

func (s keyed) move(ctx context.Context, text cred.Secret) error {
	if m, ok := s.keeper.(mover); ok {
		return m.move(ctx, text)
	}
	return nil
}

// Lock shuts the keeper where it can be shut and keeps something for this store.
func (s keyed) Lock(ctx context.Context) (what string, err error) {
	l, ok := s.keeper.(locker)
	if !ok {
		return "", nil
	}
	if _, err := os.Lstat(s.path()); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	what, err = l.lock(ctx)
	return what, s.failed(err)
}

// Note tells what the keeper wants first.
func (s keyed) Note(ctx context.Context) string {
	if n, ok := s.keeper.(noter); ok {
		return n.note(ctx)
	}
	return ""
}

// Forget removes the slot before the item: without the slot the item opens
// nothing.
func (s keyed) Forget(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	there := true
	if err := os.Remove(s.path()); errors.Is(err, fs.ErrNotExist) {
		there = false
	} else if err != nil {
		return fmt.Errorf("removing a slot: %w", err)
	}
	if there {
		if err := syncDir(s.env.Dir); err != nil {
			return err
		}
	}
	err := s.keeper.remove(ctx)
	if err != nil && !there && ctx.Err() == nil {
		return nil // there was no slot, and where nothing can be kept nothing is
	}
	return s.failed(err)
}

func (s keyed) read() ([]byte, error) {
	file, err := readSlot(s.env.Dir, s.path())
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(file, []byte("age-encryption.org/v1\n-> X25519 ")) {
		return nil, &SlotError{Path: s.path(), Why: "is not a slot of this kind, or damaged at its beginning"}
	}
	return file, nil
}

func (s keyed) open(file []byte, key *age.X25519Identity) (cred.Secret, error) {
	r, err := age.Decrypt(bytes.NewReader(file), key)
	if noMatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &noMatch) {
		return cred.Secret{}, &SlotError{Path: s.path(), Why: "does not open with the key that " + s.kind + " has for it, or is damaged"}
	}
	if err != nil {
		// The cause is left out: age quotes lines of the file in it.
		return cred.Secret{}, &SlotError{Path: s.path(), Why: "is damaged: its header was changed after it was written"}
	}
	return readIdentity(s.path(), r)
}

func (s keyed) failed(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return newKeeperError(s.kind, err)
}

// itemKey reads what a keeper gave. The error quotes nothing of it.
func itemKey(text cred.Secret) (*age.X25519Identity, error) {
	key, err := age.ParseX25519Identity(strings.TrimSpace(text.Reveal()))
	if err != nil {
		return nil, errors.New("what it has for this store is not the key of a slot")
	}
	return key, nil
}
