package cred

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

const canary = "CANARY-wJalrXUtnFEMI"

// A secret must not get out of any struct that holds it, by any verb or encoder.
func TestSecretNeverPrints(t *testing.T) {
	s := NewSecret(canary)
	type inner struct{ s Secret }
	values := map[string]any{
		"secret":     s,
		"pointer":    &s,
		"slice":      []Secret{s},
		"map":        map[string]Secret{"a": s},
		"unexported": inner{s},
		"key":        AccessKey{ID: "AKIAEXAMPLE", Secret: s},
		"session":    Session{ID: "ASIAEXAMPLE", Secret: s, Token: s},
		"nested":     struct{ A any }{&inner{s}},
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%t", "%e", "%!"} {
				fmt.Fprintf(&out, verb+"\n", v)
			}
			for _, verb := range []string{"extra"} {
				fmt.Fprintf(&out, verb, v) //nolint:govet // the %!(EXTRA ...) class of leak is what is tried here
			}
			slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
			if b, err := json.Marshal(v); err == nil {
				out.Write(b)
			}
			if b, err := xml.Marshal(v); err == nil {
				out.Write(b)
			}
			_ = gob.NewEncoder(&out).Encode(v)
			fmt.Fprint(&out, errors.Join(fmt.Errorf("wrapped %v", v), fmt.Errorf("again %+v", v)))
			func() {
				defer func() { fmt.Fprint(&out, recover()) }()
				panic(fmt.Sprint(v))
			}()
			got := out.String()
			for _, leak := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary)} {
				if strings.Contains(got, leak) {
					t.Errorf("the secret got out:\n%s", got)
				}
			}
		})
	}
}

func TestMarshallingFails(t *testing.T) {
	if b, err := json.Marshal(NewSecret(canary)); err == nil {
		t.Errorf("json made %s of a secret; storing that would lose the secret", b)
	}
}

func TestLeft(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tc := range []struct {
		name    string
		expires time.Time
		want    time.Duration
	}{
		{"an hour", now.Add(time.Hour), time.Hour},
		{"over", now.Add(-time.Minute), -time.Minute},
		{"no end", time.Time{}, 1<<63 - 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := (Session{Expires: tc.expires}).Left(now); got != tc.want {
				t.Errorf("Left = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestShort(t *testing.T) {
	for id, want := range map[string]string{"": "****", "A": "****", "ABCD": "****", "AKIAABCDEFGH": "****EFGH"} {
		if got := Short(id); got != want {
			t.Errorf("Short(%q) = %q, want %q", id, got, want)
		}
	}
}
