// Package unlocktest is the contract of every unlocker, as a test suite. It
// knows the interface only, and looks at the files that an unlocker leaves in
// its folder.
package unlocktest

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/keep/unlock"
)

// What the suite answers. All are recovery codes with a right check character,
// and so any kind that asks for text takes them.
const (
	right = "CANAR-Y0R1G-HT0C0-DE000-00000-00F0W"
	wrong = "CANAR-Y0WR0-NG0C0-DE000-00000-00F05"
	newer = "CANAR-Y0SEC-0ND0C-0DE00-00000-00F0F"
)

// What the suite keeps: two age keys that open nothing anywhere.
const (
	first  = "AGE-SECRET-KEY-1CANARYQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQY7UKZ"
	second = "AGE-SECRET-KEY-1CANARYANEWERQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ609RZG"
)

// Run checks what open makes against the contract. open gets an environment
// with a folder of its own, which is not there yet, and cheap fixtures.
func Run(t *testing.T, open func(t *testing.T, env unlock.Env) unlock.Unlocker) { run(t, open, 1) }

// RunSparsely is Run for a live service, which thousands of calls at once would
// only overload: it changes every 16th byte of a slot. The code that notices is the
// same for every keeper, and Run has it whole.
func RunSparsely(t *testing.T, open func(t *testing.T, env unlock.Env) unlock.Unlocker) {
	run(t, open, 16)
}

func run(t *testing.T, open func(t *testing.T, env unlock.Env) unlock.Unlocker, step int) {
	for _, tc := range []struct {
		name string
		run  func(*testing.T, *subject)
	}{
		{"nothing kept", nothingKept},
		{"round trip", roundTrip},
		{"save replaces", saveReplaces},
		{"forget", forget},
		{"wrong answer", wrongAnswer},
		{"no answer", noAnswer},
		{"cancelled", cancelled},
		{"not an identity", notIdentity},
		{"what rests", whatRests},
		{"unsafe modes", unsafeModes},
		{"every byte changed", everyByte},
		{"every length", everyLength},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := &subject{open: open, step: step, dir: filepath.Join(t.TempDir(), "slots")}
			tc.run(t, s)
		})
	}
}

// subject is one folder of slots.
type subject struct {
	open  func(*testing.T, unlock.Env) unlock.Unlocker
	dir   string
	step  int // from one changed byte to the next
	asked []unlock.Question
}

// with opens an unlocker on the folder whose questions get this answer, or err.
func (s *subject) with(t *testing.T, answer string, err error) unlock.Unlocker {
	t.Helper()
	return s.open(t, unlock.Env{
		Dir:   s.dir,
		Cheap: true,
		Now:   func() time.Time { return time.Unix(1767323045, 0) },
		Ask: func(_ context.Context, q unlock.Question) (cred.Secret, error) {
			s.asked = append(s.asked, q)
			return cred.NewSecret(answer), err
		},
	})
}

func (s *subject) save(t *testing.T, answer, identity string) {
	t.Helper()
	if err := s.with(t, answer, nil).Save(t.Context(), cred.NewSecret(identity)); err != nil {
		t.Fatalf("Save: %v", err)
	}
}

func (s *subject) wantLoad(t *testing.T, answer, identity string) {
	t.Helper()
	got, err := s.with(t, answer, nil).Load(t.Context())
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if !got.Equal(cred.NewSecret(identity)) {
		t.Fatal("Load gave another identity than was saved")
	}
}

// files gives every regular file below the folder, by path.
func (s *subject) files(t *testing.T) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found[path], err = os.ReadFile(path)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return found
}

func nothingKept(t *testing.T, s *subject) {
	u := s.with(t, right, nil)
	if err := u.Usable(t.Context()); !errors.Is(err, unlock.ErrNoSlot) {
		t.Errorf("Usable = %v, want ErrNoSlot", err)
	}
	if _, err := u.Load(t.Context()); !errors.Is(err, unlock.ErrNoSlot) {
		t.Errorf("Load = %v, want ErrNoSlot", err)
	}
	if err := u.Forget(t.Context()); err != nil {
		t.Errorf("Forget of nothing = %v", err)
	}
	if len(s.asked) > 0 {
		t.Errorf("asked %+v for a slot that is not there", s.asked)
	}
}

