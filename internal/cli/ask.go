package cli

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/unlock"
	"fob/internal/obtain/tty"
)

// passphraseTries bounds how often a person is asked again.
const passphraseTries = 3

func unlockerNames() []string {
	var names []string
	for _, k := range unlock.Kinds() {
		names = append(names, k.Name)
	}
	return names
}

// unlocker opens what --backend (or its variable) names; the first kind is the
// default.
func (k *keeper) unlocker(ask func(context.Context, unlock.Question) (cred.Secret, error)) (unlock.Unlocker, error) {
	env := unlock.Env{Dir: filepath.Join(k.home.Data, "slots"), Ask: ask, Now: k.sys.Now, Cheap: k.sys.CheapStore}
	if k.sys.CheapStore {
		env.WorkFactor = unlock.CheapWorkFactor
	}
	name := k.g.backend
	if name == "" {
		name = front.Lookup(k.sys.Environ, "FOB_BACKEND")
	}
	for _, kind := range unlock.Kinds() {
		if kind.Name == name || name == "" {
			return kind.Open(env), nil
		}
	}
	return nil, &fault.Error{
		What: "there is no way to open the store called " + profile.Shown(name) + " (--backend, or FOB_BACKEND)",
		Next: []string{"use one of: " + strings.Join(unlockerNames(), ", ")},
		Code: fault.Usage,
	}
}

// ask gets the identity from a person, or from a passphrase that was given. A
// wrong one on the terminal is asked for again; a wrong one that was given is
// an error at once.
func (k *keeper) ask(ctx context.Context) (cred.Secret, error) {
	given, has, err := k.given()
	if err != nil {
		return cred.Secret{}, err
	}
	problem := ""
	u, err := k.unlocker(func(ctx context.Context, q unlock.Question) (cred.Secret, error) {
		if has {
			return given, nil
		}
		return k.sys.hidden(ctx, problem+q.Text+": ")
	})
	if err != nil {
		return cred.Secret{}, err
	}
	for try := 1; ; try++ {
		identity, err := u.Load(ctx)
		if err == nil || has || try == passphraseTries || !mistyped(err) {
			return identity, storeFault(err)
		}
		problem = "Wrong. "
	}
}

// mistyped says whether the same question may get another answer.
func mistyped(err error) bool {
	wrong, never := (*unlock.WrongError)(nil), (*unlock.AnswerError)(nil)
	return errors.As(err, &wrong) || errors.As(err, &never)
}

// hidden asks one question on the terminal without echo.
func (s System) hidden(ctx context.Context, text string) (cred.Secret, error) {
	t, err := s.OpenTTY()
	if err != nil {
		return cred.Secret{}, unattended(err)
	}
	defer t.Close()
	return t.ReadHidden(ctx, text)
}

// unattended says what would have been asked, and how to do without.
func unattended(err error) error {
	f := (*fault.Error)(nil)
	if !errors.As(err, &f) || f.Code != fault.Attend {
		return err
	}
	next := append(slices.Clone(f.Next), "where nobody is: give the passphrase by --passphrase-fd or FOB_PASSPHRASE")
	return &fault.Error{What: "cannot open the store: its passphrase is needed", Why: f.Why, Next: next, Code: fault.Attend}
}

// given is a passphrase that needs no person: from --passphrase-fd, or from
// FOB_PASSPHRASE or the incumbent's variable. A variable that is set and empty
// counts as not set.
func (k *keeper) given() (cred.Secret, bool, error) {
	if k.g.passphrase.given {
		return k.g.passphrase.text, true, nil
	}
	for _, name := range []string{"FOB_PASSPHRASE", "AWS_VAULT_FILE_PASSPHRASE"} {
		if p := front.Lookup(k.sys.Environ, name); p != "" {
			return cred.NewSecret(p), true, nil
		}
	}
	return cred.Secret{}, false, nil
}

// askNew asks for a new passphrase, twice.
func (s System) askNew(ctx context.Context, t tty.TTY, text string) (cred.Secret, error) {
	for {
		first, err := t.ReadHidden(ctx, text)
		if err != nil {
			return first, err
		}
		if first.IsZero() {
			t.Say("An empty passphrase protects nothing.")
			continue
		}
		again, err := t.ReadHidden(ctx, "The same again: ")
		if err != nil || again.Equal(first) {
			return first, err
		}
		t.Say("The two differ.")
	}
}

// day is how ages are counted for people.
const day = 24 * time.Hour
