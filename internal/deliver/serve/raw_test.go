package serve

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fob/internal/cred"
)

// rawEndpoint serves by the rules of a host and a token that never change, so that
// what a fuzzer finds can be kept. change stands before the guard.
func rawEndpoint(t testing.TB, kind Kind, change func(*http.Request)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clock := newClock()
	current := NewCurrent(clock.now)
	if err := current.Put(session(), "345678901234", time.Time{}); err != nil {
		t.Fatal(err)
	}
	e := newEndpoint(Options{
		Kind: kind, Current: current, Now: clock.now, Role: "dev", Grants: []Grant{{UID: 1000, Token: cred.NewSecret(testToken)}},
		UserOf: func(_, _ netip.AddrPort) (int, error) { return 1000, nil },
	}, testHost)
	e.serveOn(t.Context(), l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if change != nil {
			change(r)
		}
		e.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { _ = e.Close() })
	return l.Addr().String()
}

var goodLine = map[Kind]*regexp.Regexp{
	Container: regexp.MustCompile(`^GET /(credentials|health) HTTP/1\.[0-9]$`),
	Metadata:  regexp.MustCompile(`^PUT /latest/api/token HTTP/1\.[0-9]$`),
}

// mayAnswer is the guard as a sentence over bytes: which of the requests in raw, one
// after the other, may be answered by 2xx. It shares no code with the server. After
// a request with a body there is no other.
func mayAnswer(kind Kind, raw string) (all []bool) {
	raw = strings.ReplaceAll(strings.ReplaceAll(raw, "\r\n", "\n"), "\n\n", "\n\n\x00")
	for block := range strings.SplitSeq(raw, "\n\n\x00") {
		lines := strings.Split(regexp.MustCompile(`\n[ \t]+`).ReplaceAllString(block, " "), "\n")
		count, ok, body := map[string]int{}, goodLine[kind].MatchString(lines[0]), false
		for _, line := range lines[1:] {
			name, value, _ := strings.Cut(line, ":")
			name, value = strings.ToLower(name), strings.Trim(value, " \t")
			ttl, _ := strconv.Atoi(value)
			count[name]++
			switch {
			case regexp.MustCompile(`^(origin|referer|forwarded|via|sec-.*|x-forwarded-.*|access-control-request-.*)$`).MatchString(name),
				name == "host" && value != testHost, name == "authorization" && kind == Container && value != testToken,
				name == "x-aws-ec2-metadata-token-ttl-seconds" && (ttl < 1 || ttl > 21600):
				ok = false
			case name == "content-length" && strings.Trim(value, "0") != "", name == "transfer-encoding":
				body = true
			}
		}
		needs := map[Kind]string{Container: "authorization", Metadata: "x-aws-ec2-metadata-token-ttl-seconds"}[kind]
		all = append(all, ok && !body && count["host"] == 1 && count[needs] == 1)
		if body {
			break
		}
	}
	return all
}

// wrong sends bytes and gives what is wrong with the answers.
func wrong(kind Kind, address, raw string) error {
	c, err := net.Dial("tcp4", address)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { // who answers need not have read all
		_, _ = io.WriteString(c, raw)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	may, r := mayAnswer(kind, raw), bufio.NewReader(c)
	for at := 0; ; {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
				return fmt.Errorf("no answer and no end: %w", err)
			}
			return nil
		}
		text, _ := io.ReadAll(resp.Body)
		good := resp.StatusCode/100 == 2
		switch {
		case good && (at >= len(may) || !may[at]):
			return fmt.Errorf("request %d of %d is answered by %d", at+1, len(may), resp.StatusCode)
		case !good && strings.Contains(string(text), "CANARY"):
			return fmt.Errorf("a refusal has a secret: %d", resp.StatusCode)
		case resp.StatusCode/100 == 3, resp.Header.Get("Location") != "", resp.Header.Get("Access-Control-Allow-Origin") != "":
			return fmt.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
		if resp.StatusCode/100 != 1 {
			at++
		}
	}
}

