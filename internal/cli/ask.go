package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/unlock"
	"fob/internal/obtain/tty"
)

// passphraseTries bounds how often a person is asked again.
const passphraseTries = 3

// mistyped says whether the same question may get another answer.
func mistyped(err error) bool {
	wrong, never := (*unlock.WrongError)(nil), (*unlock.AnswerError)(nil)
	return errors.As(err, &wrong) || errors.As(err, &never)
}

// answer puts a question of a way into the store to the person. problem says what
// was wrong with the last answer.
func (s System) answer(ctx context.Context, q unlock.Question, problem string) (cred.Secret, error) {
	t, err := s.OpenTTY()
	if err != nil {
		return cred.Secret{}, unattended(err, q)
	}
	defer t.Close()
	if q.New {
		return askNew(ctx, t, q.Text+": ")
	}
	return t.ReadHidden(ctx, problem+q.Text+": ")
}

// tell shows a line of a program that opens the store, such as "touch the key".
func (s System) tell(_ context.Context, text string) error {
	t, err := s.OpenTTY()
	if err != nil {
		return err
	}
	defer t.Close()
	t.Say(text)
	return nil
}

// choose lets a person choose between the two words of such a program, yes
// alone where there is one thing to do.
func (s System) choose(ctx context.Context, text, yes, no string) (bool, error) {
	t, err := s.OpenTTY()
	if err != nil {
		return false, err
	}
	defer t.Close()
	if no == "" {
		_, err := t.ReadLine(ctx, fmt.Sprintf("%s (Enter: %s) ", text, yes))
		return err == nil, err
	}
	return t.Confirm(ctx, fmt.Sprintf("%s (y: %s, n: %s)", text, yes, no))
}

// givenNew is how a new passphrase comes without a person, but to passwd, where
// those two open the store.
const givenNew = "where nobody is: give it by --passphrase-fd or FOB_PASSPHRASE"

// unattended says what would have been asked, and how to do without.
func unattended(err error, q unlock.Question) error {
	f := (*fault.Error)(nil)
	if !errors.As(err, &f) || f.Code != fault.Attend {
		return err
	}
	told := &fault.Error{What: "cannot open the store: its " + q.What + " is needed", Why: f.Why, Next: slices.Clone(f.Next), Code: fault.Attend}
	switch {
	case q.By != "":
		told.What = "cannot open the store: " + fault.Line(q.By) + " asks for something"
	case q.New:
		told.What = "a new " + q.What + " is needed"
	}
	switch {
	case q.What == "passphrase" && q.New:
		told.Next = append(told.Next, givenNew)
	case q.What == "passphrase":
		told.Next = append(told.Next, "where nobody is: give the passphrase by --passphrase-fd or FOB_PASSPHRASE")
	}
	return told
}

// sayUnkept says why the next run will make its session anew, and that it may then
// be another one: which profile has a key is sealed while the store is locked.
func (k *keeper) sayUnkept(c chain.Chain) {
	if there, _ := k.exists(); !there {
		k.sys.say("there is no store yet, so the session is not kept, and each run makes its own")
		return
	}
	k.sys.say("the store is locked and there is nobody to ask, so nothing that is kept is used, and nothing is kept")
	k.sys.say("whether a key is stored for profile %s or a source of it cannot be seen now: with the store open that goes first, and may give other credentials than these", profile.Shown(c.Profile))
}

// given is a passphrase that needs no person: from --passphrase-fd, or from
// FOB_PASSPHRASE or the incumbent's variable. A variable that is set and empty
// counts as not set.
func (k *keeper) given() (cred.Secret, bool, error) {
	if k.g.passphrase.given {
		return k.g.passphrase.text, true, nil
	}
	for _, name := range passphraseVariables() {
		if p := front.Lookup(k.sys.Environ, name); p != "" {
			return cred.NewSecret(p), true, nil
		}
	}
	return cred.Secret{}, false, nil
}

// passphraseVariables give the passphrase where nobody types it.
func passphraseVariables() []string { return []string{"FOB_PASSPHRASE", "AWS_VAULT_FILE_PASSPHRASE"} }

// shortPassphrase is what a thief's machine guesses in a night, if it is a word.
const shortPassphrase = 10

// isShort says so of a new passphrase, less the line end that a file adds.
func isShort(p cred.Secret) bool {
	return utf8.RuneCountInString(strings.TrimRight(p.Reveal(), "\r\n")) < shortPassphrase
}

// sameLine compares two passphrases without the line ends that files add.
func sameLine(a, b cred.Secret) bool {
	line := func(s cred.Secret) cred.Secret { return cred.NewSecret(strings.TrimRight(s.Reveal(), "\r\n")) }
	return !line(b).IsZero() && line(a).Equal(line(b))
}

// sayShort warns of a new passphrase that nobody typed.
func (s System) sayShort(p cred.Secret) {
	if !p.IsZero() && isShort(p) {
		s.say("the new passphrase is short: who gets a copy of the store can guess it")
	}
}

// askNew asks for a new passphrase, twice, or makes one up: whoever has to think
// of one on the spot thinks of a bad one.
func askNew(ctx context.Context, t tty.TTY, text string) (cred.Secret, error) {
	t.Say("Six words that fob makes up are a good one: press Enter for them.")
	for {
		first, err := t.ReadHidden(ctx, text)
		if err != nil {
			return first, err
		}
		if first.IsZero() {
			if first, err = unlock.NewPassphrase(rand.Reader); err != nil {
				return first, err
			}
			t.Say("The passphrase, shown this once: " + first.Reveal())
		} else if isShort(first) {
			t.Say("That is short: who gets a copy of the store can guess it.")
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
