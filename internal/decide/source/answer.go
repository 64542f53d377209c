package source

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"fob/internal/cred"
)

// assumedPrefix is how the assumed-role ARN of a role begins:
// arn:aws:iam::1:role/path/NAME -> arn:aws:sts::1:assumed-role/NAME/.
func assumedPrefix(role string) string {
	f := strings.SplitN(role, ":", 6)
	name := f[5][strings.LastIndexByte(f[5], '/')+1:]
	return "arn:" + f[1] + ":sts::" + f[4] + ":assumed-role/" + name + "/"
}

// endSlack is by how much an end may lie beyond the length that was asked for.
// AWS gives no session longer than that, so what is more is the difference of
// two clocks, where the answer did not tell its time, and AWS takes no signature
// of a clock that is farther off.
const endSlack = 15 * time.Minute

// sane refuses a session that is not whole or whose end makes no sense: it must
// neither be cached nor handed out. Control characters are refused because the
// parts become lines of files and of shell input.
func sane(s cred.Session, asked time.Duration, now time.Time) (cred.Session, error) {
	switch left := s.Left(now); {
	case s.ID == "" || s.Secret.IsZero() || s.Token.IsZero():
		return cred.Session{}, errors.New("the answer lacks a part of the credentials")
	case !visible(s.ID) || !visible(s.Secret.Reveal()) || !visible(s.Token.Reveal()):
		return cred.Session{}, errors.New("the answer's credentials hold characters that no credentials have")
	case s.Expires.IsZero():
		return cred.Session{}, errors.New("the answer has no expiry")
	case left <= 0:
		return cred.Session{}, fmt.Errorf("the session of the answer ended at %s: this machine's clock may be wrong", s.Expires.UTC().Format(time.RFC3339))
	case left > asked+endSlack:
		return cred.Session{}, fmt.Errorf("the session of the answer ends at %s, far beyond the %s asked for", s.Expires.UTC().Format(time.RFC3339), asked)
	}
	s.Expires = s.Expires.UTC().Round(0)
	return s, nil
}

// usable is sane for credentials that AWS has not given to us: they may be a
// key, without a token and without an end.
func usable(s cred.Session, now time.Time) (cred.Session, error) {
	switch {
	case s.ID == "" || s.Secret.IsZero():
		return cred.Session{}, errors.New("the answer lacks a part of the credentials")
	case !visible(s.ID) || !visible(s.Secret.Reveal()) || !visible(s.Token.Reveal()):
		return cred.Session{}, errors.New("the answer's credentials hold characters that no credentials have")
	case s.Expires.IsZero():
		return s, nil
	case s.Left(now) <= 0:
		return cred.Session{}, fmt.Errorf("the credentials ended at %s", s.Expires.UTC().Format(time.RFC3339))
	}
	s.Expires = s.Expires.UTC().Round(0)
	return s, nil
}

// visible says whether text is ASCII that can be seen, without spaces.
func visible(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