// rawSeeds are requests of which each is near a good one.
func rawSeeds() []string {
	line, host, given, end := "GET /credentials HTTP/1.1\r\n", "Host: "+testHost+"\r\n", "Authorization: "+testToken+"\r\n", "\r\n"
	good := line + host + given + end
	put := "PUT /latest/api/token HTTP/1.1\r\n" + host + "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n"
	return []string{
		good, good + good, put + end, put + "Content-Length: 0\r\n" + end + put + end,
		"GET /health HTTP/1.0\r\n" + host + given + end, strings.ReplaceAll(good, "\r\n", "\n"),
		line + "Host: evil.test:4444\r\n" + given + end, line + given + end, line + host + host + given + end,
		line + host + given + "Origin: null\r\n" + end, line + host + given + "sEC-fetch-site: none\r\n" + end, line + host + given + "Via: 1.1 x\r\n" + end,
		line + host + end, line + host + given + given + end, line + host + "Authorization:\r\n " + testToken + "\r\n" + end,
		line + host + "Proxy-Authorization: " + testToken + "\r\nCookie: " + testToken + "\r\nX-aws-ec2-metadata-token: " + testToken + "\r\n" + end,
		"POST /credentials HTTP/1.1\r\n" + host + given + end, "HEAD /credentials HTTP/1.1\r\n" + host + given + end,
		"GET http://" + testHost + "/credentials HTTP/1.1\r\n" + host + given + end, "GET //credentials HTTP/1.1\r\n" + host + given + end,
		"GET /%63redentials HTTP/1.1\r\n" + host + given + end, "GET /credentials?x HTTP/1.1\r\n" + host + given + end,
		line + host + given + "Content-Length: 5\r\n" + end + "hello", line + host + given + "Transfer-Encoding: chunked\r\n" + end + "0\r\n\r\n" + good,
		line + host + "Content-Length: " + strconv.Itoa(len(good)) + "\r\n" + end + good,
		line + host + "Content-Length: 0\r\nContent-Length: 5\r\n" + end + good, line + host + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n" + end + "0\r\n\r\n" + good,
		line + host + "Transfer-Encoding: xchunked\r\n" + end + good, line + host + "Transfer-Encoding : chunked\r\n" + end + good,
		line + host + given + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n" + end,
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\r\n" + good, line + "Host: [::ffff:127.0.0.1]:4444\r\n" + given + end, line + "Host: 127。0.0.1:4444\r\n" + given + end,
		line + host + given + "Expect: 100-continue\r\n" + end, line + host + given + "X: a\r\n\tOrigin: x\r\n" + end, line + "Host: " + testHost + "\x00\r\n" + given + end,
	}
}

// FuzzRaw: whatever bytes come, an answer of 2xx is one that the sentence allows.
func FuzzRaw(f *testing.F) {
	address := map[bool]string{}
	for _, metadata := range []bool{false, true} {
		address[metadata] = rawEndpoint(f, kindOf(metadata), nil)
		for _, raw := range rawSeeds() {
			f.Add(metadata, []byte(raw))
		}
	}
	f.Fuzz(func(t *testing.T, metadata bool, raw []byte) {
		if err := wrong(kindOf(metadata), address[metadata], string(raw)); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	})
}

func kindOf(metadata bool) Kind {
	if metadata {
		return Metadata
	}
	return Container
}

// The seeds alone find a server that leaves out one check of the guard, and the
// sentence allows what a client asks.
func TestRawIsCompared(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Container, Metadata} {
		if !slices.ContainsFunc(rawSeeds(), func(raw string) bool { return slices.Equal(mayAnswer(kind, raw)[:1], []bool{true}) }) {
			t.Errorf("no seed is a good request of kind %d", kind)
		}
	}
	for name, change := range map[string]func(*http.Request){
		"host":    func(r *http.Request) { r.Host = testHost },
		"browser": func(r *http.Request) { withoutBrowser(r, rules{}) },
		"method":  func(r *http.Request) { r.Method = http.MethodGet },
		"token":   func(r *http.Request) { r.Header["Authorization"] = []string{testToken} },
		"path":    func(r *http.Request) { r.RequestURI = strings.ReplaceAll(r.URL.Path, "//", "/") },
		"body":    func(r *http.Request) { r.ContentLength, r.TransferEncoding = 0, nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := rawEndpoint(t, Container, change)
			found := slices.ContainsFunc(rawSeeds(), func(raw string) bool { return wrong(Container, address, raw) != nil })
			if !found {
				t.Error("no seed finds that it is not checked")
			}
		})
	}
}

func withoutBrowser(r *http.Request, _ rules) {
	maps.DeleteFunc(r.Header, func(name string, _ []string) bool { return throughBrowser(http.Header{name: nil}) })
}
