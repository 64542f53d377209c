package serve

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fob/internal/cred"

	"github.com/google/go-cmp/cmp"
)

var expires = time.Date(2026, 1, 2, 5, 4, 5, 999, time.FixedZone("", 3600))

func session() cred.Session {
	return cred.Session{ID: "ASIAROLE", Secret: cred.NewSecret("CANARY/secret+"), Token: cred.NewSecret("CANARY=token==&<>"), Expires: expires}
}

// clock is a time that a test moves.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(expires.Add(-time.Hour).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

// started is an endpoint that lets this process in.
type started struct {
	*Endpoint
	clock   *clock
	current *Current
	token   string
	host    string
}

func start(t *testing.T, kind Kind, change ...func(*Options)) started {
	t.Helper()
	clock := newClock()
	s := started{clock: clock, current: NewCurrent(clock.now)}
	o := Options{
		Kind: kind, Current: s.current, Grants: []Grant{{UID: os.Getuid(), Token: NewToken()}}, Now: clock.now,
		Role: "dev", Region: "us-west-2", Account: "345678901234",
	}
	if o.UserOf = Users(); o.UserOf == nil && kind == Metadata {
		o.UserOf = func(_, _ netip.AddrPort) (int, error) { return os.Getuid(), nil }
	}
	for _, c := range change {
		c(&o)
	}
	e, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	s.Endpoint, s.token, s.host = e, o.Grants[0].Token.Reveal(), e.rules.host
	return s
}

func (s started) put(t *testing.T) {
	t.Helper()
	if err := s.current.Put(session(), "345678901234", expires.Add(-20*time.Minute)); err != nil {
		t.Fatal(err)
	}
}

// ask sends one request as it is and gives status and body.
func (s started) ask(t *testing.T, raw string) (int, http.Header, string) {
	t.Helper()
	resp, body, err := s.send(raw)
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	return resp.StatusCode, resp.Header, body
}

