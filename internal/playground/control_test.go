package playground

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"
)

func TestControlGuard(t *testing.T) {
	t.Parallel()
	s := start(t)
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	for _, tt := range []struct {
		name, host string
		header     map[string]string
		status     int
	}{
		{"by address", "127.0.0.1" + port, nil, 200},
		{"by name", "localhost" + port, nil, 200},
		{"a name that was rebound", "evil.example" + port, nil, 403},
		{"another port", "127.0.0.1:1", nil, 403},
		{"no port", "localhost", nil, 403},
		{"a web page", "127.0.0.1" + port, map[string]string{"Origin": "null"}, 403},
		{"a link", "127.0.0.1" + port, map[string]string{"Referer": "https://evil.example/"}, 403},
		{"a browser", "127.0.0.1" + port, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
	} {
		r := request(t, s, http.MethodGet, "/playground/state", "")
		r.Host = tt.host
		for name, value := range tt.header {
			r.Header.Set(name, value)
		}
		status, body := send(t, r)
		if status != tt.status || strings.Contains(body, canary) {
			t.Errorf("%s: got %d %s, want %d", tt.name, status, body, tt.status)
		}
	}
}

func TestControlRoutes(t *testing.T) {
	t.Parallel()
	s := start(t)
	k := userSession(t, s, "bob@acme.com", true)
	for _, tt := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "clock", `{"advance":"30m"}`, 200},
		{"POST", "clock", `{"advance":"soon"}`, 400},
		{"POST", "clock", `{"back":"30m"}`, 400},
		{"POST", "set", `{"cap-session-token":false,"new-key-delay":"1s"}`, 200},
		{"POST", "set", `{"role-life":"20s"}`, 200},
		{"POST", "set", `{"role-life":"short"}`, 400},
		{"POST", "set", `{"nope":true}`, 400},
		{"POST", "fault", `{"action":"AssumeRole","status":500,"times":2,"skip":1}`, 200},
		{"POST", "fault", `{"action":"AssumeRole","status":200}`, 400},
		{"POST", "fault", `{"status":"reset"}`, 400},
		{"POST", "expire", k.id, 200},
		{"POST", "expire", "", 400},
		{"POST", "code", "bob@acme.com", 200},
		{"POST", "code", "carol", 400},
		{"GET", "audit", "", 200},
		{"GET", "nothing", "", 404},
		{"DELETE", "audit", "", 200},
	} {
		if status, body := send(t, request(t, s, tt.method, "/playground/"+tt.path, tt.body)); status != tt.status {
			t.Errorf("%s %s %s: got %d %s, want %d", tt.method, tt.path, tt.body, status, body, tt.status)
		}
	}
	wanted := []Fault{{Action: "AssumeRole", Times: 2, Skip: 1, Status: "500"}}
	if d := cmp.Diff(wanted, s.faults); d != "" {
		t.Error(d)
	}
	if wanted := (switches{NewKeyDelay: time.Second, RoleLife: 20 * time.Second}); s.set != wanted || s.offset != 30*time.Minute || len(s.Audit()) != 0 {
		t.Errorf("got %+v, offset %s, %d calls", s.set, s.offset, len(s.Audit()))
	}
	s.Advance(-s.offset)
	_, err := k.sts(s).GetCallerIdentity(t.Context(), nil)
	want(t, "expired by the route", err, "ExpiredToken")
}

