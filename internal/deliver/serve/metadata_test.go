package serve

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const metadataToken = "X-aws-ec2-metadata-token: "

// issueToken gets a token as an SDK does.
func (s started) issueToken(t *testing.T, ttl string) string {
	t.Helper()
	status, header, body := s.ask(t, s.request("PUT /latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: "+ttl, "Content-Length: 0"))
	if status != http.StatusOK || header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != ttl {
		t.Fatalf("no token: %d %v %s", status, header, body)
	}
	return body
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	s := start(t, Metadata)
	s.put(t)
	given := metadataToken + s.issueToken(t, "21600")
	got := map[string]string{}
	for _, path := range []string{
		"/latest/meta-data/iam/security-credentials/", "/latest/meta-data/instance-id", "/latest/meta-data/placement/region",
		"/latest/meta-data/placement/availability-zone/", "/latest/dynamic/instance-identity/document", "/latest/meta-data/iam/info",
	} {
		status, _, body := s.ask(t, s.request("GET "+path, given))
		got[path] = strconv.Itoa(status) + " " + body
	}
	want := map[string]string{
		"/latest/meta-data/iam/security-credentials/":    "200 dev",
		"/latest/meta-data/instance-id":                  "200 i-00000000000000000",
		"/latest/meta-data/placement/region":             "200 us-west-2",
		"/latest/meta-data/placement/availability-zone/": "200 us-west-2a",
		"/latest/dynamic/instance-identity/document":     `200 {"accountId":"345678901234","availabilityZone":"us-west-2a","instanceId":"i-00000000000000000","region":"us-west-2","version":"2017-09-30"}`,
		"/latest/meta-data/iam/info":                     `200 {"Code":"Success","InstanceProfileArn":"arn:aws:iam::345678901234:instance-profile/dev","InstanceProfileId":"AIPAFOB","LastUpdated":"2026-01-02T03:04:05Z"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, _, body := s.ask(t, s.request("GET /latest/meta-data/iam/security-credentials/dev", given))
	role := map[string]string{}
	if err := json.Unmarshal([]byte(body), &role); err != nil {
		t.Fatal(err)
	}
	wantRole := map[string]string{
		"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-02T03:04:05Z", "AccessKeyId": "ASIAROLE", "SecretAccessKey": "CANARY/secret+",
		"Token": "CANARY=token==&<>", "Expiration": "2026-01-02T04:04:05Z", "AccountId": "345678901234",
	}
	if diff := cmp.Diff(wantRole, role); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s.URL() != "http://"+s.host+"/" || s.HealthURL() != "" {
		t.Errorf("%s %s", s.URL(), s.HealthURL())
	}
}

// The rules of version 2: without a token there is 401, so that no SDK falls back
// to version 1, and nothing at all through a proxy.
func TestMetadataRules(t *testing.T) {
	t.Parallel()
	s := start(t, Metadata)
	s.put(t)
	const ttl, role = "X-aws-ec2-metadata-token-ttl-seconds: ", "GET /latest/meta-data/iam/security-credentials/dev"
	good := s.issueToken(t, "60")
	for name, tt := range map[string]struct {
		raw  string
		want int
	}{
		"version 1":           {s.request(role), 401},
		"a wrong token":       {s.request(role, metadataToken+strings.Repeat("x", 43)), 401},
		"two tokens":          {s.request(role, metadataToken+good, metadataToken+good), 401},
		"through a proxy":     {s.request(role, metadataToken+good, "X-Forwarded-For: 127.0.0.1"), 403},
		"a token, by a proxy": {s.request("PUT /latest/api/token", ttl+"60", "X-Forwarded-For: 10.0.0.1"), 403},
		"from a page":         {s.request("PUT /latest/api/token", ttl+"60", "Origin: http://"+s.host), 403},
		"a rebound page":      {"PUT /latest/api/token HTTP/1.1\r\nHost: evil.test\r\n" + ttl + "60\r\n\r\n", 403},
		"of AWS's own name":   {"PUT /latest/api/token HTTP/1.1\r\nHost: 169.254.169.254\r\n" + ttl + "60\r\n\r\n", 403},
		"no TTL":              {s.request("PUT /latest/api/token"), 400},
		"TTL 0":               {s.request("PUT /latest/api/token", ttl+"0"), 400},
		"TTL 21601":           {s.request("PUT /latest/api/token", ttl+"21601"), 400},
		"TTL -1":              {s.request("PUT /latest/api/token", ttl+"-1"), 400},
		"TTL abc":             {s.request("PUT /latest/api/token", ttl+"abc"), 400},
		"TTL +60":             {s.request("PUT /latest/api/token", ttl+"+60"), 400},
		"two TTLs":            {s.request("PUT /latest/api/token", ttl+"60", ttl+"60"), 400},
		"a token by GET":      {s.request("GET /latest/api/token", metadataToken+good), 404},
		"another role":        {s.request("GET /latest/meta-data/iam/security-credentials/prod", metadataToken+good), 404},
		"a path cleaned":      {s.request("GET /latest//meta-data/iam/security-credentials/dev", metadataToken+good), 404},
		"PUT elsewhere":       {s.request("PUT /latest/meta-data/instance-id", metadataToken+good), 404},
		"POST":                {s.request("POST /latest/api/token", ttl+"60"), 405},
		"a body":              {s.request("PUT /latest/api/token", ttl+"60", "Content-Length: 1") + "x", 413},
	} {
		t.Run(name, func(t *testing.T) {
			if status, _, body := s.ask(t, tt.raw); status != tt.want || strings.Contains(body, "CANARY") {
				t.Errorf("got %d %s, want %d", status, body, tt.want)
			}
		})
	}
	s.clock.advance(61 * time.Second)
	if status, _, _ := s.ask(t, s.request(role, metadataToken+good)); status != http.StatusUnauthorized {
		t.Errorf("a token that has ended: %d", status)
	}
}

// Tokens are counted: the ones that end first make room.
func TestMetadataTokensAreFew(t *testing.T) {
	t.Parallel()
	clock := newClock()
	all := newTokens(clock.now)
	for i := range 10000 {
		all.add(sumOf(strconv.Itoa(i)), 1, time.Duration(i+1)*time.Second)
	}
	if len(all.held) != mostTokens || all.holds(sumOf("0"), 1) || !all.holds(sumOf("9999"), 1) || all.holds(sumOf("9999"), 2) {
		t.Errorf("%d tokens are held", len(all.held))
	}
}

// Where users cannot be told, IMDS has no protection and is not served.
func TestMetadataNeedsUsers(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Options{Kind: Metadata, Now: time.Now, Grants: []Grant{{UID: os.Getuid()}}})
	if !errors.Is(err, ErrNoUsers) {
		t.Errorf("got %v", err)
	}
}

// A connection whose user cannot be found is nobody's.
func TestUserUnknown(t *testing.T) {
	t.Parallel()
	s := start(t, Metadata, func(o *Options) {
		o.UserOf = func(_, _ netip.AddrPort) (int, error) { return 0, errors.New("gone") }
	})
	if status, _, _ := s.ask(t, s.request("PUT /latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60")); status != http.StatusForbidden {
		t.Errorf("got %d", status)
	}
}

func TestRoleName(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, profile := range []string{"dev", "two words", "a/b", "../x", "", "ünï", "a.b@c+d=e,f_g-h"} {
		got[profile] = roleName(profile)
	}
	want := map[string]string{"dev": "dev", "two words": "two-words", "a/b": "a-b", "../x": "..-x", "": "fob", "ünï": "-n-", "a.b@c+d=e,f_g-h": "a.b@c+d=e,f_g-h"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
