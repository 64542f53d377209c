package playground

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// The requests and signatures are AWS's published examples: the first of the
// SigV4 test suite, and GetObject in "Examples: Signature Calculations" of the
// S3 API reference.
func TestPublishedSignatures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, target, host, secret string
		header                     map[string]string
		authorization              string
	}{
		{
			name: "get-vanilla", target: "/", host: "example.amazonaws.com",
			secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
			header: map[string]string{"X-Amz-Date": "20150830T123600Z"},
			authorization: "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, " +
				"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		},
		{
			name: "s3 GetObject", target: "/test.txt", host: "examplebucket.s3.amazonaws.com",
			secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
			header: map[string]string{"X-Amz-Date": "20130524T000000Z", "Range": "bytes=0-9", "X-Amz-Content-Sha256": sha256Hex(nil)},
			authorization: "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
				"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date," +
				"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, tt.target, nil)
			r.Host = tt.host
			for name, value := range tt.header {
				r.Header.Set(name, value)
			}
			a, ok := parseAuthorization(tt.authorization)
			if !ok {
				t.Fatal("the header was not read")
			}
			if !a.signatureMatches(r, tt.secret, sha256Hex(nil)) {
				t.Error("the published signature does not match")
			}
			if a.signatureMatches(r, tt.secret+"x", sha256Hex(nil)) {
				t.Error("a wrong secret matches")
			}
		})
	}
}

// signed sends a request that the SDK's signer has signed, and gives status
// and body. change may spoil the request afterwards.
func signed(t *testing.T, s *Server, k keys, service string, r *http.Request, change func(*http.Request)) (int, http.Header, string) {
	t.Helper()
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if hash == "" {
		hash = sha256Hex(body)
	}
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	credentials := aws.Credentials{AccessKeyID: k.id, SecretAccessKey: k.secret, SessionToken: k.sessionToken}
	if err := signer.SignHTTP(t.Context(), credentials, r, hash, service, Region, s.Now()); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(text)
}

func request(t *testing.T, s *Server, method, target, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSpoiltRequests(t *testing.T) {
	t.Parallel()
	s := start(t)
	good := userKeys(t, s, "bob@acme.com")
	const text = "Action=GetCallerIdentity&Version=2011-06-15"
	tests := []struct {
		name   string
		keys   keys
		change func(*http.Request)
		status int
		code   string
	}{
		{"as it should be", good, nil, 200, "GetCallerIdentityResult"},
		{"unsigned", good, func(r *http.Request) { r.Header.Del("Authorization") }, 403, "MissingAuthenticationToken"},
		{"unknown key", keys{id: "AKIAZZZZZZZZZZZZZZZZ", secret: "CANARY"}, nil, 403, "InvalidClientTokenId"},
		{"wrong secret", keys{id: good.id, secret: "CANARY"}, nil, 403, "SignatureDoesNotMatch"},
		{"session token with a long-term key", keys{good.id, good.secret, "CANARY"}, nil, 403, "InvalidClientTokenId"},
		{"another host", good, func(r *http.Request) { r.Host = "sts.amazonaws.com" }, 403, "SignatureDoesNotMatch"},
		{"another body", good, func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(text, "2011", "2012", 1)))
		}, 403, "SignatureDoesNotMatch"},
		{"another query", good, func(r *http.Request) { r.URL.RawQuery = "a=b" }, 403, "SignatureDoesNotMatch"},
		{"another method", good, func(r *http.Request) { r.Method = http.MethodPut }, 403, "SignatureDoesNotMatch"},
		{"another signed date", good, func(r *http.Request) {
			r.Header.Set("X-Amz-Date", s.Now().Add(time.Minute).Format(dateLayout))
		}, 403, "SignatureDoesNotMatch"},
		{"no date", good, func(r *http.Request) { r.Header.Del("X-Amz-Date") }, 403, "IncompleteSignature"},
		{"host not signed", good, func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "host;", "", 1))
		}, 403, "SignatureDoesNotMatch"},
		{"another service", good, func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/sts/", "/iam/", 1))
		}, 403, "SignatureDoesNotMatch"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request(t, s, http.MethodPost, "/", text)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			status, header, body := signed(t, s, tt.keys, "sts", r, tt.change)
			if status != tt.status || !strings.Contains(body, tt.code) || header.Get("X-Amzn-Requestid") == "" {
				t.Errorf("got %d %s, want %d %s", status, body, tt.status, tt.code)
			}
		})
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	s := start(t)
	k := userKeys(t, s, "bob@acme.com")
	ask := func() error {
		_, err := k.sts(s).GetCallerIdentity(t.Context(), nil)
		return err
	}
	s.Advance(14 * time.Minute)
	want(t, "14 minutes old", ask(), "")
	s.Advance(2 * time.Minute)
	want(t, "16 minutes old", ask(), "SignatureDoesNotMatch: Signature expired: ")
	s.Advance(-20 * time.Minute)
	want(t, "4 minutes ahead", ask(), "")
	s.Advance(-2 * time.Minute)
	want(t, "6 minutes ahead", ask(), "SignatureDoesNotMatch: Signature not yet current: ")
}

func TestKeyStates(t *testing.T) {
	t.Parallel()
	s := start(t)
	k := userKeys(t, s, "bob@acme.com")
	session := userSession(t, s, "bob@acme.com", true)
	held := s.world.keys[k.id]
	ask := func(k keys) error {
		_, err := k.sts(s).GetCallerIdentity(t.Context(), nil)
		return err
	}
	const unknown = "InvalidClientTokenId: The security token included in the request is invalid."
	held.active = false
	want(t, "inactive", ask(k), unknown)
	want(t, "a session outlives its key", ask(session), "")
	delete(s.world.keys, k.id)
	want(t, "deleted", ask(k), unknown)
	want(t, "no session token", ask(keys{id: session.id, secret: session.secret}), unknown)
	want(t, "wrong session token", ask(keys{session.id, session.secret, "CANARY"}), unknown)
	s.Expire(session.id)
	want(t, "expired", ask(session), "ExpiredToken: The security token included in the request is expired")
}

func TestDateHeaderIsTheServersTime(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Advance(time.Hour)
	_, header, _ := signed(t, s, userKeys(t, s, "carol"), "sts", request(t, s, http.MethodPost, "/", ""), nil)
	got, err := http.ParseTime(header.Get("Date"))
	if left := s.Now().Sub(got); err != nil || left < 0 || left > time.Minute {
		t.Errorf("got %q, %v", header.Get("Date"), err)
	}
}
