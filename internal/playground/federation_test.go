package playground

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func post(t *testing.T, s *Server, form url.Values) (int, string) {
	t.Helper()
	r := request(t, s, http.MethodPost, "/federation", form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return send(t, r)
}

func send(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func (k keys) signin(extra ...string) url.Values {
	session, _ := json.Marshal(map[string]string{"sessionId": k.id, "sessionKey": k.secret, "sessionToken": k.sessionToken})
	form := url.Values{"Action": {"getSigninToken"}, "Session": {string(session)}}
	for i := 0; i < len(extra); i += 2 {
		form.Set(extra[i], extra[i+1])
	}
	return form
}

func TestSigninToken(t *testing.T) {
	t.Parallel()
	s := start(t)
	u, _ := s.User("jane@acme.com")
	role := roleARN("prod", fullRole)
	direct, err := assume(t, s, userKeys(t, s, "jane@acme.com"), sts.AssumeRoleInput{RoleArn: &role, SerialNumber: &u.MFASerial, TokenCode: code(t, s, "jane@acme.com")})
	want(t, "direct", err, "")
	user := userSession(t, s, "jane@acme.com", true)
	chained, err := assume(t, s, user, sts.AssumeRoleInput{RoleArn: &role})
	want(t, "chained", err, "")
	wrong := direct
	wrong.secret = "CANARY"
	for _, tt := range []struct {
		name   string
		form   url.Values
		status int
	}{
		{"direct role", direct.signin(), 200},
		{"direct role, 12 h", direct.signin("SessionDuration", "43200"), 200},
		{"direct role, over 12 h", direct.signin("SessionDuration", "43201"), 400},
		{"direct role, too short", direct.signin("SessionDuration", "899"), 400},
		{"direct role, no number", direct.signin("SessionDuration", "1h"), 400},
		{"chained role", chained.signin(), 200},
		{"chained role with a duration", chained.signin("SessionDuration", "3600"), 400},
		{"a user's session", user.signin(), 400},
		{"a long-term key", userKeys(t, s, "jane@acme.com").signin(), 400},
		{"a wrong secret", wrong.signin(), 400},
		{"no JSON", url.Values{"Action": {"getSigninToken"}, "Session": {"x"}}, 400},
		{"no action", url.Values{}, 400},
	} {
		if status, body := post(t, s, tt.form); status != tt.status || status == 200 != strings.Contains(body, `"SigninToken"`) {
			t.Errorf("%s: got %d %s, want %d", tt.name, status, body, tt.status)
		}
	}
	s.Expire(direct.id)
	if status, _ := post(t, s, direct.signin()); status != 400 {
		t.Errorf("expired: got %d", status)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	s := start(t)
	k := roleKeys(t, s, "prod", fullRole)
	ask := func() string {
		r := request(t, s, http.MethodGet, "/federation?"+k.signin().Encode(), "")
		_, body := send(t, r)
		var out struct{ SigninToken string }
		if err := json.Unmarshal([]byte(body), &out); err != nil {
			t.Fatal(err)
		}
		return out.SigninToken
	}
	login := func(signinToken string) (int, string) {
		q := url.Values{"Action": {"login"}, "Issuer": {"fob"}, "Destination": {"https://console.aws.amazon.com/?<x>"}, "SigninToken": {signinToken}}
		return send(t, request(t, s, http.MethodGet, "/federation?"+q.Encode(), ""))
	}
	first := ask()
	status, body := login(first)
	body = strings.ReplaceAll(body, "<dd>59m59s", "<dd>1h0m0s") // a second may have passed
	for _, has := range []string{"567890123456 (prod)", fullRole, "<dd>test</dd>", "<dd>1h0m0s</dd>", "&lt;x&gt;"} {
		if status != http.StatusOK || !strings.Contains(body, has) {
			t.Errorf("got %d without %q: %s", status, has, body)
		}
	}
	if status, _ := login(first); status != http.StatusBadRequest {
		t.Errorf("a used token: got %d", status)
	}
	late := ask()
	s.Advance(15 * time.Minute)
	if status, _ := login(late); status != http.StatusBadRequest {
		t.Errorf("an old token: got %d", status)
	}
	last := s.Audit()[len(s.Audit())-1]
	if last.Action != "signin:login" || last.Verdict != "BadRequest" {
		t.Errorf("the audit ends with %+v", last)
	}
}
