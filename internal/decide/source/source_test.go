package source

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/profile"

	"github.com/google/go-cmp/cmp"
)

// fakeSTS answers with what a test put in, and keeps what it was asked.
type fakeSTS struct {
	issued  Issued
	session []SessionTokenCall
	roles   []AssumeRoleCall
	web     []WebIdentityCall
	fed     []FederationTokenCall
}

func (f *fakeSTS) GetSessionToken(_ context.Context, in SessionTokenCall) (Issued, error) {
	f.session = append(f.session, in)
	return f.issued, nil
}

func (f *fakeSTS) GetFederationToken(_ context.Context, in FederationTokenCall) (Issued, error) {
	f.fed = append(f.fed, in)
	return f.issued, nil
}

func (f *fakeSTS) AssumeRole(_ context.Context, in AssumeRoleCall) (Issued, error) {
	f.roles = append(f.roles, in)
	return f.issued, nil
}

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func env(f *fakeSTS) Env {
	return Env{STS: func(Endpoint, cred.Signer) STS { return f }, Now: func() time.Time { return now }}
}

func issued(arn string, expires time.Time) Issued {
	return Issued{Session: cred.Session{ID: "ASIA1", Secret: cred.NewSecret("CANARY"), Token: cred.NewSecret("CANARY"), Expires: expires}, ARN: arn}
}

