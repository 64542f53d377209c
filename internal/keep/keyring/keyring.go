//go:build linux

// Package keyring keeps small secrets in the kernel's keyrings (keyrings(7)),
// which are memory only and which no other user reads. It does not know what
// the secrets are. Other systems have nothing of it.
package keyring

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Ring is one of the keyrings that each process has.
type Ring int

const (
	// Session is shared by the processes of one login. Keys in it are for
	// processes that possess them, and for no others of the user.
	Session Ring = unix.KEY_SPEC_SESSION_KEYRING
	// User is shared by all processes of a user. Other logins see, read, find
	// and limit the keys in it although they do not possess them.
	User Ring = unix.KEY_SPEC_USER_KEYRING
)

// permissions of a key: the highest byte is for processes that possess it, the
// next for those of the same user.
func (r Ring) permissions() uint32 {
	if r == User {
		return 0x3f2b0000
	}
	return 0x3f000000
}

// Usable refuses a session keyring that is the user's shared one, for which the
// kernel reserves these names, and one that another user's login has handed down.
func (r Ring) Usable() error {
	if r == User {
		return nil
	}
	owner, _, name, err := r.describe()
	if err != nil {
		return err
	}
	if strings.HasPrefix(name, "_uid_ses.") || strings.HasPrefix(name, "_uid.") {
		return errors.New("this login has no session keyring of its own")
	}
	if owner != strconv.Itoa(os.Geteuid()) {
		return errors.New("the session keyring of this login belongs to another user, who reads what is in it")
	}
	return nil
}

// describe reads "keyring;UID;GID;PERM;NAME" (keyctl_describe(3)).
func (r Ring) describe() (owner, perm, name string, err error) {
	buf := make([]byte, 128)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_DESCRIBE, int(r), buf, 0)
	if err == nil && n > len(buf) { // nothing is copied then
		buf = make([]byte, n)
		n, err = unix.KeyctlBuffer(unix.KEYCTL_DESCRIBE, int(r), buf, 0)
	}
	if err != nil {
		return "", "", "", refused("describe", err)
	}
	fields := strings.SplitN(strings.TrimRight(string(buf[:min(n, len(buf))]), "\x00"), ";", 5)
	if len(fields) != 5 {
		return "", "", "", errors.New("the kernel describes the keyring in another way than keyctl_describe(3)")
	}
	return fields[1], fields[3], fields[4], nil
}

// Find gives the number of the key of this name; one that is not there is
// fs.ErrNotExist. Processes without a session keyring of their own get one that
// all processes of the user share, which is never looked into. The user keyring
// is linked into most session keyrings; what is found by that way rests in the
// user keyring.
func (r Ring) Find(name string) (int, error) {
	if err := r.Usable(); err != nil {
		return 0, err
	}
	id, err := unix.KeyctlSearch(int(r), "user", name, 0)
	if err != nil {
		return 0, refused("search", err)
	}
	if r == User {
		return id, nil
	}
	if linked, err := unix.KeyctlSearch(int(User), "user", name, 0); err == nil && linked == id {
		return 0, fs.ErrNotExist
	}
	return id, nil
}

// Read gives what the key holds, at most so many bytes of it.
func Read(id, most int) ([]byte, error) {
	data := make([]byte, most)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, data, 0)
	if err != nil {
		return nil, refused("read", err)
	}
	return data[:min(n, len(data))], nil
}

// Add makes a new key, which takes the place of one of the same name. It lasts
// so long, or with 0 until the kernel ends.
//
// The key is made in the keyring of this thread, where it is possessed and
// nobody else finds it, and comes into the ring when it is protected: in a
// session that the user keyring is not linked into, a key that was made right
// there could not be protected.
func (r Ring) Add(name string, data []byte, lasts time.Duration) error {
	if err := r.Usable(); err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const thread Ring = unix.KEY_SPEC_THREAD_KEYRING
	id, err := unix.AddKey("user", name, data, int(thread))
	if err != nil {
		return refused("add", err)
	}
	err = refused("protect", unix.KeyctlSetperm(id, r.permissions()))
	if err == nil && lasts != 0 {
		err = limit(id, lasts)
	}
	if err == nil {
		_, err = unix.KeyctlInt(unix.KEYCTL_LINK, id, int(r), 0, 0)
		err = refused("link", err)
	}
	// What cannot be removed here goes with the thread.
	if err != nil {
		_ = thread.Drop(id)
		return err
	}
	_, _ = unix.KeyctlInt(unix.KEYCTL_UNLINK, id, int(thread), 0, 0)
	return nil
}

// Update fills the key anew and limits it. One that cannot be limited is
// removed.
func (r Ring) Update(id int, data []byte, lasts time.Duration) error {
	if _, err := unix.KeyctlBuffer(unix.KEYCTL_UPDATE, id, data, 0); err != nil {
		return refused("update", err)
	}
	if err := limit(id, lasts); err != nil { // which the update has taken away
		return errors.Join(err, r.Drop(id))
	}
	return nil
}

// limit sets the kernel's own end.
func limit(id int, lasts time.Duration) error {
	seconds := int(max(lasts, time.Second) / time.Second)
	_, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, id, seconds, 0, 0)
	return refused("limit", err)
}

// Drop removes a key at once from every keyring, and its payload soon after.
// One that is not ours to invalidate is taken out of the ring. Only ever one
// key: a keyring is never cleared.
func (r Ring) Drop(id int) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_INVALIDATE, id, 0, 0, 0)
	if err == nil {
		return nil
	}
	if _, unlink := unix.KeyctlInt(unix.KEYCTL_UNLINK, id, int(r), 0, 0); unlink == nil {
		return nil
	}
	return refused("invalidate", err)
}