func roundTrip(t *testing.T, s *subject) {
	s.save(t, right, first)
	if len(s.asked) > 1 || len(s.asked) == 1 && !s.asked[0].New {
		t.Errorf("Save asked %+v, want one new secret at most", s.asked)
	}
	if err := s.with(t, right, nil).Usable(t.Context()); err != nil {
		t.Errorf("Usable = %v", err)
	}
	s.asked = nil
	s.wantLoad(t, right, first)
	if len(s.asked) > 1 || len(s.asked) == 1 && s.asked[0].New {
		t.Errorf("Load asked %+v, want the kept secret once at most", s.asked)
	}
}

func saveReplaces(t *testing.T, s *subject) {
	s.save(t, right, first)
	before := s.files(t)
	s.save(t, newer, second)
	s.wantLoad(t, newer, second)
	if len(before) == 0 || len(s.asked) == 0 {
		return // there was no answer before
	}
	_, err := s.with(t, right, nil).Load(t.Context())
	if w := (*unlock.WrongError)(nil); !errors.As(err, &w) {
		t.Errorf("Load with the answer before = %v, want *WrongError", err)
	}
	for path, data := range s.files(t) {
		for _, old := range before {
			if bytes.Equal(data, old) {
				t.Errorf("%s still opens to the answer before", path)
			}
		}
	}
}

func forget(t *testing.T, s *subject) {
	s.save(t, right, first)
	if err := s.with(t, right, nil).Forget(t.Context()); err != nil {
		t.Fatalf("Forget: %v", err)
	}
	if _, err := s.with(t, right, nil).Load(t.Context()); !errors.Is(err, unlock.ErrNoSlot) {
		t.Errorf("Load after Forget = %v, want ErrNoSlot", err)
	}
	if left := s.files(t); len(left) > 0 {
		t.Errorf("Forget left %d files", len(left))
	}
}

func wrongAnswer(t *testing.T, s *subject) {
	s.save(t, right, first)
	s.asked = nil
	_, err := s.with(t, wrong, nil).Load(t.Context())
	if len(s.asked) == 0 {
		return
	}
	if w := (*unlock.WrongError)(nil); !errors.As(err, &w) {
		t.Fatalf("Load = %v, want *WrongError", err)
	}
	if !strings.HasPrefix(err.Error(), "wrong ") || strings.Contains(err.Error(), "CANAR") {
		t.Errorf("the error reads %q", err)
	}
	s.wantLoad(t, right, first)
}

func noAnswer(t *testing.T, s *subject) {
	s.save(t, right, first)
	before := s.files(t)
	s.asked = nil
	refusal := errors.New("nobody is there")
	u := s.with(t, "", refusal)
	if _, err := u.Load(t.Context()); len(s.asked) > 0 && !errors.Is(err, refusal) {
		t.Errorf("Load = %v, want what Ask said", err)
	}
	s.asked = nil
	if err := u.Save(t.Context(), cred.NewSecret(second)); len(s.asked) > 0 && !errors.Is(err, refusal) {
		t.Errorf("Save = %v, want what Ask said", err)
	}
	s.asked = nil
	err := s.with(t, "", nil).Save(t.Context(), cred.NewSecret(second))
	if a := (*unlock.AnswerError)(nil); len(s.asked) > 0 && !errors.As(err, &a) {
		t.Errorf("Save with an empty answer = %v, want *AnswerError", err)
	}
	if len(s.asked) > 0 {
		s.wantSame(t, before)
	}
}

func (s *subject) wantSame(t *testing.T, before map[string][]byte) {
	t.Helper()
	after := s.files(t)
	for path, data := range before {
		if !bytes.Equal(after[path], data) {
			t.Errorf("%s changed", path)
		}
	}
	if len(after) != len(before) {
		t.Errorf("there are %d files, want %d", len(after), len(before))
	}
}

