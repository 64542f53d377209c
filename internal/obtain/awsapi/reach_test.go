package awsapi

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A knock carries nothing that is signed, and tells AWS's clock.
func TestReach(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	c, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, strings.Join([]string{r.Method, r.URL.String(), r.Header.Get("Authorization"), r.Form.Encode()}, " "))
		w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		w.Header().Set("Location", "https://aws.amazon.com/iam")
		w.WriteHeader(http.StatusFound)
	})
	for name, reach := range map[string]func(context.Context) (Reached, error){"sts": c.ReachSTS, "iam": c.ReachIAM} {
		got, err := reach(t.Context())
		if err != nil || !got.Dated || got.Ahead.Round(time.Minute) != time.Hour || got.Host != c.host() {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	client, err := HTTPClient("", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Knock(t.Context(), client, c.cfg.URL+"/federation", time.Now); err != nil || !got.Dated || got.Host != c.host() {
		t.Errorf("%+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"GET /  ", "GET /  ", "GET /  "}, asked); diff != "" {
		t.Error(diff)
	}
	if c.knock != nil || c.cfg.Clock.AWSNow().After(time.Now().Add(time.Minute)) {
		t.Error("a knock has changed the client, or its clock")
	}
}

func TestReachNobody(t *testing.T) {
	t.Parallel()
	c := New(Config{Region: "us-east-1", URL: "http://127.0.0.1:1", Clock: NewClock(time.Now)}, signer)
	got, err := c.ReachSTS(t.Context())
	if err == nil || got != (Reached{Host: "127.0.0.1:1"}) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("%+v, %v", got, err)
	}
	c.cfg.CABundle = "/nosuch"
	if _, err = c.ReachIAM(t.Context()); err == nil || !strings.Contains(err.Error(), "CA bundle") {
		t.Errorf("%v", err)
	}
}
