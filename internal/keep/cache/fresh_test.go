package cache

import (
	"testing"
	"time"

	"fob/internal/cred"
)

// TestHeld looks a session up at many times, and names that there are not.
func TestHeld(t *testing.T) {
	t.Parallel()
	c := New(home(t), seal)
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	name := c.NameOf("a step")
	if err := c.Store(Entry{Name: name, Session: cred.Session{ID: "ASIA", Expires: made.Add(time.Hour)}, Made: made}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what, name   string
		after, least time.Duration
		want         bool
	}{
		{"just made", name, 0, 0, true},
		{"for long enough", name, 50 * time.Minute, 10 * time.Minute, true},
		{"for too short", name, 51 * time.Minute, 10 * time.Minute, false},
		{"at its end", name, 61 * time.Minute, 0, false},
		{"a clock that was corrected", name, -30 * time.Second, 0, true},
		{"a clock that was set back", name, -10 * time.Minute, 0, false},
		{"no name", "", 0, 0, false},
		{"another step", c.NameOf("another"), 0, 0, false},
		{"what is no name", "../x", 0, 0, false},
	} {
		e, ok := c.Held(tt.name, made.Add(tt.after), tt.least)
		if ok != tt.want || (e.Session.ID == "ASIA") != tt.want {
			t.Errorf("%s: %v, %q", tt.what, ok, e.Session.ID)
		}
	}
}
