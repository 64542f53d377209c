package playground

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
)

// start gives a server of the test's own, with canaries.
func start(t *testing.T) *Server {
	t.Helper()
	s, err := Start(Options{Now: time.Now, Rand: rand.Reader, Canary: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// keys are credentials in the hands of a test client.
type keys struct{ id, secret, sessionToken string }

func (k keys) config(s *Server) aws.Config {
	return aws.Config{
		Region: "us-west-2", BaseEndpoint: aws.String(s.URL), HTTPClient: &http.Client{Transport: ownBody{}},
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: k.id, SecretAccessKey: k.secret, SessionToken: k.sessionToken}, nil
		}),
	}
}

// ownBody gives each request a body that nobody else can close: the SDK closes its
// own when the answer begins, and where that is before the transport has looked at
// the body once more, the answer is lost.
type ownBody struct{}

func (ownBody) RoundTrip(r *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	sent := r.Clone(r.Context())
	sent.Body = io.NopCloser(bytes.NewReader(text))
	return http.DefaultTransport.RoundTrip(sent)
}

func (k keys) sts(s *Server) *sts.Client { return sts.NewFromConfig(k.config(s)) }

func userKeys(t *testing.T, s *Server, name string) keys {
	t.Helper()
	u, ok := s.User(name)
	if !ok {
		t.Fatalf("no user %s", name)
	}
	return keys{id: u.AccessKeyID, secret: u.Secret.Reveal()}
}

// errorText is "Code: message" of an answer, or "" when it went well.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	if e := smithy.APIError(nil); errors.As(err, &e) {
		return e.ErrorCode() + ": " + e.ErrorMessage()
	}
	return err.Error()
}

// want compares an error's beginning, since ids may follow.
func want(t *testing.T, what string, err error, begins string) {
	t.Helper()
	got := errorText(err)
	if begins == "" && got != "" || !strings.HasPrefix(got, begins) {
		t.Errorf("%s: got error %q, want %q", what, got, begins)
	}
}

// code gives a code for now, moving the clock when one has to be waited for.
func code(t *testing.T, s *Server, user string) *string {
	t.Helper()
	c, wait := s.Code(user)
	if c == "" {
		t.Fatalf("%s has no device", user)
	}
	if wait > 0 {
		s.Advance(wait)
	}
	return &c
}

// userSession is GetSessionToken with MFA, or without for a user with no device.
func userSession(t *testing.T, s *Server, user string, mfa bool) keys {
	t.Helper()
	in := &sts.GetSessionTokenInput{}
	if mfa {
		u, _ := s.User(user)
		in.SerialNumber, in.TokenCode = &u.MFASerial, code(t, s, user)
	}
	out, err := userKeys(t, s, user).sts(s).GetSessionToken(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return keys{*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken}
}

func roleARN(account, role string) string {
	for _, a := range Accounts() {
		if a.Name == account {
			return "arn:aws:iam::" + a.ID + ":role/" + role
		}
	}
	return ""
}

func assume(t *testing.T, s *Server, k keys, in sts.AssumeRoleInput) (keys, error) {
	t.Helper()
	if in.RoleSessionName == nil {
		in.RoleSessionName = aws.String("test")
	}
	out, err := k.sts(s).AssumeRole(t.Context(), &in)
	if err != nil {
		return keys{}, err
	}
	return keys{*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken}, nil
}

func TestMainJob(t *testing.T) {
	t.Parallel()
	s := start(t)
	u, _ := s.User("gruntwork")
	k := userSession(t, s, "gruntwork", true)
	prod, err := assume(t, s, k, sts.AssumeRoleInput{RoleArn: aws.String(roleARN("prod", fullRole)), DurationSeconds: aws.Int32(3600)})
	if err != nil {
		t.Fatal(err)
	}
	who, err := prod.sts(s).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := *who.Arn, "arn:aws:sts::567890123456:assumed-role/"+fullRole+"/test"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	type line struct {
		Action, Resource, Verdict, ARN, Account, Kind, KeyID string
		MFA                                                  bool
		Seconds                                              int
	}
	var got []line
	for _, c := range s.Audit() {
		got = append(got, line{c.Action, c.Resource, c.Verdict, c.ARN, c.Account, c.Kind, c.KeyID, c.MFA, c.Seconds})
	}
	arn := "arn:aws:iam::123456789012:user/gruntwork"
	wanted := []line{
		{"sts:GetSessionToken", "*", "ok", arn, "123456789012", "user", u.AccessKeyID, true, 43200},
		{"sts:AssumeRole", roleARN("prod", fullRole), "ok", arn, "123456789012", "session", k.id, true, 3600},
		{"sts:GetCallerIdentity", "*", "ok", *who.Arn, "567890123456", "role", prod.id, false, 0},
	}
	if d := cmp.Diff(wanted, got); d != "" {
		t.Error(d)
	}
}

func TestCanaries(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, u := range s.Users() {
		secrets := []cred.Secret{u.Secret}
		if !u.Seed.IsZero() {
			secrets = append(secrets, u.Seed)
		}
		for _, secret := range secrets {
			if !strings.Contains(secret.Reveal(), canary) {
				t.Errorf("a secret of %s has no canary", u.Name)
			}
		}
	}
	k := userSession(t, s, "bob@acme.com", true)
	if !strings.Contains(k.secret, canary) || !strings.Contains(k.sessionToken, canary) {
		t.Error("a session has no canary")
	}
}
