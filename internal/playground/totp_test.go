package playground

import (
	"encoding/base32"
	"testing"
	"time"

	"fob/internal/cred"
)

// The vectors are those of RFC 6238, appendix B, cut to six digits.
func TestCode(t *testing.T) {
	t.Parallel()
	seed := cred.NewSecret(base32.StdEncoding.EncodeToString([]byte("12345678901234567890")))
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471",
		1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := Code(seed, time.Unix(at, 0)); got != want {
			t.Errorf("at %d: got %s, want %s", at, got, want)
		}
	}
	if got := Code(cred.NewSecret("CANARY is no base32!"), time.Unix(59, 0)); got != "" {
		t.Errorf("a bad seed gave %q", got)
	}
}

func TestDeviceTakesEachCodeOnce(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_010, 0)
	d := &device{seed: "CANARY2345672345", used: map[int64]bool{}}
	at := func(steps int64) string { return totp(d.seed, stepAt(now)+steps) }
	for _, tt := range []struct {
		what string
		code string
		want bool
	}{
		{"two steps back", at(-2), false},
		{"the previous", at(-1), true},
		{"the previous again", at(-1), false},
		{"the current", at(0), true},
		{"the next", at(1), true},
		{"two ahead", at(2), false},
		{"no code", "", false},
	} {
		if got := d.take(tt.code, now); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.what, got, tt.want)
		}
	}
}

func TestServerCode(t *testing.T) {
	t.Parallel()
	s := start(t)
	u, _ := s.User("gruntwork")
	d := s.world.deviceOf(s.world.security().users["gruntwork"])
	for range 5 {
		code, wait := s.Code("gruntwork")
		if again, _ := s.Code("gruntwork"); again != code {
			t.Error("an unused code was not given again")
		}
		s.Advance(wait)
		if !d.take(code, s.Now()) {
			t.Errorf("code %s of %s was not taken after %s", code, u.MFASerial, wait)
		}
	}
	if code, wait := s.Code("carol"); code != "" || wait != 0 {
		t.Errorf("carol has no device and got %q, %s", code, wait)
	}
}
