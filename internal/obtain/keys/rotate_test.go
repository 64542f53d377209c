package keys

import (
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/keep/store"
	"fob/internal/obtain/awsapi"
)

func key(id string) cred.AccessKey {
	return cred.AccessKey{ID: id, Secret: cred.NewSecret("CANARY" + id)}
}

func listed(ids ...string) []awsapi.KeyState {
	states := []awsapi.KeyState{}
	for _, id := range ids {
		states = append(states, awsapi.KeyState{ID: id, Active: true})
	}
	return states
}

// What comes next follows from the journal, the record and, where that matters,
// the keys that IAM has.
func TestNext(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ann, bob := awsapi.Identity{ARN: "arn:aws:iam::1:user/ann"}, awsapi.Identity{ARN: "arn:aws:iam::1:user/bob"}
	entry := func(newID string, after time.Time) *store.Rotation {
		e := &store.Rotation{Profile: "p", ARN: ann.ARN, Old: key("old"), DeleteAfter: after}
		if newID != "" {
			e.New = key(newID)
		}
		return e
	}
	tests := []struct {
		name  string
		s     state
		lists bool
		want  action
	}{
		{"nothing under way", state{stored: key("old")}, true, begin},
		{"an intent", state{stored: key("old"), entry: entry("", time.Time{}), who: ann}, true, create},
		{"an intent, and the call was never made", state{stored: key("old"), entry: entry("", time.Time{}), who: ann, have: listed("old")}, false, create},
		{"an intent, and the answer was lost", state{stored: key("old"), entry: entry("", time.Time{}), who: ann, have: listed("old", "lost")}, false, settle},
		{"a new key", state{stored: key("old"), entry: entry("new", time.Time{}), who: ann}, false, prove},
		{"swapped", state{stored: key("new"), entry: entry("new", time.Time{}), who: ann}, false, retire},
		{"the old key waits", state{stored: key("new"), entry: entry("new", now.Add(time.Second)), who: ann}, false, await},
		{"the old key has waited", state{stored: key("new"), entry: entry("new", now), who: ann}, false, finish},
		{"another key was stored, both others are gone", state{stored: key("third"), entry: entry("new", time.Time{}), who: ann, have: listed("third")}, false, drop},
		{"another key was stored, the new one is there", state{stored: key("third"), entry: entry("new", time.Time{}), who: ann, have: listed("third", "new")}, false, settle},
		{"another key was stored, an unknown one is there", state{stored: key("third"), entry: entry("", time.Time{}), who: ann, have: listed("third", "lost")}, false, settle},
		{"another user's key was stored, who has two", state{stored: key("third"), entry: entry("", time.Time{}), who: bob, have: listed("third", "fourth")}, false, drop},
	}
	for _, tc := range tests {
		if got := tc.s.next(now); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
		if got := tc.s.mustList(); got != tc.lists {
			t.Errorf("%s: lists %v, want %v", tc.name, got, tc.lists)
		}
	}
}

func TestUserName(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]string{
		"arn:aws:iam::123456789012:user/ann":                  "ann",
		"arn:aws-cn:iam::123456789012:user/division/eu/a@b.c": "a@b.c",
		"arn:aws:iam::123456789012:root":                      "",
	} {
		if got := userName(awsapi.Identity{ARN: arn}); got != want {
			t.Errorf("%s: %q, want %q", arn, got, want)
		}
	}
}
