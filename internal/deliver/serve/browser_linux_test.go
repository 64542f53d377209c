package serve

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fob/internal/cred"

	"github.com/google/go-cmp/cmp"
)

//go:embed testdata/attack.html
var attackPage string

// rebound is a name of the attacker's that leads to loopback.
const rebound = "evil.test"

// browsed is an endpoint under attack by a page in a browser. The page stands on
// the endpoint's own port, as it does for a browser when a name was rebound, and on
// another one.
type browsed struct {
	name    string
	kind    Kind
	page    string                     // the host of the page
	same    bool                       // the page has the endpoint's own port, and asks by its own name
	without func(*http.Request, rules) // takes a check out of the guard

	token       string
	host, other string // the endpoint, and the page's other port
	next        string // where the page goes when it has done its worst
	done        chan struct{}

	mu    sync.Mutex
	heard map[string]string // what the page could read
	seen  []sight
}

// sight is one request as it came, and its answer.
type sight struct {
	what   string
	kind   string
	why    refusal
	status int
	header http.Header
}

type sightWriter struct {
	http.ResponseWriter
	status int
}

func (w *sightWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func withoutHost(r *http.Request, in rules) { r.Host = in.host }

func withoutBoth(r *http.Request, in rules) {
	withoutHost(r, in)
	withoutBrowser(r, in)
}

// listen starts the endpoint, and the page beside it.
func (b *browsed) listen(t *testing.T) {
	t.Helper()
	var ports [2]net.Listener
	for i := range ports {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = l
	}
	clock := newClock()
	current := NewCurrent(clock.now)
	if err := current.Put(session(), "345678901234", time.Time{}); err != nil {
		t.Fatal(err)
	}
	b.host, b.other, b.token = ports[0].Addr().String(), ports[1].Addr().String(), NewToken().Reveal()
	b.done = make(chan struct{})
	e := newEndpoint(Options{
		Kind: b.kind, Current: current, Now: clock.now, UserOf: Users(), Role: "dev",
		Grants: []Grant{{UID: os.Getuid(), Token: cred.NewSecret(b.token)}},
	}, b.host)
	server := &http.Server{ConnContext: withPeer, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page":
			b.servePage(w)
		case "/heard":
			b.hear(t, r)
		default:
			b.serveEndpoint(e, w, r)
		}
	})}
	for _, l := range ports {
		go func() { _ = server.Serve(l) }()
	}
	t.Cleanup(func() { _ = server.Close() })
}

func onPort(host, of string) string { return "http://" + host + of[strings.LastIndex(of, ":"):] }

// pageURL and target are where the page is, and what it attacks.
func (b *browsed) pageURL() string {
	if b.same {
		return onPort(b.page, b.host) + "/page"
	}
	return onPort(b.page, b.other) + "/page"
}

func (b *browsed) target() string {
	if b.same {
		return onPort(b.page, b.host)
	}
	return "http://" + b.host
}

// servePage is the attacker's. The page knows the token, so that the guard alone is
// in its way.
func (b *browsed) servePage(w http.ResponseWriter) {
	given, _ := json.Marshal(map[string]string{"target": b.target(), "token": b.token, "next": b.next}) // strings marshal
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, strings.Replace(attackPage, "/*GIVEN*/", string(given), 1))
}

func (b *browsed) hear(t *testing.T, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.heard != nil {
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&b.heard); err != nil {
		t.Error(err)
	}
	close(b.done)
}

func (b *browsed) serveEndpoint(e *Endpoint, w http.ResponseWriter, r *http.Request) {
	one := sight{kind: r.Method, what: fmt.Sprintf("%s %s of %s %v", r.Method, r.RequestURI, r.Host, r.Header)}
	if r.Header.Get("Upgrade") != "" {
		one.kind = "Upgrade"
	}
	if b.without != nil {
		b.without(r, e.rules)
	}
	_, one.why = e.rules.decide(e.asked(r))
	sw := &sightWriter{ResponseWriter: w, status: http.StatusOK}
	e.ServeHTTP(sw, r)
	one.status, one.header = sw.status, w.Header().Clone()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = append(b.seen, one)
}

