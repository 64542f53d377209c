package outside

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"fob/internal/fault"

	"github.com/google/go-cmp/cmp"
)

func printing(text string) Outside {
	return Outside{Now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }, Run: func(context.Context, string, string) ([]byte, error) { return []byte(text), nil }}
}

func TestProcess(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name, text, wrong string
		end               time.Time
		lasting           bool
	}{
		{name: "a session", text: `{"Version":1,"AccessKeyId":"ASIA1","SecretAccessKey":"CANARY","SessionToken":"CANARY","Expiration":"2026-01-02T03:04:05Z"}`, end: end},
		{name: "another offset", text: `{"Version":1,"AccessKeyId":"ASIA1","SecretAccessKey":"CANARY","SessionToken":"CANARY","Expiration":"2026-01-02T05:04:05+0200"}`, end: end},
		{name: "a key", text: `{"Version":1,"AccessKeyId":"AKIA1","SecretAccessKey":"CANARY"}`, lasting: true},
		{name: "more than is known", text: ` {"Version":1,"AccessKeyId":"AKIA1","SecretAccessKey":"CANARY","AccountId":"123456789012","x":{}}` + "\n", lasting: true},
		{name: "nothing", wrong: "is not the JSON object that is wanted"},
		{name: "text", text: "CANARY", wrong: "is not the JSON object that is wanted"},
		{name: "a list", text: `["CANARY"]`, wrong: "is not the JSON object that is wanted"},
		{name: "two objects", text: `{}{}`, wrong: "is not the JSON object that is wanted"},
		{name: "no version", text: `{}`, wrong: "Version is missing"},
		{name: "null", text: `null`, wrong: "Version is missing"},
		{name: "a version as text", text: `{"Version":"1","AccessKeyId":"A","SecretAccessKey":"CANARY"}`, wrong: "Version is not 1"},
		{name: "no id", text: `{"Version":1,"SecretAccessKey":"CANARY"}`, wrong: "AccessKeyId is missing"},
		{name: "no secret", text: `{"Version":1,"AccessKeyId":"A"}`, wrong: "SecretAccessKey is missing"},
		{name: "an end that is none", text: `{"Version":1,"AccessKeyId":"A","SecretAccessKey":"CANARY","Expiration":"CANARY"}`, wrong: "Expiration is not a time"},
		{name: "an end in the past", text: `{"Version":1,"AccessKeyId":"A","SecretAccessKey":"CANARY","Expiration":"2025-12-31T23:59:59Z"}`, wrong: "what it gave ended at 2025-12-31T23:59:59Z"},
		{name: "another name", text: `{"Version":1,"AccessKeyId":"A","SecretAccessKey":"CANARY","Token":"CANARY"}`, wrong: "here it is SessionToken"},
	} {
		s, err := printing(tt.text).Process(t.Context(), "t", "CANARY line", "config:7")
		if tt.wrong != "" {
			f := (*fault.Error)(nil)
			if !errors.As(err, &f) || f.Code != fault.Config || !strings.Contains(err.Error(), tt.wrong) || !strings.Contains(err.Error(), "config:7") || strings.Contains(err.Error(), "CANARY") {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err != nil || s.Secret.Reveal() != "CANARY" || !s.Expires.Equal(tt.end) || s.Token.IsZero() != tt.lasting {
			t.Errorf("%s: %v, %v", tt.name, s, err)
		}
	}
}

func TestWebToken(t *testing.T) {
	t.Parallel()
	file := func(text string, err error) Outside {
		return Outside{ReadFile: func(string) ([]byte, error) { return []byte(text), err }}
	}
	for name, tt := range map[string]struct {
		o           Outside
		line, wrong string
	}{
		"a file":           {o: file("CANARY.x.y\n", nil)},
		"a program":        {o: printing("CANARY.x.y\r\n"), line: "gettoken"},
		"no file":          {o: file("", os.ErrNotExist), wrong: "web_identity_token_file (config:7): file does not exist"},
		"an empty file":    {o: file(" \n", nil), wrong: "there is nothing in it"},
		"a silent program": {o: printing(""), line: "gettoken", wrong: "web_identity_token_process (config:7): there is nothing in it"},
		"two lines":        {o: file("CANARY\nCANARY", nil), wrong: "it is not one line"},
	} {
		got, err := tt.o.WebToken(t.Context(), "t", "/run/t", tt.line, "config:7")
		if tt.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wrong) || strings.Contains(err.Error(), "CANARY") {
				t.Errorf("%s: %v", name, err)
			}
		} else if err != nil || got.Reveal() != "CANARY.x.y" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// machine is a container's or an instance's endpoint, and how it was asked.
type machine struct {
	answers map[string]string // by method and path; a number is a status
	asked   []string
}

func (m *machine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := r.Method + " " + r.URL.Path
	m.asked = append(m.asked, strings.TrimSpace(call+" "+r.Header.Get("Authorization")+r.Header.Get("X-Aws-Ec2-Metadata-Token")))
	switch text, ok := m.answers[call]; {
	case !ok:
		http.NotFound(w, r)
	case len(text) == 3:
		w.WriteHeader(map[string]int{"400": 400, "403": 403, "405": 405, "500": 500}[text])
	default:
		_, _ = w.Write([]byte(text))
	}
}

const document2 = `{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"ASIA1","SecretAccessKey":"CANARY","Token":"CANARY","Expiration":"2026-01-02T03:04:05Z"}`

func at(t *testing.T, m *machine, vars map[string]string) Outside {
	t.Helper()
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	return Outside{
		Do:       server.Client().Do,
		ReadFile: func(string) ([]byte, error) { return []byte("from-a-file"), nil },
		Lookup:   func(name string) string { return strings.ReplaceAll(vars[name], "SERVER", server.URL) },
	}
}

func TestInstance(t *testing.T) {
	t.Parallel()
	const roles = "/latest/meta-data/iam/security-credentials/"
	vars := map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": "SERVER/"}
	for _, tt := range []struct {
		name    string
		answers map[string]string
		asked   []string
		wrong   string
	}{
		{"version 2", map[string]string{"PUT /latest/api/token": "session", "GET " + roles: "apps", "GET " + roles + "apps": document2},
			[]string{"PUT /latest/api/token", "GET " + roles + " session", "GET " + roles + "apps session"}, ""},
		{"version 1", map[string]string{"PUT /latest/api/token": "405", "GET " + roles: "apps\n", "GET " + roles + "apps": document2},
			[]string{"PUT /latest/api/token", "GET " + roles, "GET " + roles + "apps"}, ""},
		{"a bad request", map[string]string{"PUT /latest/api/token": "400"}, []string{"PUT /latest/api/token"}, "HTTP status 400"},
		{"no role", map[string]string{"PUT /latest/api/token": "session"}, []string{"PUT /latest/api/token", "GET " + roles + " session"}, "this instance has no role"},
		{"a failure", map[string]string{"PUT /latest/api/token": "session", "GET " + roles: "apps", "GET " + roles + "apps": `{"Code":"Failed"}`},
			[]string{"PUT /latest/api/token", "GET " + roles + " session", "GET " + roles + "apps session"}, `it says "Failed"`},
	} {
		m := &machine{answers: tt.answers}
		s, err := at(t, m, vars).instance(t.Context())
		if diff := cmp.Diff(tt.asked, m.asked); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if tt.wrong == "" && (err != nil || s.ID != "ASIA1" || s.Token.IsZero() || s.Expires.IsZero()) || tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
			t.Errorf("%s: %v, %v", tt.name, s, err)
		}
	}
	if _, err := (Outside{Lookup: func(string) string { return "TRUE" }}).instance(t.Context()); err == nil || !strings.Contains(err.Error(), "turned off") {
		t.Error("it was asked though it is turned off:", err)
	}
}

