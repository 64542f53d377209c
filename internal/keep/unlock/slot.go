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
	"runtime"
	"strings"

	"filippo.io/age"

	"fob/internal/cred"
	"fob/internal/keep/lock"
)

// maxSlot is the largest slot file that is read; real ones have 340 bytes.
const maxSlot = 8 << 10

// wording is what tells one typed kind from the other.
type wording struct {
	name       string // of the file
	noun       string // in messages
	load, save string // the questions
	tidy       func(string) (string, error)
}

// slot keeps the identity in an age file with one scrypt recipient, whose
// passphrase is the answer to a question.
type slot struct {
	path  string
	env   Env
	words wording
}

func newSlot(e Env, w wording) slot {
	return slot{path: filepath.Join(e.Dir, w.name+".age"), env: e, words: w}
}

func (s slot) Usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := s.read()
	return err
}

func (s slot) Load(ctx context.Context) (cred.Secret, error) {
	file, err := s.read()
	if err != nil {
		return cred.Secret{}, err
	}
	answer, err := s.ask(ctx, Question{Text: s.words.load})
	if err != nil {
		return cred.Secret{}, err
	}
	return s.open(file, answer)
}

func (s slot) Save(ctx context.Context, identity cred.Secret) error {
	if !isIdentity(identity.Reveal()) {
		return errors.New("what should be kept in a slot is not a vault identity")
	}
	if _, err := s.env.cost(); err != nil {
		return err
	}
	answer, err := s.ask(ctx, Question{Text: s.words.save, New: true})
	if err != nil {
		return err
	}
	file, err := s.seal(identity, answer)
	if err != nil {
		return err
	}
	return writeSlot(s.path, file, identity, func(written []byte) (cred.Secret, error) { return s.open(written, answer) })
}

func (s slot) Forget(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := os.Remove(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("removing a slot: %w", err)
	}
	return syncDir(s.env.Dir)
}

// ask gets one answer, in the form that the slot was sealed with. Asking again
// is for the caller, who knows whether anybody can think again.
func (s slot) ask(ctx context.Context, q Question) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	q.What = s.words.noun
	answer, err := s.env.Ask(ctx, q)
	if err != nil {
		return "", fmt.Errorf("asking for the %s: %w", s.words.noun, err)
	}
	text, err := s.words.tidy(answer.Reveal())
	if err != nil {
		return "", &AnswerError{What: s.words.noun, Why: err.Error()}
	}
	return text, ctx.Err()
}

// read gives the slot file once its header and cost are known to be sound, so
// that nobody is asked for a passphrase in vain.
func (s slot) read() ([]byte, error) {
	file, err := readSlot(s.env.Dir, s.path)
	if err != nil {
		return nil, err
	}
	cost, err := headerCost(file)
	if err != nil {
		return nil, &SlotError{Path: s.path, Why: err.Error()}
	}
	return file, enoughMemory(cost)
}

func (s slot) open(file []byte, answer string) (cred.Secret, error) {
	id, err := age.NewScryptIdentity(answer)
	if err != nil {
		return cred.Secret{}, fmt.Errorf("opening a slot: %w", err)
	}
	id.SetMaxWorkFactor(maxCost)
	r, err := age.Decrypt(bytes.NewReader(file), id)
	if noMatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &noMatch) {
		return cred.Secret{}, &WrongError{What: s.words.noun, Path: s.path}
	}
	if err != nil {
		// The cause is left out: age quotes lines of the file in it.
		return cred.Secret{}, &SlotError{Path: s.path, Why: "is damaged: its header was changed after it was written"}
	}
	return readIdentity(s.path, r)
}

// readSlot gives the bytes of a slot, or ErrNoSlot.
func readSlot(dir, path string) ([]byte, error) {
	file, err := []byte(nil), lock.CheckDir(dir)
	if err == nil {
		file, err = lock.ReadFile(path, maxSlot)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is not there", ErrNoSlot, path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a slot: %w", err)
	}
	return file, nil
}

// readIdentity gives what the opened slot at path holds.
func readIdentity(path string, r io.Reader) (cred.Secret, error) {
	plain, err := io.ReadAll(io.LimitReader(r, maxSlot))
	if err != nil {
		return cred.Secret{}, &SlotError{Path: path, Why: "is damaged: its content was cut or changed"}
	}
	text := strings.TrimSuffix(string(plain), "\n")
	if !isIdentity(text) {
		return cred.Secret{}, &SlotError{Path: path, Why: "holds no vault identity"}
	}
	return cred.NewSecret(text), nil
}

// seal makes the bytes of a slot, at the cost that Env asks for.
func (s slot) seal(identity cred.Secret, answer string) ([]byte, error) {
	cost, err := s.env.cost()
	if err != nil {
		return nil, err
	}
	if err := enoughMemory(cost); err != nil {
		return nil, err
	}
	began := s.env.time()
	file, err := sealAt(identity, answer, cost)
	if err != nil || s.env.WorkFactor != 0 || s.env.Cheap || s.env.Now == nil {
		return file, err
	}
	if s.env.time().Sub(began) < fastMachine && enoughMemory(cost+1) == nil {
		return sealAt(identity, answer, cost+1)
	}
	return file, nil
}

func sealAt(identity cred.Secret, answer string, cost int) ([]byte, error) {
	r, err := age.NewScryptRecipient(answer)
	if err != nil {
		return nil, fmt.Errorf("sealing a slot: %w", err)
	}
	r.SetWorkFactor(cost)
	var file bytes.Buffer
	w, err := age.Encrypt(&file, r)
	if err != nil {
		return nil, fmt.Errorf("sealing a slot: %w", err)
	}
	if _, err := io.WriteString(w, identity.Reveal()+"\n"); err != nil {
		return nil, fmt.Errorf("sealing a slot: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("sealing a slot: %w", err)
	}
	return file.Bytes(), nil
}

// writeSlot replaces a slot once the new bytes, read back, open to the identity.
// The old bytes are not kept: a passphrase that was changed must open nothing.
func writeSlot(path string, file []byte, identity cred.Secret, open func(file []byte) (cred.Secret, error)) error {
	if err := lock.MakeDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("writing a slot: %w", err)
	}
	verify := func(temp string) error {
		written, err := lock.ReadFile(temp, maxSlot)
		if err != nil {
			return err
		}
		got, err := open(written)
		if err != nil {
			return err
		}
		if !got.Equal(identity) {
			return errors.New("it opens to something else")
		}
		return nil
	}
	err := lock.WriteFile(path, file, lock.WriteOptions{Mode: 0o600, Verify: verify})
	if wrong := (*WrongError)(nil); errors.As(err, &wrong) {
		// The bytes on the disk went wrong, not the answer that made them.
		return &SlotError{Path: path, Why: "was not replaced: what was written does not read back"}
	}
	if err != nil {
		return fmt.Errorf("writing a slot: %w", err)
	}
	return nil
}

func isIdentity(text string) bool {
	_, err := age.ParseX25519Identity(text)
	return err == nil
}

// syncDir makes a removal durable: a slot that comes back after a power cut
// would open to a passphrase that its owner thinks is gone.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // a directory cannot be opened for this there
	}
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("removing a slot: %w", err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("removed the slot, but it may come back after a power cut: %w", err)
	}
	return nil
}