// faults are what the page could do that no page may.
func (b *browsed) faults() (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, text := range b.heard {
		if strings.Contains(text, "CANARY") || strings.Contains(text, "ASIAROLE") {
			all = append(all, "credentials are read by "+name)
		}
	}
	for _, s := range b.seen {
		if s.status != http.StatusForbidden || s.why != wrongHost && s.why != fromBrowser {
			all = append(all, fmt.Sprintf("%s is answered by %d %s", s.what, s.status, s.why))
		}
		for name := range s.header {
			if strings.HasPrefix(name, "Access-Control-") || name == "Location" {
				all = append(all, fmt.Sprintf("%s gets %s", s.what, name))
			}
		}
	}
	return all
}

// kinds are the requests that came, once each.
func (b *browsed) kinds() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, s := range b.seen {
		all = append(all, s.kind)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// browse has a real browser, in which the attacker's name leads to loopback, go to
// a page.
func browse(t *testing.T, page string) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is missing")
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
		"--host-resolver-rules=MAP "+rebound+" 127.0.0.1", "--user-data-dir="+filepath.Join(t.TempDir(), "profile"), page)
	c.Stdout, c.Stderr, c.SysProcAttr = log, log, &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		_ = c.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("the browser said:\n%s", text)
		}
	})
}

// A page in a real browser, on a name that leads to the endpoint or on another port
// of this machine, gets nothing but refusals, before its token or its path is looked
// at. The same pages find a guard that lacks a check.
func TestBrowser(t *testing.T) {
	t.Parallel()
	all := []*browsed{
		{name: "rebound", kind: Container, page: rebound, same: true},
		{name: "rebound, IMDS", kind: Metadata, page: rebound, same: true},
		{name: "of another site", kind: Container, page: rebound},
		{name: "of another site, IMDS", kind: Metadata, page: rebound},
		{name: "of another port", kind: Container, page: "127.0.0.1"},
		{name: "of another port, IMDS", kind: Metadata, page: "127.0.0.1"},
		{name: "no host is looked at", kind: Container, page: rebound, same: true, without: withoutHost},
		{name: "nothing of a browser is looked at", kind: Container, page: "127.0.0.1", without: withoutBrowser},
		{name: "neither, IMDS", kind: Metadata, page: rebound, same: true, without: withoutBoth},
	}
	for i, b := range slices.Backward(all) {
		if i+1 < len(all) {
			b.next = all[i+1].pageURL()
		}
		b.listen(t)
	}
	browse(t, all[0].pageURL())
	for _, b := range all {
		select {
		case <-b.done:
		case <-time.After(2 * time.Minute): // a browser that hangs, or a page with a mistake
			t.Fatalf("%s: the page has not told what it heard; the endpoint saw %v", b.name, b.kinds())
		}
	}
	want := map[bool][]string{true: {"GET", "POST", "PUT", "Upgrade"}, false: {"GET", "OPTIONS", "POST", "Upgrade"}}
	caught := map[string]string{
		"no host is looked at": "credentials are read by get", "nothing of a browser is looked at": "is answered by 405 WrongMethod",
		"neither, IMDS": "credentials are read by metadata",
	}
	for _, b := range all {
		faults := b.faults()
		if b.without == nil {
			if diff := cmp.Diff([]string(nil), faults); diff != "" {
				t.Errorf("%s (-want +got):\n%s\nheard: %v", b.name, diff, b.heard)
			}
			if diff := cmp.Diff(want[b.same], b.kinds()); diff != "" {
				t.Errorf("%s: the browser asks otherwise than it should (-want +got):\n%s\nheard: %v", b.name, diff, b.heard)
			}
			continue
		}
		if !strings.Contains(strings.Join(faults, "\n"), caught[b.name]) {
			t.Errorf("%s: not found by the page: %v\nheard: %v", b.name, faults, b.heard)
		}
	}
}