func (s started) send(raw string) (*http.Response, string, error) {
	c, err := net.Dial("tcp4", s.host)
	if err != nil {
		return nil, "", err
	}
	defer c.Close()
	if _, err := io.WriteString(c, raw); err != nil {
		return nil, "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: strings.Fields(raw)[0]})
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// request is one with the right host and the given rest of the header.
func (s started) request(line string, header ...string) string {
	all := append([]string{line + " HTTP/1.1", "Host: " + s.host}, header...)
	return strings.Join(all, "\r\n") + "\r\n\r\n"
}

func (s started) authorized() string { return s.request("GET /credentials", "Authorization: "+s.token) }

func TestContainer(t *testing.T) {
	t.Parallel()
	s := start(t, Container)
	s.put(t)
	status, header, body := s.ask(t, s.authorized())
	got := map[string]string{}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"AccessKeyId": "ASIAROLE", "SecretAccessKey": "CANARY/secret+", "Token": "CANARY=token==&<>", "Expiration": "2026-01-02T04:04:05Z", "AccountId": "345678901234",
	}
	if diff := cmp.Diff(want, got); diff != "" || status != http.StatusOK {
		t.Errorf("status %d (-want +got):\n%s", status, diff)
	}
	delete(header, "Date")
	delete(header, "Content-Length")
	wantHeader := http.Header{"Cache-Control": {"no-store"}, "X-Content-Type-Options": {"nosniff"}, "Content-Security-Policy": {"default-src 'none'"}, "Content-Type": {"application/json"}}
	if diff := cmp.Diff(wantHeader, header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if s.URL() != "http://"+s.host+"/credentials" || !strings.HasPrefix(s.host, "127.0.0.1:") {
		t.Errorf("URL %s", s.URL())
	}
	if status, _, body := s.ask(t, s.request("GET /health", "Authorization: "+s.token)); status != http.StatusOK || body != `{"status":"ok"}` {
		t.Errorf("health: %d %s", status, body)
	}
}

// A key that does not end has no end in the answer, in either protocol.
func TestNoEnd(t *testing.T) {
	t.Parallel()
	container, metadata, err := encode(cred.AccessKey{ID: "AKIA", Secret: cred.NewSecret("CANARY")}.Expose(), "", expires)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"AccessKeyId":"AKIA","SecretAccessKey":"CANARY"}`,
		`{"AccessKeyId":"AKIA","Code":"Success","LastUpdated":"2026-01-02T04:04:05Z","SecretAccessKey":"CANARY","Token":"","Type":"AWS-HMAC"}`,
	}
	if diff := cmp.Diff(want, []string{string(container), string(metadata)}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is wrong with the line or the header is refused on the wire, too, and no
// refusal redirects, names what would help, or lets a page read it.
func TestRefusedOnTheWire(t *testing.T) {
	t.Parallel()
	s := start(t, Container)
	s.put(t)
	token := "Authorization: " + s.token
	port := s.host[strings.LastIndex(s.host, ":")+1:]
	for name, raw := range map[string]string{
		"no host":           "GET /credentials HTTP/1.0\r\n" + token + "\r\n\r\n",
		"no host in 1.1":    "GET /credentials HTTP/1.1\r\n" + token + "\r\n\r\n",
		"two hosts":         s.request("GET /credentials", "Host: evil.test", token),
		"the same twice":    s.request("GET /credentials", "Host: "+s.host, token),
		"absolute form":     s.request("GET http://"+s.host+"/credentials", token),
		"absolute, rebound": "GET http://evil.test/credentials HTTP/1.1\r\nHost: " + s.host + "\r\n" + token + "\r\n\r\n",
		"localhost":         "GET /credentials HTTP/1.1\r\nHost: localhost:" + port + "\r\n" + token + "\r\n\r\n",
		"a dot":             "GET /credentials HTTP/1.1\r\nHost: " + s.host + ".\r\n" + token + "\r\n\r\n",
		"two tokens":        s.request("GET /credentials", token, token),
		"HEAD":              s.request("HEAD /credentials", token),
		"POST":              s.request("POST /credentials", token, "Content-Length: 0"),
		"OPTIONS":           s.request("OPTIONS /credentials", token),
		"OPTIONS *":         s.request("OPTIONS *", token),
		"TRACE":             s.request("TRACE /credentials", token),
		"CONNECT":           s.request("CONNECT "+s.host, token),
		"h2 by prior":       "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"h2c":               s.request("GET /x", token, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
		"//":                s.request("GET //credentials", token),
		"/..":               s.request("GET /../credentials", token),
		"%2e":               s.request("GET /%2e/credentials", token),
		"NUL":               s.request("GET /credentials\x00", token),
		"escaped NUL":       s.request("GET /credentials%00", token),
		"10 KiB":            s.request("GET /"+strings.Repeat("x", 10<<10), token),
		"a slash":           s.request("GET /credentials/", token),
		"a fragment":        s.request("GET /credentials#x", token),
		"stop":              s.request("GET /stop", token),
		"role-arn":          s.request("GET /role-arn/arn:aws:iam::111111111111:role/admin", token),
		"a header of 9 KiB": s.request("GET /credentials", token, "X: "+strings.Repeat("x", 9<<10)),
		"a body":            s.request("GET /credentials", token, "Content-Length: 5") + "hello",
		"a chunked body":    s.request("GET /credentials", token, "Transfer-Encoding: chunked") + "5\r\nhello\r\n0\r\n\r\n",
		"1 GiB to come":     s.request("GET /credentials", token, "Content-Length: 1073741824"),
		"both lengths":      s.request("GET /credentials", token, "Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, header, body := s.ask(t, raw)
			if status < 400 || status == http.StatusInternalServerError || strings.Contains(body, "CANARY") || header.Get("Location") != "" || header.Get("Allow") != "" {
				t.Errorf("%d %v %s", status, header, body)
			}
			for name := range header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("a refusal has %s", name)
				}
			}
		})
	}
}

// Every wrong token gets the same answer.
func TestWrongTokensLookAlike(t *testing.T) {
	t.Parallel()
	s := start(t, Container)
	s.put(t)
	want := ""
	for _, given := range []string{"", "Authorization: ", "Authorization: x", "Authorization: " + s.token[:20], "Authorization: " + s.token + "x", "Authorization: Bearer " + s.token, "Authorization: " + strings.ToUpper(s.token)} {
		raw := s.request("GET /credentials", given)
		if given == "" {
			raw = s.request("GET /credentials")
		}
		status, _, body := s.ask(t, raw)
		if got := fmt.Sprint(status, body); want == "" {
			want = got
		} else if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if !strings.HasPrefix(want, "403") {
		t.Errorf("got %s", want)
	}
}

// Two endpoints have other ports and tokens, and one's token is none at the other.
func TestOneTokenEach(t *testing.T) {
	t.Parallel()
	a, b := start(t, Container), start(t, Container)
	a.put(t)
	b.put(t)
	if a.host == b.host || a.token == b.token || len(a.token) != 43 {
		t.Errorf("%s and %s, %d letters", a.host, b.host, len(a.token))
	}
	if status, _, _ := b.ask(t, b.request("GET /credentials", "Authorization: "+a.token)); status != http.StatusForbidden {
		t.Errorf("the token of another endpoint: %d", status)
	}
}

// No other address of this machine leads to it.
func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	s := start(t, Container)
	port := s.host[strings.LastIndex(s.host, ":")+1:]
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	tried := []string{"127.0.0.2", "::1"}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.String() != "127.0.0.1" && !n.IP.IsLinkLocalUnicast() {
			tried = append(tried, n.IP.String())
		}
	}
	for _, host := range tried {
		if c, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), time.Second); err == nil {
			_ = c.Close()
			t.Errorf("%s leads to it", host)
		}
	}
}

// Closed, the port is free at once and connections are gone.
func TestClose(t *testing.T) {
	t.Parallel()
	s := start(t, Container)
	c, err := net.Dial("tcp4", s.host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlives its endpoint")
	}
	if c, err := net.Dial("tcp4", s.host); err == nil {
		_ = c.Close()
		t.Error("a closed endpoint listens")
	}
}

func TestTroubles(t *testing.T) {
	t.Parallel()
	s := start(t, Container)
	asks := func() (int, string) {
		status, _, body := s.ask(t, s.authorized())
		return status, body
	}
	code := func(body string) string {
		var e struct{ Code, Message string }
		if err := json.Unmarshal([]byte(body), &e); err != nil || e.Message == "" {
			t.Errorf("%s: %v", body, err)
		}
		return e.Code
	}
	if status, body := asks(); status != http.StatusServiceUnavailable || code(body) != "NotYet" {
		t.Errorf("nothing yet: %d %s", status, body)
	}
	s.put(t)
	s.current.Fail(NeedsPerson)
	if status, body := asks(); status != http.StatusOK || !strings.Contains(body, "ASIAROLE") {
		t.Errorf("a session that holds, after a renewal that failed: %d %s", status, body)
	}
	s.clock.advance(time.Hour + time.Second)
	for _, want := range []Trouble{NeedsPerson, Failed} {
		s.current.Fail(want)
		status, body := asks()
		if status != http.StatusServiceUnavailable || code(body) != string(want) || strings.Contains(body, "CANARY") {
			t.Errorf("ended: %d %s", status, body)
		}
		if status, _, body := s.ask(t, s.request("GET /health", "Authorization: "+s.token)); status != http.StatusServiceUnavailable {
			t.Errorf("health of an ended session: %d %s", status, body)
		}
	}
}

// A session is asked for anew when it is due, and served meanwhile.
func TestDue(t *testing.T) {
	t.Parallel()
	s := start(t, Container)
	s.put(t)
	wanted := func() bool {
		select {
		case <-s.current.Wanted():
			return true
		default:
			return false
		}
	}
	if s.ask(t, s.authorized()); wanted() {
		t.Error("a renewal is wanted of a new session")
	}
	s.clock.advance(45 * time.Minute)
	if status, _, _ := s.ask(t, s.authorized()); status != http.StatusOK || !wanted() {
		t.Errorf("no renewal is wanted of one that is due; status %d", status)
	}
}

// A hundred first requests at once wait for one renewal and are all answered.
func TestFirstRequestsTogether(t *testing.T) {
	t.Parallel()
	s := start(t, Container, func(o *Options) { o.Now = time.Now })
	var calls atomic.Int32
	go func() {
		for range s.current.Wanted() {
			calls.Add(1)
			s.put(t)
		}
	}()
	var all sync.WaitGroup
	var answered atomic.Int32
	gate := make(chan struct{})
	for range 100 {
		all.Go(func() {
			<-gate
			if status, _, body := s.ask(t, s.authorized()); status == http.StatusOK && strings.Contains(body, "ASIAROLE") {
				answered.Add(1)
			}
		})
	}
	close(gate)
	all.Wait()
	if answered.Load() != 100 {
		t.Errorf("%d of 100 were answered", answered.Load())
	}
	if n := calls.Load(); n < 1 || n > 2 { // a request may have looked just before the first was put
		t.Errorf("%d renewals", n)
	}
}

// Slow and idle connections by the thousand shut nobody out, and cost no more than
// the bound.
func TestCrowd(t *testing.T) {
	t.Parallel()
	s := start(t, Container)
	s.put(t)
	before := runtime.NumGoroutine()
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	for i := range 600 {
		c, err := net.Dial("tcp4", s.host)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
		if i%2 == 0 {
			_, _ = io.WriteString(c, "GET /credentials HTTP/1.1\r\nHost:")
		}
		if i%100 == 0 {
			if status, _, _ := s.ask(t, s.authorized()); status != http.StatusOK {
				t.Fatalf("after %d: %d", i, status)
			}
		}
	}
	if status, _, _ := s.ask(t, s.authorized()); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if more := runtime.NumGoroutine() - before; more > 4*mostConnections {
		t.Errorf("%d goroutines more", more)
	}
}

// Requests that are sent at once on one connection are answered in order.
func TestPipelined(t *testing.T) {
	t.Parallel()
	s := start(t, Container)
	s.put(t)
	c, err := net.Dial("tcp4", s.host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, s.authorized()+s.request("GET /nothing", "Authorization: "+s.token)+s.authorized())
	r := bufio.NewReader(c)
	var got []int
	for range 3 {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		got = append(got, resp.StatusCode)
	}
	if diff := cmp.Diff([]int{200, 404, 200}, got); diff != "" {
		t.Error(diff)
	}
}

// Many requests leave nothing behind.
func TestMemoryIsFlat(t *testing.T) {
	t.Parallel()
	s := start(t, Container)
	s.put(t)
	c, err := net.Dial("tcp4", s.host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r, raw := bufio.NewReader(c), s.authorized()
	many := func(n int) uint64 {
		for range n {
			_, _ = io.WriteString(c, raw)
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		return uint64(len(s.Endpoint.atOnce))
	}
	if many(2000) > 1 || len(s.current.wanted) != 0 {
		t.Error("something is left of requests that are done")
	}
}
