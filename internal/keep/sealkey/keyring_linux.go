package sealkey

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Permissions of a key (keyrings(7)): the highest byte is for processes that
// possess it, the next for those of the same user.
const (
	possessorOnly = 0x3f000000
	// sameUser lets other logins of the user see, read, find and set the
	// time limit of the key, although they do not possess it.
	sameUser = 0x3f2b0000
)

// keyring is a kernel keyring, which is memory only and which no other user
// reads. A key in it has a time limit that the kernel keeps.
type keyring struct {
	ring    int // KEY_SPEC_...
	session bool
	perm    uint32
	home    string // homeHash
}

func sessionKeyring(home string) keyring {
	return keyring{ring: unix.KEY_SPEC_SESSION_KEYRING, session: true, perm: possessorOnly, home: home}
}

func userKeyring(home string) keyring {
	return keyring{ring: unix.KEY_SPEC_USER_KEYRING, perm: sameUser, home: home}
}

func (k keyring) description(holds string) string {
	word, _, _ := strings.Cut(holds, " ")
	return "fob:" + word + ":" + k.home
}

func (k keyring) load(holds string) ([]byte, error) {
	id, err := k.find(holds)
	if err != nil {
		return nil, err
	}
	return payload(id)
}

func payload(id int) ([]byte, error) {
	data := make([]byte, maxFile)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, data, 0)
	if err != nil {
		return nil, keyctlError("read", err)
	}
	return data[:min(n, len(data))], nil
}

// save makes a new key and never fills an old one anew, so that a key's number
// stands for what was read from it.
func (k keyring) save(holds string, data []byte, lasts time.Duration) error {
	if err := k.real(); err != nil {
		return err
	}
	_ = k.forget(holds)
	id, err := unix.AddKey("user", k.description(holds), data, k.ring)
	if err != nil {
		return keyctlError("add", err)
	}
	// Until the next line the key has the kernel's own permissions, which
	// let only its possessor read it.
	if err := unix.KeyctlSetperm(id, k.perm); err != nil {
		return errors.Join(keyctlError("protect", err), k.drop(id))
	}
	return k.limit(id, lasts)
}

func (k keyring) renew(holds string, data []byte, lasts time.Duration) error {
	id, err := k.find(holds)
	if err != nil {
		return err
	}
	if _, err := unix.KeyctlBuffer(unix.KEYCTL_UPDATE, id, data, 0); err != nil {
		return keyctlError("update", err)
	}
	return k.limit(id, lasts) // which the update has taken away
}

func (k keyring) forget(holds string) error {
	id, err := k.find(holds)
	if err != nil {
		return nil // nothing there, or nothing that can be read either
	}
	return k.drop(id)
}

func (k keyring) erase(holds string, data []byte) error {
	id, err := k.find(holds)
	if err != nil {
		return nil
	}
	now, err := payload(id)
	defer clear(now)
	if err != nil || !bytes.Equal(now, data) {
		return nil
	}
	return k.drop(id)
}

// find looks for the key. Processes without a session keyring of their own get
// one that all processes of the user share, which is never looked into. The
// user keyring is linked into most session keyrings; what is found by that way
// rests in the user keyring.
func (k keyring) find(holds string) (int, error) {
	if err := k.real(); err != nil {
		return 0, err
	}
	name := k.description(holds)
	id, err := unix.KeyctlSearch(k.ring, "user", name, 0)
	if err != nil {
		return 0, keyctlError("search", err)
	}
	if !k.session {
		return id, nil
	}
	if linked, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, "user", name, 0); err == nil && linked == id {
		return 0, fs.ErrNotExist
	}
	return id, nil
}

// real refuses a session keyring that is the user's shared one. The kernel
// describes a keyring as "keyring;UID;GID;PERM;NAME" (keyctl_describe(3)), and
// reserves these names for the shared ones.
func (k keyring) real() error {
	if !k.session {
		return nil
	}
	buf := make([]byte, 128)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_DESCRIBE, k.ring, buf, 0)
	if err != nil {
		return keyctlError("describe", err)
	}
	if n > len(buf) {
		return nil // a long name, of which nothing is copied: a real one
	}
	text := string(buf[:n])
	name := strings.TrimRight(text[strings.LastIndexByte(text, ';')+1:], "\x00")
	if strings.HasPrefix(name, "_uid_ses.") || strings.HasPrefix(name, "_uid.") {
		return errors.New("this login has no session keyring of its own")
	}
	return nil
}

// limit sets the kernel's own end. A key without one must not stay.
func (k keyring) limit(id int, lasts time.Duration) error {
	seconds := int(max(lasts, time.Second) / time.Second)
	if _, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, id, seconds, 0, 0); err != nil {
		return errors.Join(keyctlError("limit", err), k.drop(id))
	}
	return nil
}

// drop removes a key at once from every keyring, and its payload soon after.
// Where the user keyring is not linked into the session, a key just added is
// not ours to invalidate, but can be taken out of the ring. Only ever one key:
// a keyring is never cleared.
func (k keyring) drop(id int) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_INVALIDATE, id, 0, 0, 0)
	if err == nil {
		return nil
	}
	if _, unlink := unix.KeyctlInt(unix.KEYCTL_UNLINK, id, k.ring, 0, 0); unlink == nil {
		return nil
	}
	return keyctlError("invalidate", err)
}

// keyctlError says in words what the usual refusals mean.
func keyctlError(doing string, err error) error {
	switch {
	case errors.Is(err, unix.ENOKEY), errors.Is(err, unix.EKEYEXPIRED), errors.Is(err, unix.EKEYREVOKED) && doing != "describe":
		return fmt.Errorf("keyctl %s: %w (%w)", doing, fs.ErrNotExist, err)
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("keyctl %s: not permitted, as in many containers: %w", doing, err)
	case errors.Is(err, unix.ENOSYS):
		return fmt.Errorf("keyctl %s: this kernel has no keyrings: %w", doing, err)
	case errors.Is(err, unix.EDQUOT):
		return fmt.Errorf("keyctl %s: the user's share of keys is used up: %w", doing, err)
	}
	return fmt.Errorf("keyctl %s: %w", doing, err)
}
