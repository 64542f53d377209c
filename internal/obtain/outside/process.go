package outside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"fob/internal/cred"
)

// Process runs a credential_process and reads what it prints, version 1 of
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html.
// from is where the line stands. A session without an end is one that the
// program is asked for each time.
func (o Outside) Process(ctx context.Context, profile, line, from string) (cred.Session, error) {
	out, err := o.Run(ctx, profile, line)
	defer clear(out)
	if err == nil {
		var s cred.Session
		if s, err = printed(out); err == nil && !s.Expires.IsZero() && s.Left(o.Now()) <= 0 {
			err = fmt.Errorf("what it gave ended at %s", s.Expires.UTC().Format(time.RFC3339))
		}
		if err == nil {
			return s, nil
		}
	}
	if errors.Is(err, context.Canceled) {
		return cred.Session{}, err
	}
	return cred.Session{}, none(profile, fmt.Errorf("credential_process (%s): %w", from, err), "run the command by hand and see what it says", "correct the line at "+from)
}

// printed reads the program's output. No error quotes it: it may hold a secret.
func printed(out []byte) (cred.Session, error) {
	var d document
	if err := json.Unmarshal(out, &d); err != nil {
		return cred.Session{}, errors.New("what it printed is not the JSON object that is wanted")
	}
	if d.Token != "" && d.SessionToken == "" {
		return cred.Session{}, errors.New("it names the session token Token; here it is SessionToken")
	}
	switch string(d.Version) {
	case "1":
	case "", "null":
		return cred.Session{}, errors.New("the field Version is missing")
	default:
		return cred.Session{}, errors.New("the field Version is not 1")
	}
	return d.session()
}

// WebToken reads a web identity token from a file, or what a command prints.
func (o Outside) WebToken(ctx context.Context, profile, file, line, from string) (cred.Secret, error) {
	what, text, err := "web_identity_token_process", []byte(nil), error(nil)
	if line != "" {
		text, err = o.Run(ctx, profile, line)
	} else {
		what = "web_identity_token_file"
		text, err = o.ReadFile(file)
	}
	defer clear(text)
	if errors.Is(err, context.Canceled) {
		return cred.Secret{}, err
	}
	trimmed := strings.TrimSpace(string(text))
	switch {
	case err != nil:
	case trimmed == "":
		err = errors.New("there is nothing in it")
	case !oneLine([]byte(trimmed)):
		err = errors.New("it is not one line")
	default:
		return cred.NewSecret(trimmed), nil
	}
	return cred.Secret{}, none(profile, fmt.Errorf("%s (%s): %w", what, from, err), "see that the token is there and correct the line at "+from)
}
