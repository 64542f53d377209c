package main

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fob/internal/playground"
)

func TestCounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]int{
		"10": {10}, "1000, 10,100": {10, 100, 1000}, "10,10": {10},
		"": nil, "ten": nil, "10,": nil, "-10": nil, "5": nil,
	} {
		got, err := counts(text)
		if !slices.Equal(got, want) || (err != nil) != (want == nil) {
			t.Errorf("counts(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestLineCanBeTypedAgain(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-root", "..", "-runs", "20", "-only", "cached|list"})
	if want := "make bench ONLY='cached|list' RUNS=20"; err != nil || o.line != want {
		t.Errorf("%q, %v, want %q", o.line, err, want)
	}
	for _, bad := range [][]string{{"-runs", "2"}, {"-only", "("}, {"-profiles", "x"}, {"-sessions", "0"}, {"-peer", "no-such-program-anywhere"}} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestHomeEnviron(t *testing.T) {
	t.Parallel()
	env := homeEnviron([]string{"AWS_CA_BUNDLE=x", "AWS_PROFILE=mine", "FOB_PASSPHRASE=mine", "XDG_DATA_HOME=/mine", "HOME=/mine", "CLAUDECODE=mine", "GODEBUG=x", "HOMEPAGE=kept", "PATH=/bin"}, "/h", "http://127.0.0.1:1")
	text := strings.Join(env, "\n")
	if strings.Contains(text, "mine") || strings.Contains(text, "=x") || !strings.HasPrefix(text, "HOMEPAGE=kept\nPATH=/bin\nHOME=/h\n") {
		t.Error(text)
	}
	if got := with([]string{"A=1", "AB=2"}, "A=3", "C=4"); !slices.Equal(got, []string{"AB=2", "A=3", "C=4"}) {
		t.Error(got)
	}
}

func TestConfigOf(t *testing.T) {
	t.Parallel()
	for _, n := range []int{6, 10, 100} {
		text := configOf(n)
		if got := strings.Count(text, "[profile "); got != n || !strings.HasSuffix(text, playground.Config) {
			t.Errorf("%d profiles, want %d, and the playground's at the end", got, n)
		}
	}
	if got := configOf(0); got != playground.Config {
		t.Error(got)
	}
}

func TestQuestionsAreCounted(t *testing.T) {
	t.Parallel()
	const screen = "MFA code for arn:aws:iam::1:mfa/ann: \r\nEnter MFA code for arn:aws:iam::1:mfa/ann: 123456\r\nfob: waiting up to 5m for pid 7 that is opening the store or asking for a code\r\n"
	if got := len(question.FindAllString(screen, -1)); got != 2 {
		t.Errorf("%d questions, want 2", got)
	}
}

func TestTogetherReadsTheAudit(t *testing.T) {
	t.Parallel()
	got := together{prompts: 1}
	got.count([]playground.Call{{Action: "sts:GetSessionToken"}, {Action: "sts:AssumeRole", Resource: "a"}, {Action: "sts:AssumeRole", Resource: "b"}, {Action: "sts:AssumeRole", Resource: "a"}, {Action: "sts:GetCallerIdentity"}})
	if want := (together{prompts: 1, tokens: 1, calls: 3, roles: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	ran := func(key, base string, wall ...time.Duration) *row {
		return &row{key: key, name: key, base: base, wall: wall, faults: []int64{1234}, instructions: []int64{-1}, peak: 3072}
	}
	g := &group{title: "Profiles", beside: "to its own with 10", rows: []*row{
		ran(floorKey, "", 1e6, 2e6, 1e6), ran(execKey, "", 2e6, 4e6, 2e6),
		ran("fob profiles 10", "fob profiles 10", 2e6, 2e6, 2e6), ran("fob profiles 10,000", "fob profiles 10", 3e6, 3e6, 3e6),
		{key: "broken", name: "broken", err: errors.New("why")},
	}}
	b := &bench{o: options{line: "make bench", profiles: []int{10, 10000}, sessions: []int{10}}, fob: &program{name: "fob"}, groups: []*group{g},
		missing: []string{"x: there is no aws here"}, inits: []initRow{{key: floorKey, sum: inits{ms: 0.2}}, {key: execKey, sum: inits{ms: 0.5}}}}
	text := b.report(machine{day: "2026-11-28", start: time.Now()})
	for _, want := range []string{
		"`make bench`, 2026-11-28, Go ",
		"| cached `exec P -- true` | at most 1.5x of exec-only, and 40 % of aws-vault's | 2.00x |\n",
		"| `credential-process P`, cached | the same | not measured |\n",
		"| page faults of cached `exec` | under 400 | 1,234 |\n",
		"| package init | at most 1 ms more than exec-only | 0.30 ms more |\n",
		"| 10,000 profiles, cached `exec` | at most 1.5x its own time with 10 | 1.50x with 10,000 to 10 |\n",
		"| 10 cached sessions, `list` | under 5x its own time with 10 | not measured |\n",
		"| fob profiles 10,000 | 3.00 | 3.00x | 1.50x | 1,234 | - | 3.0 |\n",
		"This kernel counts no instructions.\n",
		"- x: there is no aws here\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "broken") {
		t.Error("a row without figures is in\n" + text)
	}
}

func TestOnly(t *testing.T) {
	t.Parallel()
	b := &bench{o: options{only: regexp.MustCompile("(?i)^profiles: .* 10 ")}}
	if !b.wanted("Profiles", "`fob`, 10 profiles") || b.wanted("Profiles", "`fob`, 100 profiles") || b.wanted("Cached", "10 ") {
		t.Error("another row is wanted than was asked for")
	}
}

// A row that fails takes no other with it, and what a failing program says is
// told.
func TestMeasure(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("sh: ", err)
	}
	w, err := newWorker(func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	runs := func(script string) func() (spawn, error) {
		return func() (spawn, error) { return spawn{argv: []string{sh, "-c", script}, on: w}, nil }
	}
	calls := 0
	g := &group{rounds: 3, rows: []*row{
		{key: floorKey, setup: runs("exit 0")},
		{setup: runs("echo no >&2; exit 3")},
		{setup: func() (spawn, error) { return spawn{}, errors.New("no home") }},
		{fresh: true, setup: func() (spawn, error) { calls++; return runs("exit 0")() }},
	}}
	g.measure(t.Context(), "no-such-peak")
	var got []int
	for _, r := range g.rows {
		got = append(got, len(r.wall))
	}
	if want := []int{3, 0, 0, 3}; !slices.Equal(got, want) {
		t.Errorf("runs %v, want %v", got, want)
	}
	if want := "sh -c echo no >&2; exit 3: exit status 3: no"; g.rows[1].err == nil || g.rows[1].err.Error() != want {
		t.Errorf("got %v, want %s", g.rows[1].err, want)
	}
	if calls != 5 { // a round for warmth, three, and one that reads peak memory
		t.Errorf("a row that is used up was made %d times, want 5", calls)
	}
}

func TestRequestRate(t *testing.T) {
	t.Parallel()
	var connections, served atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "CANARY" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		served.Add(1)
		_, _ = w.Write([]byte("{}"))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	a, err := ask(s.URL, "CANARY", 50)
	if err != nil || a.Rate <= 0 || a.Median <= 0 || a.Slow < a.Median || served.Load() != 50 || connections.Load() != 1 {
		t.Errorf("%+v, %v, %d served over %d connections", a, err, served.Load(), connections.Load())
	}
	if _, err := ask(s.URL, "another", 1); err == nil || err.Error() != "the endpoint answers 403 Forbidden" {
		t.Error(err)
	}
}
