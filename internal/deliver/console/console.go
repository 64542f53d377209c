// Package console gives a session as a sign-in link of the AWS console. It does
// not know profiles, how the session came to be, HTTP, or browsers: what asks
// the sign-in service is handed in.
package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"fob/internal/cred"
)

// Request is what a link shall open.
type Request struct {
	// Session is a role's or a federated user's; the sign-in service takes no
	// other.
	Session cred.Session
	// Region may be empty: the console then opens where it was last.
	Region string
	// Partition is "aws", "aws-cn", "aws-us-gov" or "aws-eusc"; empty is the
	// region's.
	Partition string
	// Endpoint stands in for the sign-in service, as https://HOST or as
	// http://LOOPBACK; "/federation" is added. Empty is AWS's own.
	Endpoint string
	// Destination is a page of the console as a whole URL, Path one without the
	// host, Service the home of a service ("ec2"). The first that is not empty
	// counts; without any it is the console's home.
	Destination, Path, Service string
	// Lifetime is how long the console stays open, 15 min to 12 h. Zero is as
	// long as the session, which is all that AWS allows when the session is a
	// federated user's or came from another role.
	Lifetime time.Duration
	// Issuer is who made the link; AWS shows it to nobody. Empty is "fob".
	Issuer string
	// Shorter, if it is not nil, is called when AWS refused Lifetime and gave a
	// link without it.
	Shorter func()
}

// Post sends form to url as application/x-www-form-urlencoded, or gets url when
// form is nil. It bounds the time and the size of the body, and follows no
// redirects.
type Post func(ctx context.Context, url string, form url.Values) (status int, body []byte, err error)

// The statuses that matter here; net/http is not this package's to know.
const (
	done             = 200
	badRequest       = 400
	notFound         = 404
	methodNotAllowed = 405
)

// SigninURL makes the link. It holds for 15 minutes and signs anyone in who has
// it. Errors name a host or a field, never a URL with a query
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html, 2026-11).
func SigninURL(ctx context.Context, r Request, post Post) (cred.Secret, error) {
	at, err := placeOf(r)
	if err != nil {
		return cred.Secret{}, err
	}
	destination, err := at.destination(r)
	if err != nil {
		return cred.Secret{}, err
	}
	if r.Session.Token.IsZero() {
		return cred.Secret{}, ErrLongTerm
	}
	signinToken, err := askSigninToken(ctx, at, r, post)
	if err != nil {
		return cred.Secret{}, err
	}
	issuer := r.Issuer
	if issuer == "" {
		issuer = "fob"
	}
	query := url.Values{
		"Action": {"login"}, "Issuer": {issuer}, "Destination": {destination}, "SigninToken": {signinToken.Reveal()},
	}
	return cred.NewSecret(at.federation + "?" + query.Encode()), nil
}

// ErrLongTerm says that a key without a session token opens no console.
var ErrLongTerm = errors.New("a long-term key cannot sign in to the console: it takes a role's session")

// AnswerError is an answer of the sign-in service that gave no sign-in token.
// It does not hold the answer's text.
type AnswerError struct {
	Host   string
	Status int
	Why    string // what is wrong with an answer of status 200
}

// Error says who answered what.
func (e *AnswerError) Error() string {
	if e.Why != "" {
		return e.Host + " gave no sign-in token: " + e.Why
	}
	return e.Host + " gave no sign-in token: status " + strconv.Itoa(e.Status)
}

// askSigninToken trades the session for a sign-in token, without the length of
// the console session when AWS does not take one: whether it does depends on
// how the session was made, which not everyone who has it knows.
func askSigninToken(ctx context.Context, at place, r Request, post Post) (cred.Secret, error) {
	keys, err := json.Marshal(map[string]string{
		"sessionId": r.Session.ID, "sessionKey": r.Session.Secret.Reveal(), "sessionToken": r.Session.Token.Reveal(),
	})
	if err != nil {
		return cred.Secret{}, errors.New("the session is not text")
	}
	form := url.Values{"Action": {"getSigninToken"}, "Session": {string(keys)}}
	if r.Lifetime <= 0 {
		return exchange(ctx, at, form, post)
	}
	form.Set("SessionDuration", strconv.FormatInt(int64(r.Lifetime/time.Second), 10))
	signinToken, err := exchange(ctx, at, form, post)
	if refused := (*AnswerError)(nil); !errors.As(err, &refused) || refused.Status != badRequest {
		return signinToken, err
	}
	form.Del("SessionDuration")
	signinToken, err = exchange(ctx, at, form, post)
	if err == nil && r.Shorter != nil {
		r.Shorter()
	}
	return signinToken, err
}

// exchange posts the form, which keeps the keys out of URLs and so out of the
// logs of proxies. AWS documents GET; it is the second choice, and only towards
// hosts that may see the keys in a URL.
func exchange(ctx context.Context, at place, form url.Values, post Post) (cred.Secret, error) {
	status, body, err := post(ctx, at.federation, form)
	if err == nil && at.getAllowed && (status == notFound || status == methodNotAllowed) {
		status, body, err = post(ctx, at.federation+"?"+form.Encode(), nil)
	}
	if err != nil {
		return cred.Secret{}, fmt.Errorf("asking %s for a sign-in token: %w", at.host, withoutURL(err))
	}
	if status != done {
		return cred.Secret{}, &AnswerError{Host: at.host, Status: status}
	}
	var answer struct{ SigninToken string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return cred.Secret{}, &AnswerError{Host: at.host, Status: status, Why: "what it sent is not JSON"}
	}
	if answer.SigninToken == "" {
		return cred.Secret{}, &AnswerError{Host: at.host, Status: status, Why: "SigninToken is missing"}
	}
	return cred.NewSecret(answer.SigninToken), nil
}

// withoutURL strips what net/http puts around an error: the URL with its query.
func withoutURL(err error) error {
	for wrapped := (*url.Error)(nil); errors.As(err, &wrapped); {
		err = wrapped.Err
	}
	return err
}
