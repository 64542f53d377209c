package awsapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// skewed is a server whose clock is off by so much. It refuses with code what is
// signed more than five minutes away from its own time, and notes how far each
// signature was.
type skewed struct {
	off  time.Duration
	code string
	mute bool // tells no time

	mu   sync.Mutex
	away []time.Duration
}

func (s *skewed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now().Add(s.off)
	at, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	s.mu.Lock()
	s.away = append(s.away, now.Sub(at).Round(time.Minute))
	s.mu.Unlock()
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	if s.mute {
		w.Header()["Date"] = nil
	}
	if now.Sub(at).Abs() > 5*time.Minute {
		reply(403, refusal(s.code, "not now"))(w, r)
		return
	}
	reply(200, strings.ReplaceAll(whole, "2026-01-02T04:04:05Z", now.Add(time.Hour).UTC().Format(time.RFC3339)))(w, r)
}

// A clock that is off is lived with: what is refused for it is signed once more
// by AWS's clock, a call with a code too, and the end of the session is told by
// this machine's.
func TestSkewedClock(t *testing.T) {
	t.Parallel()
	const minute, day = time.Minute, 24 * time.Hour
	tests := []struct {
		name     string
		server   skewed
		attempts int
		away     []time.Duration // of each signature
		off      time.Duration   // what is said of it
		refused  string
	}{
		{name: "right", away: []time.Duration{0, 0}},
		{name: "4 min behind", server: skewed{off: 4 * minute}, away: []time.Duration{4 * minute, 4 * minute}},
		{name: "4 min ahead", server: skewed{off: -4 * minute}, away: []time.Duration{-4 * minute, -4 * minute}},
		{name: "20 min behind", server: skewed{off: 20 * minute, code: "SignatureDoesNotMatch"}, away: []time.Duration{20 * minute, 0, 0}, off: 20 * minute},
		{name: "20 min ahead", server: skewed{off: -20 * minute, code: "RequestTimeTooSkewed"}, away: []time.Duration{-20 * minute, 0, 0}, off: -20 * minute},
		{name: "a day behind", server: skewed{off: day, code: "SignatureDoesNotMatch"}, attempts: 1, away: []time.Duration{day, 0, 0}, off: day},
		{name: "a day ahead", server: skewed{off: -day, code: "RequestExpired"}, away: []time.Duration{-day, 0, 0}, off: -day},
		{name: "another reason", server: skewed{off: -day, code: "AccessDenied"}, away: []time.Duration{-day}, refused: "AccessDenied"},
		{name: "no time told", server: skewed{off: day, code: "SignatureDoesNotMatch", mute: true}, away: []time.Duration{day}, refused: "SignatureDoesNotMatch"},
	}
	for i := range tests {
		tt := &tests[i]
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(&tt.server)
			t.Cleanup(s.Close)
			clock := NewClock(time.Now)
			coded := call
			coded.Serial, coded.Code = "arn:aws:iam::123456789012:mfa/ann", "123456"
			got, err := New(Config{Region: "us-east-1", URL: s.URL, Attempts: tt.attempts, Clock: clock}, signer).AssumeRole(t.Context(), coded)
			if no := (*Refusal)(nil); errors.As(err, &no) && no.Code == tt.refused {
				if diff := cmp.Diff(tt.away, tt.server.away); diff != "" {
					t.Error(diff)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if left := time.Until(got.Session.Expires).Round(minute); left != time.Hour {
				t.Errorf("the session holds %s by this machine's clock", left)
			}
			// The next client signs rightly at once.
			if _, err := New(Config{Region: "us-east-1", URL: s.URL, Clock: clock}, signer).AssumeRole(t.Context(), call); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.away, tt.server.away); diff != "" {
				t.Errorf("how far the signatures were: %s", diff)
			}
			if off := clock.Off().Round(minute); off != tt.off {
				t.Errorf("off by %s, want %s", off, tt.off)
			}
		})
	}
}

// A signature that is wrong for another reason is not sent again and again, and
// a server whose time jumps about is not followed.
func TestSkewedOnce(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{"wrong secret": 0, "wrong secret and clock": time.Hour, "jumping": 2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			off, want := jump, int32(2)
			if jump == 0 {
				want = 1
			}
			c, n := server(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
				if name == "jumping" {
					off += jump
				}
				reply(403, refusal("SignatureDoesNotMatch", "x"))(w, r)
			})
			_, err := c.AssumeRole(t.Context(), call)
			if no := (*Refusal)(nil); !errors.As(err, &no) || n.Load() != want {
				t.Errorf("%v after %d tries, want %d", err, n.Load(), want)
			}
		})
	}
}

// The answer was made between sending and receiving, in whole seconds.
func TestObserve(t *testing.T) {
	t.Parallel()
	sent := time.Date(2026, 1, 2, 3, 4, 5, 900e6, time.UTC)
	received := sent.Add(20 * time.Second)
	for _, tt := range []struct {
		date string
		want time.Duration
	}{
		{"03:04:05", 0}, {"03:04:06", 0}, {"03:04:25", 0},
		{"03:04:04", -900 * time.Millisecond}, {"03:04:26", 100 * time.Millisecond}, {"04:04:25", time.Hour - 900*time.Millisecond},
	} {
		date, err := time.Parse(time.DateTime, "2026-01-02 "+tt.date)
		if err != nil {
			t.Fatal(err)
		}
		c := NewClock(time.Now)
		c.observe(date, sent, received)
		if got := time.Duration(c.seen.Load()); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.date, got, tt.want)
		}
	}
}

// A Date far from the time of a signature that AWS has just taken is not AWS's: a
// proxy set it, and the ends of sessions must not be told by it.
func TestBeliedDate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		off    time.Duration
		status int
		signed bool
		want   time.Duration
	}{
		{"a few minutes", 4 * time.Minute, 200, true, 4 * time.Minute},
		{"an hour, and taken", time.Hour, 200, true, 0},
		{"a day behind, and taken", -24 * time.Hour, 200, true, 0},
		{"an hour, and refused", time.Hour, 403, true, time.Hour},
		{"an hour, and not signed", time.Hour, 200, false, time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := NewClock(func() time.Time { return now })
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://sts.amazonaws.com/", nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.signed {
				r.Header.Set("Authorization", "AWS4-HMAC-SHA256 ...")
			}
			answer := roundTrip(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: tt.status, Header: http.Header{"Date": {now.Add(tt.off).Format(http.TimeFormat)}}}, nil
			})
			if _, err := (observed{answer, c, new(atomic.Bool)}).RoundTrip(r); err != nil {
				t.Fatal(err)
			}
			got := time.Duration(c.seen.Load())
			if (got - tt.want).Abs() > time.Second {
				t.Errorf("AWS's clock is taken to be %s ahead, want %s", got, tt.want)
			}
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