func cancelled(t *testing.T, s *subject) {
	s.save(t, right, first)
	before := s.files(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	u := s.with(t, right, nil)
	_, loaded := u.Load(ctx)
	for name, err := range map[string]error{
		"Usable": u.Usable(ctx),
		"Load":   loaded,
		"Save":   u.Save(ctx, cred.NewSecret(second)),
		"Forget": u.Forget(ctx),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v, want the context's end", name, err)
		}
	}
	s.wantSame(t, before)
}

func notIdentity(t *testing.T, s *subject) {
	s.save(t, right, first)
	for _, text := range []string{"", "CANARY", "AGE-SECRET-KEY-1CANARY", first + "\n" + second} {
		err := s.with(t, right, nil).Save(t.Context(), cred.NewSecret(text))
		if err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("Save of what is no identity = %v", err)
		}
	}
	s.wantLoad(t, right, first)
}

func whatRests(t *testing.T, s *subject) {
	s.save(t, right, first)
	for path, data := range s.files(t) {
		for _, leak := range []string{first, strings.ToLower(first), right, strings.ReplaceAll(right, "-", ""), "CANAR"} {
			if bytes.Contains(data, []byte(leak)) || strings.Contains(path, leak) {
				t.Errorf("%s shows a secret", path)
			}
		}
		wantMode(t, path, 0o600)
		wantMode(t, filepath.Dir(path), 0o700)
	}
	before := s.files(t)
	s.save(t, right, first)
	for path, data := range s.files(t) {
		if strings.HasSuffix(path, ".age") && bytes.Equal(data, before[path]) { // other files hold no secret
			t.Errorf("%s: the same identity under the same answer gave the same bytes", path)
		}
	}
}

func wantMode(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); runtime.GOOS != "windows" && got != mode {
		t.Errorf("%s has mode %o, want %o", path, got, mode)
	}
}

func unsafeModes(t *testing.T, s *subject) {
	if runtime.GOOS == "windows" {
		return // modes say nothing there
	}
	s.save(t, right, first)
	for path := range s.files(t) {
		for _, p := range []string{path, s.dir} {
			info, err := os.Stat(p)
			if err != nil {
				t.Fatal(err)
			}
			s.wantRefused(t, p, info.Mode().Perm()|0o044)
			if err := os.Chmod(p, info.Mode().Perm()); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.wantLoad(t, right, first)
}

func (s *subject) wantRefused(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	s.asked = nil
	u := s.with(t, right, nil)
	_, err := u.Load(t.Context())
	if usable := u.Usable(t.Context()); err == nil || usable == nil || len(s.asked) > 0 {
		t.Errorf("%s with mode %o: Load = %v, Usable = %v after %d questions; others may have read it", path, mode, err, usable, len(s.asked))
	}
}

// everyByte changes one bit of each byte, another one each time.
func everyByte(t *testing.T, s *subject) {
	s.save(t, right, first)
	for path, data := range s.files(t) {
		for i := 0; i < len(data); i += s.step {
			changed := bytes.Clone(data)
			changed[i] ^= 1 << (i % 8)
			s.wantDamaged(t, path, changed)
		}
		restore(t, path, data)
	}
	s.wantLoad(t, right, first)
}

func everyLength(t *testing.T, s *subject) {
	s.save(t, right, first)
	for path, data := range s.files(t) {
		for n := 0; n < len(data); n += s.step {
			s.wantDamaged(t, path, data[:n])
		}
		s.wantDamaged(t, path, append(bytes.Clone(data), 0))
		restore(t, path, data)
	}
	s.wantLoad(t, right, first)
}

// wantDamaged checks that a slot with these bytes is refused in words, and is
// left as it is for whoever wants to repair it.
func (s *subject) wantDamaged(t *testing.T, path string, data []byte) {
	t.Helper()
	restore(t, path, data)
	_, err := s.with(t, right, nil).Load(t.Context())
	slot, wrong := (*unlock.SlotError)(nil), (*unlock.WrongError)(nil)
	if !errors.As(err, &slot) && !errors.As(err, &wrong) {
		t.Errorf("Load of a damaged slot = %v, want *SlotError or *WrongError", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, data) {
		t.Errorf("Load changed the damaged slot (%v)", err)
	}
}

// restore writes in place, so that mode and owner stay.
func restore(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
