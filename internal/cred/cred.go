// Package cred holds the words that every floor speaks: a secret that cannot
// print itself, a long-term access key, and a session. It knows nothing of AWS
// calls, files or terminals.
package cred

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// hidden is what every formatter shows in place of a secret.
const hidden = "[secret]"

// Secret is text that must not be seen. Every formatter and encoder of the
// standard library shows "[secret]" or fails. The pointer is what makes that
// hold for unexported fields too, where fmt calls no method and prints the
// value it finds: there it finds an address.
type Secret struct{ p *string }

// NewSecret wraps text. The empty text gives the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{p: &text}
}

// Reveal gives the text. Only the files on the list of TestReveal may call it.
func (s Secret) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// IsZero says whether there is no text.
func (s Secret) IsZero() bool { return s.p == nil }

// Equal compares the texts, not the addresses.
func (s Secret) Equal(o Secret) bool { return s.Reveal() == o.Reveal() }

// Format answers every verb, %x and %q included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText fails, so that no encoder can store "[secret]" in place of the
// secret and lose it.
func (s Secret) MarshalText() ([]byte, error) {
	return nil, errors.New("a secret is not marshalled: its encoder must call Reveal")
}

// AccessKey is a long-term key of an IAM user. It rests in the store and signs
// the first call of a chain; what leaves fob is a Session.
type AccessKey struct {
	ID     string
	Secret Secret
}

// Expose turns a long-term key into something that can be delivered to another
// process. It is the only door, and TestExpose counts who opens it.
func (k AccessKey) Expose() Session { return Session{ID: k.ID, Secret: k.Secret} }

// Signer is what a call to AWS is signed with: a long-term key, or a session.
// It is a type of its own so that a key can sign without becoming something
// that can be delivered.
type Signer struct {
	ID            string
	Secret, Token Secret
}

// Signer lets a long-term key sign calls.
func (k AccessKey) Signer() Signer { return Signer{ID: k.ID, Secret: k.Secret} }

// Signer lets a session sign calls.
func (s Session) Signer() Signer { return Signer{ID: s.ID, Secret: s.Secret, Token: s.Token} }

// Session is a set of temporary credentials. Expires is wall-clock UTC; zero
// means that they do not end, which only an exposed AccessKey has.
type Session struct {
	ID            string
	Secret, Token Secret
	Expires       time.Time
}

// Left is how long the session still holds at now. A session without an end
// has the largest duration left.
func (s Session) Left(now time.Time) time.Duration {
	if s.Expires.IsZero() {
		return 1<<63 - 1
	}
	return s.Expires.Sub(now.Round(0))
}

// Short is how an access key id is shown to people and logs: its last four
// characters.
func Short(id string) string {
	if len(id) <= 4 {
		return "****"
	}
	return "****" + id[len(id)-4:]
}