func TestAuditLines(t *testing.T) {
	t.Parallel()
	s := start(t)
	userSession(t, s, "bob@acme.com", true)
	_, body := send(t, request(t, s, http.MethodGet, "/playground/audit", ""))
	var got Call
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(s.Audit()[0], got); d != "" {
		t.Error(d)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := start(t)
	client := userKeys(t, s, "carol")
	ask := func() error {
		_, err := client.sts(s).GetCallerIdentity(t.Context(), nil)
		return err
	}
	for _, tt := range []struct {
		fault Fault
		want  []string
	}{
		{Fault{Action: "GetCallerIdentity", Status: "500", Skip: 1, Times: 2}, []string{"", "InternalFailure", "InternalFailure", ""}},
		{Fault{Action: "sts:GetCallerIdentity", Status: "503"}, []string{"ServiceUnavailable", ""}},
		{Fault{Action: "*", Status: "throttle"}, []string{"Throttling: Rate exceeded", ""}},
		{Fault{Action: "/", Status: "403"}, []string{"AccessDenied", ""}},
		{Fault{Action: "AssumeRole", Status: "500"}, []string{"", ""}},
		{Fault{Action: "GetCallerIdentity", Status: "slow", Delay: time.Millisecond}, []string{"", ""}},
	} {
		s.ClearFaults()
		if err := s.Fault(tt.fault); err != nil {
			t.Fatal(err)
		}
		for i, begins := range tt.want {
			if got := errorText(ask()); begins == "" && got != "" || !strings.HasPrefix(got, begins) {
				t.Errorf("%+v, call %d: got %q, want %q", tt.fault, i+1, got, begins)
			}
		}
	}
	if err := s.Fault(Fault{Action: "*", Status: "reset"}); err != nil {
		t.Fatal(err)
	}
	if err := ask(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset: got %v", err)
	}
}

// A fault after the work: the key is made and its secret is lost.
func TestFaultAfter(t *testing.T) {
	t.Parallel()
	s := start(t)
	client := userKeys(t, s, "carol").iam(s)
	if err := s.Fault(Fault{Action: "CreateAccessKey", Status: "500", After: true}); err != nil {
		t.Fatal(err)
	}
	_, err := client.CreateAccessKey(t.Context(), nil)
	want(t, "create", err, "InternalFailure")
	list, err := client.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{})
	want(t, "list", err, "")
	if len(list.AccessKeyMetadata) != 2 {
		t.Errorf("got %d keys, want 2", len(list.AccessKeyMetadata))
	}
	var verdicts []string
	for _, c := range s.Audit() {
		verdicts = append(verdicts, c.Verdict)
	}
	if d := cmp.Diff([]string{"fault:500", "ok", "ok"}, verdicts); d != "" {
		t.Error(d)
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "example.com:80", "10.0.0.1:0", "127.0.0.1"} {
		if s, err := Start(Options{Addr: addr, Now: time.Now, Rand: rand.Reader}); err == nil {
			t.Errorf("%s was taken", addr)
			_ = s.Close()
		}
	}
	if _, err := Start(Options{}); err == nil {
		t.Error("no clock was taken")
	}
	if _, err := Start(Options{Now: time.Now, Rand: strings.NewReader("short")}); err == nil {
		t.Error("a short seed was taken")
	}
	seed := bytes.Repeat([]byte{7}, 32)
	var ids []string
	for range 2 {
		s, err := Start(Options{Now: time.Now, Rand: bytes.NewReader(seed)})
		if err != nil {
			t.Fatal(err)
		}
		u, _ := s.User("gruntwork")
		ids = append(ids, u.AccessKeyID+u.Secret.Reveal())
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if ids[0] != ids[1] {
		t.Error("the same seed gives different keys")
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	s := start(t)
	got := map[string]string{}
	for _, u := range s.Users() {
		got[u.Name] = u.MFASerial
	}
	wanted := map[string]string{"carol": "", "ci-machine-user": ""}
	for _, name := range []string{"gruntwork", "jane@acme.com", "alice@acme.com", "bob@acme.com"} {
		wanted[name] = "arn:aws:iam::123456789012:mfa/" + name
	}
	if d := cmp.Diff(wanted, got); d != "" {
		t.Error(d)
	}
	if _, err := s.AddUser("carol"); err == nil {
		t.Error("a second carol was made")
	}
	if _, err := s.AddUser("zoe", "no-such-group"); err == nil {
		t.Error("a group that is not there was taken")
	}
	if _, ok := s.User("zoe"); ok {
		t.Error("zoe was half made")
	}
}

// The page's config names exactly the roles that are there.
func TestConfig(t *testing.T) {
	t.Parallel()
	s := start(t)
	for line := range strings.Lines(Config) {
		if arn, ok := strings.CutPrefix(strings.TrimSpace(line), "role_arn = "); ok && s.world.roleNamed(arn) == nil {
			t.Errorf("%s is not there", arn)
		}
	}
	if n := len(s.world.security().groups); n != 41 {
		t.Errorf("got %d groups, want 36 generated and 5", n)
	}
}
