package awsapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fob/internal/cred"

	"github.com/google/go-cmp/cmp"
)

var signer = cred.Signer{ID: "AKIAABCDEFGHIJKLMNOP", Secret: cred.NewSecret("CANARYsecret")}

const whole = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><AssumedRoleId>AROA:ann</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/x/ann</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>CANARY1</SecretAccessKey><SessionToken>CANARY2</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>`

func refusal(code, message string) string {
	return fmt.Sprintf(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`, code, message)
}

// server answers every request by h and counts them.
func server(t testing.TB, h http.HandlerFunc) (*Client, *atomic.Int32) {
	var n atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		_ = r.ParseForm() // before it goes with the body
		_, _ = io.Copy(io.Discard, r.Body)
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return New(Config{Region: "us-east-1", URL: s.URL, Timeout: 5 * time.Second, Version: "test", Clock: NewClock(time.Now)}, signer), &n
}

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		w.Header().Set("X-Amzn-RequestId", "r-1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

var call = AssumeRoleCall{RoleARN: "arn:aws:iam::123456789012:role/x", SessionName: "ann", Lifetime: time.Hour}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	c, _ := server(t, reply(200, whole))
	got, err := c.AssumeRole(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	want := Issued{RequestID: "r-1", ARN: "arn:aws:sts::123456789012:assumed-role/x/ann", Session: cred.Session{ID: "ASIA1", Secret: cred.NewSecret("CANARY1"), Token: cred.NewSecret("CANARY2"), Expires: time.Date(2026, 1, 2, 4, 4, 5, 0, time.UTC)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Nothing but a whole answer becomes a session, whatever stands in between.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 200 {
		_, _ = z.Write(make([]byte, 1<<20))
	}
	_ = z.Close()
	redirected := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1/elsewhere", http.StatusTemporaryRedirect)
	}
	tests := []struct {
		name string
		h    http.HandlerFunc
	}{
		{"captive portal", reply(200, "<!doctype html><title>Sign in to the Wi-Fi</title>")},
		{"empty", reply(200, "")},
		{"cut", reply(200, whole[:len(whole)/2])},
		{"no token", reply(200, strings.Replace(whole, "<SessionToken>CANARY2</SessionToken>", "", 1))},
		{"no expiry", reply(200, strings.Replace(whole, "<Expiration>2026-01-02T04:04:05Z</Expiration>", "", 1))},
		{"expiry in another form", reply(200, strings.Replace(whole, "2026-01-02T04:04:05Z", "tomorrow", 1))},
		{"empty key", reply(200, strings.Replace(whole, ">ASIA1<", "><", 1))},
		{"json", reply(200, `{"AssumeRoleResponse":{}}`)},
		{"redirect", redirected},
		{"huge", func(w http.ResponseWriter, _ *http.Request) {
			for range 100 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}},
		{"gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, _ := server(t, tc.h)
			got, err := c.AssumeRole(t.Context(), call)
			if err == nil {
				t.Fatalf("taken: %v", got)
			}
			if strings.Contains(err.Error(), "CANARY") || len(err.Error()) > 300 {
				t.Errorf("the error shows the answer: %.400s", err)
			}
			gone := (*UnreachableError)(nil)
			if !errors.As(err, &gone) {
				t.Errorf("%T: %v, want an *UnreachableError", err, err)
			} else if gone.Unsent {
				t.Errorf("%v: it says that nothing was sent", err)
			}
		})
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	c, n := server(t, reply(403, refusal("AccessDenied", "User: x is not authorized")))
	_, err := c.AssumeRole(t.Context(), call)
	var r *Refusal
	if !errors.As(err, &r) {
		t.Fatalf("%T: %v", err, err)
	}
	if r.Date.IsZero() {
		t.Error("the server's clock was not kept")
	}
	r.Date = time.Time{}
	want := &Refusal{Op: "AssumeRole", Code: "AccessDenied", Message: "User: x is not authorized", Status: 403, RequestID: "r-1"}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	if n.Load() != 1 {
		t.Errorf("a refusal was asked for %d times", n.Load())
	}
}

// A code is accepted once, so a call that carries one is sent once, whatever
// comes back; a call without one is tried again.
func TestACodeIsSentOnce(t *testing.T) {
	t.Parallel()
	reset := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"500": reply(500, refusal("InternalFailure", "x")), "503": reply(503, "busy"), "throttled": reply(400, refusal("Throttling", "Rate exceeded")), "reset": reset,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, n := server(t, h)
			coded := call
			coded.Serial, coded.Code = "arn:aws:iam::123456789012:mfa/ann", "123456"
			if _, err := c.AssumeRole(t.Context(), coded); err == nil {
				t.Error("no error")
			}
			if _, err := c.GetSessionToken(t.Context(), SessionTokenCall{Lifetime: time.Hour, Serial: coded.Serial, Code: "123456"}); err == nil {
				t.Error("no error")
			}
			if n.Load() != 2 {
				t.Errorf("two calls with a code were sent %d times", n.Load())
			}
			n.Store(0)
			if _, err := c.AssumeRole(t.Context(), call); err == nil {
				t.Error("no error")
			}
			if n.Load() != 3 {
				t.Errorf("a call without a code was sent %d times, want 3", n.Load())
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c, _ := server(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := c.CallerIdentity(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	c := New(Config{Region: "us-east-1", URL: "http://127.0.0.1:1", Attempts: 1, Clock: NewClock(time.Now)}, signer)
	_, err := c.CallerIdentity(t.Context())
	var gone *UnreachableError
	if !errors.As(err, &gone) || gone.Host != "127.0.0.1:1" || !strings.Contains(err.Error(), "connection refused") || !gone.Unsent {
		t.Errorf("got %v", err)
	}
	// A call that gets no connection says nothing of one of the same client before it,
	// which is what a second try would be.
	c.reached.Store(true)
	if _, err = c.CallerIdentity(t.Context()); !errors.As(err, &gone) || gone.Unsent {
		t.Errorf("after a connection: %v", err)
	}
}

// What breaks once there is a connection may have arrived: the code in it is spent.
func TestBrokenIsSent(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]*httptest.Server{
		"cut off": httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })),
		"TLS":     httptest.NewUnstartedServer(nil),
	} {
		if broken.URL == "" {
			broken.StartTLS()
		}
		t.Cleanup(broken.Close)
		_, err := New(Config{Region: "us-east-1", URL: broken.URL, Attempts: 1, Clock: NewClock(time.Now)}, signer).CallerIdentity(t.Context())
		if gone := (*UnreachableError)(nil); !errors.As(err, &gone) || gone.Unsent {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCABundle(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(reply(200, whole))
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, bundle, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Region: "us-east-1", URL: s.URL, CABundle: file, Clock: NewClock(time.Now)}, signer).AssumeRole(t.Context(), call); err != nil {
		t.Errorf("with its own bundle: %v", err)
	}
	if _, err := New(Config{Region: "us-east-1", URL: s.URL, Attempts: 1, Clock: NewClock(time.Now)}, signer).AssumeRole(t.Context(), call); err == nil {
		t.Error("a server that nobody vouches for was believed")
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	_ = os.WriteFile(empty, nil, 0o600)
	for _, bad := range []string{empty, filepath.Join(t.TempDir(), "absent")} {
		if _, err := New(Config{Region: "us-east-1", URL: s.URL, CABundle: bad, Clock: NewClock(time.Now)}, signer).AssumeRole(t.Context(), call); err == nil || !strings.Contains(err.Error(), "CA bundle") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// Whatever bytes come back: an error or a whole session, never a panic.
func FuzzAnswer(f *testing.F) {
	f.Add(200, whole)
	f.Add(403, refusal("AccessDenied", "x"))
	f.Add(200, "")
	f.Add(500, "<a>")
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		c, _ := server(t, reply(status, body))
		c.cfg.Attempts = 1
		got, err := c.AssumeRole(t.Context(), call)
		if err == nil && (got.Session.ID == "" || got.Session.Secret.IsZero() || got.Session.Token.IsZero() || got.Session.Expires.IsZero()) {
			t.Errorf("half a session was taken: %v", got)
		}
	})
}