func TestAssumeRoleFetch(t *testing.T) {
	t.Parallel()
	step := AssumeRole{RoleARN: "arn:aws:iam::012345678901:role/team/admin", SessionName: "ann", Lifetime: time.Hour, Device: MFA{Serial: "arn:aws:iam::111111111111:mfa/ann"}, Tags: []Tag{{"a", "b"}}}
	whole := issued("arn:aws:sts::012345678901:assumed-role/admin/ann", now.Add(time.Hour))
	bare := whole
	bare.Session.Token = cred.Secret{}
	forged := func(change func(*cred.Session)) Issued {
		answer := whole
		change(&answer.Session)
		return answer
	}
	tests := []struct {
		name   string
		answer Issued
		want   string // in the error; "" is success
	}{
		{"the role", whole, ""},
		{"another account", issued("arn:aws:sts::112345678901:assumed-role/admin/ann", now.Add(time.Hour)), "the answer is for another role"},
		{"a role whose name begins alike", issued("arn:aws:sts::012345678901:assumed-role/admin2/ann", now.Add(time.Hour)), "the answer is for another role"},
		{"no arn", issued("", now.Add(time.Hour)), "the answer is for another role"},
		{"ended", issued(whole.ARN, now.Add(-time.Second)), "this machine's clock may be wrong"},
		{"ten years", issued(whole.ARN, now.AddDate(10, 0, 0)), "far beyond"},
		{"a clock 15 minutes off", issued(whole.ARN, now.Add(75*time.Minute)), ""},
		{"more than was asked for", issued(whole.ARN, now.Add(75*time.Minute+time.Second)), "far beyond"},
		{"a line feed in the id", forged(func(s *cred.Session) { s.ID = "ASIA1\nX" }), "characters that no credentials have"},
		{"an escape in the secret", forged(func(s *cred.Session) { s.Secret = cred.NewSecret("CANARY\x1b") }), "characters that no credentials have"},
		{"a line feed in the token", forged(func(s *cred.Session) { s.Token = cred.NewSecret("CANARY\n[default]") }), "characters that no credentials have"},
		{"no end", issued(whole.ARN, time.Time{}), "no expiry"},
		{"half", bare, "lacks a part"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := &fakeSTS{issued: tc.answer}
			s, err := step.Fetch(t.Context(), env(f), Input{Code: "123456"})
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
				return
			}
			if err != nil || s.ID != "ASIA1" {
				t.Fatalf("got %v, %v", s, err)
			}
			want := []AssumeRoleCall{{RoleARN: step.RoleARN, SessionName: "ann", Lifetime: time.Hour, Serial: step.Device.Serial, Code: "123456", Tags: step.Tags}}
			if diff := cmp.Diff(want, f.roles); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSessionTokenFetch(t *testing.T) {
	t.Parallel()
	f := &fakeSTS{issued: issued("", now.Add(8*time.Hour))}
	step := SessionToken{Lifetime: 8 * time.Hour, Device: MFA{Serial: "serial000"}}
	if _, err := step.Fetch(t.Context(), env(f), Input{Code: "123456"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]SessionTokenCall{{Lifetime: 8 * time.Hour, Serial: "serial000", Code: "123456"}}, f.session); diff != "" {
		t.Error(diff)
	}
}

func TestPlanReadsEverySetting(t *testing.T) {
	t.Parallel()
	set, err := profile.Parse("config", []byte(`[profile t]
role_arn = arn:aws:iam::123456789012:role/x
role_session_name = ann
external_id = abc/def
source_identity = ann@example.com
session_tags = key1=value1, key2 = value=2
transitive_session_tags = key1,key2
`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := set.Profile("t")
	if err != nil {
		t.Fatal(err)
	}
	got, err := assumeRoleKind{}.Plan(p)
	if err != nil {
		t.Fatal(err)
	}
	want := AssumeRole{
		Profile: "t", RoleARN: "arn:aws:iam::123456789012:role/x", SessionName: "ann", ExternalID: "abc/def", SourceIdentity: "ann@example.com",
		Tags: []Tag{{"key1", "value1"}, {"key2", "value=2"}}, TransitiveKeys: []string{"key1", "key2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	good := []string{"https://sts.example.com", "https://sts.example.com/", "https://[2001:db8::1]:8443", "http://127.0.0.1:5600", "http://127.8.9.1:1", "http://localhost:80/x", "http://[::1]:5600"}
	bad := []string{"", "::::", "sts.example.com", "ftp://x", "https://", "https://a b", "https://user@host", "https://x?y=z", "https://host:port", "http://sts.example.com", "http://127.0.0.1.evil.test", "http://127.1", "http://0.0.0.0:1", "http://localhost.evil.test", "https://:443"}
	for _, u := range good {
		if why := CheckURL(u); why != "" {
			t.Errorf("%s: refused: %s", u, why)
		}
	}
	for _, u := range bad {
		if CheckURL(u) == "" {
			t.Errorf("%s: taken", u)
		}
	}
}

func TestLifetime(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{"3600": time.Hour, "1h30m": 90 * time.Minute, "900": 15 * time.Minute, "43200s": 12 * time.Hour} {
		got, err := Lifetime(profile.Setting{Key: "d", Value: value}, MinLifetime, MaxRoleLifetime)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", value, got, err, want)
		}
	}
	for _, value := range []string{"", "soon", "-5", "899", "43201", "99999999999999999999", "4294967296", "1d", "१२०", "0x10"} {
		_, err := Lifetime(profile.Setting{Key: "d", Value: value, From: "config:7"}, MinLifetime, MaxRoleLifetime)
		var set *SettingError
		if !errors.As(err, &set) || !strings.Contains(err.Error(), "config:7") {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestCheckSerial(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"arn:aws:iam::123456789012:mfa/gruntwork", "arn:aws:iam::123456789012:mfa/path/jane@acme.com", "GAHT12345678", "arn:aws-us-gov:iam::123456789012:mfa/x"} {
		if why := CheckSerial(s); why != "" {
			t.Errorf("%s: %s", s, why)
		}
	}
	for s, part := range map[string]string{"arn:x": "not the serial", "": "not the serial", "arn:aws:iam::1234:mfa/x": "not the ARN", "arn:aws:iam::123456789012:user/x": "not the ARN", "arn:aws:iam::123456789012:u2f/user/x/key": "console only", "a serial with spaces": "not the serial"} {
		if why := CheckSerial(s); !strings.Contains(why, part) {
			t.Errorf("%q: %q, want %q", s, why, part)
		}
	}
}

// What a Fetch makes of any answer: a whole session of the right role, or an
// error; never a panic.
func FuzzAssumeRoleAnswer(f *testing.F) {
	f.Add("arn:aws:sts::012345678901:assumed-role/admin/ann", int64(3600), "ASIA", "s", "t")
	f.Add("", int64(-1), "", "", "")
	f.Fuzz(func(t *testing.T, arn string, seconds int64, id, secret, session string) {
		step := AssumeRole{RoleARN: "arn:aws:iam::012345678901:role/admin", Lifetime: time.Hour}
		fake := &fakeSTS{issued: Issued{ARN: arn, Session: cred.Session{ID: id, Secret: cred.NewSecret(secret), Token: cred.NewSecret(session), Expires: now.Add(time.Duration(seconds) * time.Second)}}}
		s, err := step.Fetch(t.Context(), env(fake), Input{})
		if err == nil && (s.Left(now) <= 0 || s.ID == "" || s.Secret.IsZero() || s.Token.IsZero() || !strings.HasPrefix(arn, "arn:aws:sts::012345678901:assumed-role/admin/")) {
			t.Errorf("took %q, %d, %q", arn, seconds, id)
		}
	})
}

func TestOddRegion(t *testing.T) {
	t.Parallel()
	for _, plain := range []string{"us-east-1", "us-west-2", "eu-central-1", "ap-southeast-7", "ap-northeast-3", "ca-west-1", "il-central-1", "mx-central-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1", "eusc-de-east-1", "cn-northwest-1"} {
		if why := OddRegion(plain); why != "" {
			t.Errorf("%s %s", plain, why)
		}
	}
	for odd, want := range map[string]string{
		"us-weast-2":  "is like no region of AWS that fob knows: did you mean us-east-2?",
		"us-wset-2":   "is like no region of AWS that fob knows: did you mean us-west-2?",
		"us-west-22":  "is like no region of AWS that fob knows",
		"us-west-":    "is like no region of AWS that fob knows",
		"xx-west-1":   "begins like no region of AWS that fob knows",
		"us-west":     "begins like no region of AWS that fob knows",
		"nonsense":    "is not the name of a region",
		"us-oregon-1": "is like no region of AWS that fob knows",
	} {
		if why := OddRegion(odd); why != want {
			t.Errorf("%s: %q, want %q", odd, why, want)
		}
	}
}

func TestTypedSerial(t *testing.T) {
	t.Parallel()
	for serial, ok := range map[string]bool{
		"arn:aws:iam::123456789012:mfa/gruntwork": true, "GAHT12345678": true, "1234567890": true,
		"gruntwork": false, "gruntwork1": false, "GRUNTWORK": false, "arn:aws:iam::123456789012:user/gruntwork": false, "": false, "jane@acme.com": false,
	} {
		if why := TypedSerial(serial); (why == "") != ok {
			t.Errorf("%q: %q", serial, why)
		}
	}
}