func TestContainer(t *testing.T) {
	t.Parallel()
	m := &machine{answers: map[string]string{"GET /creds": document2, "GET /broken": "no JSON", "GET /down": "500"}}
	for _, tt := range []struct {
		name, wrong string
		vars        map[string]string
	}{
		{"a header", "", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "SERVER/creds", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "bearer"}},
		{"a header from a file", "", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "SERVER/creds", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "bearer", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/run/t"}},
		{"two lines", "is not one line", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "SERVER/creds", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nb"}},
		{"broken", "not JSON", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "SERVER/broken"}},
		{"down", "HTTP status 500", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "SERVER/down"}},
		{"none", "is set", nil},
		{"plain http", "plain http beyond this machine", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://10.0.0.1/"}},
		{"a name like loopback", "plain http beyond this machine", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost.evil.test/"}},
		{"no URL", "is not a URL", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "ftp://127.0.0.1/"}},
		{"relative", "does not begin with /", map[string]string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "creds"}},
	} {
		s, err := at(t, m, tt.vars).container(t.Context())
		if tt.wrong == "" && (err != nil || s.ID != "ASIA1") || tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
			t.Errorf("%s: %v, %v", tt.name, s, err)
		}
	}
	want := []string{"GET /creds bearer", "GET /creds from-a-file", "GET /broken", "GET /down"}
	if diff := cmp.Diff(want, m.asked); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	from := func(vars map[string]string) Outside {
		return Outside{Lookup: func(name string) string { return vars[name] }}
	}
	key := map[string]string{"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "CANARY", "AWS_CREDENTIAL_EXPIRATION": "2026-01-02T03:04:05Z"}
	if s, err := from(key).environment(); err != nil || !s.Expires.IsZero() || s.ID != "AKIA1" {
		t.Error("a key has no end:", s, err)
	}
	key["AWS_SESSION_TOKEN"] = "CANARY"
	if s, err := from(key).environment(); err != nil || s.Expires.IsZero() || s.Token.IsZero() {
		t.Error("a session has one:", s, err)
	}
	delete(key, "AWS_SECRET_ACCESS_KEY")
	if _, err := from(key).environment(); err == nil || !strings.Contains(err.Error(), "AWS_SECRET_ACCESS_KEY is not set") {
		t.Error(err)
	}
}
