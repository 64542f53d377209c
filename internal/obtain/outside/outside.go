// Package outside gets credentials that AWS's own calls do not give: from
// another program, from the environment, from the endpoint of a container or an
// instance, and web identity tokens from a file or a program. It does not know
// chains, caches, or what the credentials are for.
package outside

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/fault"
)

// Outside is what is asked, handed in. Each error that a person can mend is a
// *fault.Error.
type Outside struct {
	// Run runs a command line by the system's shell. profile is whose line it is,
	// for a program that asks for that profile again. What it printed on standard
	// error stands in the error, its standard output never.
	Run func(ctx context.Context, profile, line string) (stdout []byte, err error)
	// ReadFile reads a small file.
	ReadFile func(path string) ([]byte, error)
	// Do sends a request to an endpoint of this machine, past every proxy.
	Do func(*http.Request) (*http.Response, error)
	// Lookup reads the environment.
	Lookup func(name string) string
	Now    func() time.Time
}

// document is what credential_process prints and what endpoints answer. The
// two differ in the name of the session token.
type document struct {
	Version             json.RawMessage
	AccessKeyID         string `json:"AccessKeyId"`
	SecretAccessKey     string
	SessionToken, Token string
	Expiration          string
	Code                string
}

// session is the credentials of a document.
func (d document) session() (cred.Session, error) {
	switch {
	case d.AccessKeyID == "":
		return cred.Session{}, errors.New("the field AccessKeyId is missing")
	case d.SecretAccessKey == "":
		return cred.Session{}, errors.New("the field SecretAccessKey is missing")
	}
	s := cred.Session{ID: d.AccessKeyID, Secret: cred.NewSecret(d.SecretAccessKey), Token: cred.NewSecret(d.SessionToken + d.Token)}
	if d.Expiration == "" {
		return s, nil
	}
	end, err := moment(d.Expiration)
	if err != nil {
		return cred.Session{}, err
	}
	s.Expires = end
	return s, nil
}

// moment reads ISO 8601 as the SDKs do: RFC 3339, or without the colon of the
// offset.
func moment(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errors.New("the field Expiration is not a time like 2026-01-02T15:04:05Z")
}

// none is the fault for credentials that could not be got.
func none(profile string, why error, next ...string) error {
	return &fault.Error{What: fault.NoCredentials(profile), Why: why, Next: next, Code: fault.Config}
}

func oneLine(text []byte) bool { return !strings.ContainsAny(string(text), "\r\n\x00") }
