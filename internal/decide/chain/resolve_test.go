package chain

import (
	"context"
	"errors"
	"fob/internal/cred"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"

	"github.com/google/go-cmp/cmp"
)

// page is the config of the Reference Architecture's CLI page, two accounts of it.
const page = `[default]
region=us-west-2
[profile security]
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
[profile dev]
source_profile = security
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
role_arn = arn:aws:iam::345678901234:role/allow-full-access-from-other-accounts
[profile logs]
source_profile = security
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
role_arn = arn:aws:iam::012345678901:role/allow-full-access-from-other-accounts
`

// show writes a chain on one line, so that the table reads like explain.
func show(c Chain) string {
	parts := []string{c.Key}
	for _, s := range c.Steps {
		switch s := s.(type) {
		case source.SessionToken:
			parts = append(parts, "session "+s.Lifetime.String()+device(s.Device.Serial)+" @"+s.Endpoint.Region)
		case source.AssumeRole:
			text := "assume " + source.Account(s.RoleARN) + s.RoleARN[strings.LastIndex(s.RoleARN, "/"):] + " " + s.Lifetime.String() + device(s.Device.Serial) + " @" + s.Endpoint.Region
			if s.Policy != "" || len(s.PolicyARNs) > 0 {
				text += " narrowed"
			}
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, " > ")
}

func device(serial string) string {
	if serial == "" {
		return ""
	}
	return " code " + serial[strings.LastIndex(serial, "/")+1:]
}

const (
	s1 = "arn:aws:iam::111111111111:mfa/one"
	s2 = "arn:aws:iam::111111111111:mfa/two"
)

func role(account, name string) string { return "role_arn = arn:aws:iam::" + account + ":role/" + name }

func keyOf(names ...string) func(string) bool {
	return func(n string) bool { return strings.Contains(" "+strings.Join(names, " ")+" ", " "+n+" ") }
}

func TestResolve(t *testing.T) {
	t.Parallel()
	pair := func(base, target string) string {
		return "[profile base]\n" + base + "\n[profile t]\nsource_profile = base\n" + role("222222222222", "admin") + "\n" + target + "\n"
	}
	tests := []struct {
		name   string
		config string
		keys   string
		limits map[string]time.Duration
		r      Request
		want   string
		warns  int
	}{
		{name: "the page: one MFA session, then the role", config: page, keys: "security", r: Request{Profile: "dev"},
			want: "security > session 8h0m0s code gruntwork @us-west-2 > assume 345678901234/allow-full-access-from-other-accounts 1h0m0s @us-west-2"},
		{name: "the page: an account id that begins with 0", config: page, keys: "security", r: Request{Profile: "logs"},
			want: "security > session 8h0m0s code gruntwork @us-west-2 > assume 012345678901/allow-full-access-from-other-accounts 1h0m0s @us-west-2"},
		{name: "the page: security itself uses the shared session", config: page, keys: "security", r: Request{Profile: "security"},
			want: "security > session 8h0m0s code gruntwork @us-west-2"},
		{name: "security for longer than an hour is a session of its own", config: page, keys: "security", r: Request{Profile: "security", Lifetime: 12 * time.Hour},
			want: "security > session 12h0m0s code gruntwork @us-west-2"},
		{name: "no session: the role with a code", config: page, keys: "security", r: Request{Profile: "dev", NoSession: true},
			want: "security > assume 345678901234/allow-full-access-from-other-accounts 1h0m0s code gruntwork @us-west-2"},
		{name: "no session and no role: the key itself", config: page, keys: "security", r: Request{Profile: "security", NoSession: true}, want: "security"},
		{name: "longer than an hour: the role with a code", config: page, keys: "security", r: Request{Profile: "dev", Lifetime: 8 * time.Hour},
			want: "security > assume 345678901234/allow-full-access-from-other-accounts 8h0m0s code gruntwork @us-west-2"},
		{name: "a length that AWS has refused is not asked for again", config: page, keys: "security", r: Request{Profile: "dev", Lifetime: 12 * time.Hour}, warns: 1,
			limits: map[string]time.Duration{"arn:aws:iam::345678901234:role/allow-full-access-from-other-accounts": 12 * time.Hour},
			want:   "security > session 8h0m0s code gruntwork @us-west-2 > assume 345678901234/allow-full-access-from-other-accounts 1h0m0s @us-west-2"},
		{name: "a shorter one than was refused is", config: page, keys: "security", r: Request{Profile: "dev", Lifetime: 8 * time.Hour},
			limits: map[string]time.Duration{"arn:aws:iam::345678901234:role/allow-full-access-from-other-accounts": 12 * time.Hour},
			want:   "security > assume 345678901234/allow-full-access-from-other-accounts 8h0m0s code gruntwork @us-west-2"},
		{name: "--region reaches the last step only", config: page, keys: "security", r: Request{Profile: "dev", Region: "eu-west-1"},
			want: "security > session 8h0m0s code gruntwork @us-west-2 > assume 345678901234/allow-full-access-from-other-accounts 1h0m0s @eu-west-1"},
		{name: "AWS_REGION too", config: page, keys: "security", r: Request{Profile: "dev", Env: map[string]string{"AWS_REGION": "eu-west-1"}},
			want: "security > session 8h0m0s code gruntwork @us-west-2 > assume 345678901234/allow-full-access-from-other-accounts 1h0m0s @eu-west-1"},

		{name: "serials: same on both", config: pair("mfa_serial = "+s1, "mfa_serial = "+s1), keys: "base", r: Request{Profile: "t"},
			want: "base > session 8h0m0s code one @us-east-1 > assume 222222222222/admin 1h0m0s @us-east-1"},
		{name: "serials: on the role alone", config: pair("", "mfa_serial = "+s1), keys: "base", r: Request{Profile: "t"},
			want: "base > session 8h0m0s code one @us-east-1 > assume 222222222222/admin 1h0m0s @us-east-1"},
		{name: "serials: on the source alone", config: pair("mfa_serial = "+s1, ""), keys: "base", r: Request{Profile: "t"},
			want: "base > session 8h0m0s code one @us-east-1 > assume 222222222222/admin 1h0m0s @us-east-1"},
		{name: "serials: two devices", config: pair("mfa_serial = "+s1, "mfa_serial = "+s2), keys: "base", r: Request{Profile: "t"},
			want: "base > assume 222222222222/admin 1h0m0s code two @us-east-1"},
		{name: "serials: none", config: pair("", ""), keys: "base", r: Request{Profile: "t"},
			want: "base > assume 222222222222/admin 1h0m0s @us-east-1"},
		{name: "AWS_MFA_SERIAL goes before all", config: pair("mfa_serial = "+s1, "mfa_serial = "+s2), keys: "base", r: Request{Profile: "t", Env: map[string]string{"AWS_MFA_SERIAL": s1}},
			want: "base > session 8h0m0s code one @us-east-1 > assume 222222222222/admin 1h0m0s @us-east-1"},
		{name: "serial from [default]", config: "[default]\nmfa_serial = " + s1 + "\n" + pair("", ""), keys: "base", r: Request{Profile: "t"},
			want: "base > session 8h0m0s code one @us-east-1 > assume 222222222222/admin 1h0m0s @us-east-1"},

		{name: "duration_seconds of the profile", config: pair("mfa_serial = "+s1, "duration_seconds = 7200"), keys: "base", r: Request{Profile: "t"},
			want: "base > assume 222222222222/admin 2h0m0s code one @us-east-1"},
		{name: "the flag goes before the variable before the profile", config: pair("mfa_serial = "+s1, "duration_seconds = 7200"), keys: "base",
			r:    Request{Profile: "t", Lifetime: 30 * time.Minute, Env: map[string]string{"AWS_ASSUME_ROLE_TTL": "3h"}},
			want: "base > session 8h0m0s code one @us-east-1 > assume 222222222222/admin 30m0s @us-east-1"},
		{name: "the variable goes before the profile", config: pair("mfa_serial = "+s1, "duration_seconds = 7200"), keys: "base",
			r:    Request{Profile: "t", Env: map[string]string{"AWS_ASSUME_ROLE_TTL": "3h"}},
			want: "base > assume 222222222222/admin 3h0m0s code one @us-east-1"},
		{name: "the shared session's own variable", config: pair("mfa_serial = "+s1, ""), keys: "base",
			r:    Request{Profile: "t", Env: map[string]string{"AWS_CHAINED_SESSION_TOKEN_TTL": "12h"}},
			want: "base > session 12h0m0s code one @us-east-1 > assume 222222222222/admin 1h0m0s @us-east-1"},

		{name: "two roles: the second is cut to an hour", config: pair("mfa_serial = "+s1, "") + "[profile u]\nsource_profile = t\n" + role("333333333333", "reader"), keys: "base",
			r: Request{Profile: "u", Lifetime: 4 * time.Hour}, warns: 1,
			want: "base > session 8h0m0s code one @us-east-1 > assume 222222222222/admin 1h0m0s @us-east-1 > assume 333333333333/reader 1h0m0s @us-east-1"},
		{name: "two roles without a session: the code is for the first", config: pair("mfa_serial = "+s1, "") + "[profile u]\nsource_profile = t\nmfa_serial = " + s1 + "\n" + role("333333333333", "reader"), keys: "base",
			r:    Request{Profile: "u", NoSession: true},
			want: "base > assume 222222222222/admin 1h0m0s code one @us-east-1 > assume 333333333333/reader 1h0m0s @us-east-1"},
		{name: "the flag is for the target, not for a role on the way", config: pair("", "duration_seconds = 1800") + "[profile u]\nsource_profile = t\n" + role("333333333333", "reader"), keys: "base",
			r:    Request{Profile: "u", Lifetime: 45 * time.Minute},
			want: "base > assume 222222222222/admin 30m0s @us-east-1 > assume 333333333333/reader 45m0s @us-east-1"},

		{name: "a stored key goes before source_profile", config: pair("", "mfa_serial = "+s1), keys: "base t", r: Request{Profile: "t"},
			want: "t > session 8h0m0s code one @us-east-1 > assume 222222222222/admin 1h0m0s @us-east-1"},
		{name: "own source_profile with a stored key", config: "[profile t]\nsource_profile = t\n" + role("222222222222", "admin"), keys: "t", r: Request{Profile: "t"},
			want: "t > assume 222222222222/admin 1h0m0s @us-east-1"},
		{name: "a source without a role passes on what it has", config: "[profile base]\nmfa_serial = " + s1 + "\n[profile t]\nsource_profile = base", keys: "base", r: Request{Profile: "t"},
			want: "base > session 8h0m0s code one @us-east-1"},
		{name: "a key without a profile", config: "[default]\nregion = eu-west-1", keys: "lone", r: Request{Profile: "lone"},
			want: "lone > session 1h0m0s @eu-west-1"},
		{name: "AWS_ROLE_ARN is the target's", config: "[profile base]", keys: "base", r: Request{Profile: "base", Env: map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::222222222222:role/ci"}},
			want: "base > assume 222222222222/ci 1h0m0s @us-east-1"},
		{name: "AWS_ROLE_ARN of a web identity is not", config: "[profile base]", keys: "base", r: Request{Profile: "base", Env: map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::222222222222:role/ci", "AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}},
			want: "base > session 1h0m0s @us-east-1"},
		{name: "the first region of another partition", config: "[profile base]\n[profile t]\nsource_profile = base\nrole_arn = arn:aws-us-gov:iam::222222222222:role/admin", keys: "base", r: Request{Profile: "t"},
			want: "base > assume 222222222222/admin 1h0m0s @us-gov-west-1"},
		{name: "a session policy is the last role's", config: pair("", "") + "[profile u]\nsource_profile = t\n" + role("333333333333", "reader"), keys: "base",
			r:    Request{Profile: "u", Policy: Policy{Inline: `{"Version":"2012-10-17","Statement":[]}`}},
			want: "base > assume 222222222222/admin 1h0m0s @us-east-1 > assume 333333333333/reader 1h0m0s @us-east-1 narrowed"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			set, err := profile.Parse("config", []byte(tc.config))
			if err != nil {
				t.Fatal(err)
			}
			c, err := Resolve(set, source.Kinds(), keyOf(strings.Fields(tc.keys)...), tc.limits, tc.r)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(c); got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
			if len(c.Warnings) != tc.warns {
				t.Errorf("warnings: %q, want %d", c.Warnings, tc.warns)
			}
		})
	}
}

func TestResolveFaults(t *testing.T) {
	t.Parallel()
	withKey := "[profile plain]\nregion = us-east-1\n"
	target := func(lines string) string { return withKey + "[profile t]\nregion = us-east-1\n" + lines + "\n" }
	good := role("123456789012", "x") + "\nsource_profile = plain\n"
	tests := []struct {
		name, config, profile string
		r                     Request
		code                  fault.Code
		because               string
		next                  string
	}{
		{"unknown", withKey, "plan", Request{}, fault.Config, `no profile "plan" in config`, `did you mean "plain"?`},
		{"circle of two", "[profile t]\n" + role("123456789012", "x") + "\nsource_profile = u\n[profile u]\n" + role("123456789012", "x") + "\nsource_profile = t\n", "t", Request{}, fault.Config,
			"source_profile goes round in a circle: t -> u -> t (config:3, config:6)", "remove one source_profile, for example at config:3"},
		{"circle further on", "[profile t]\nsource_profile = u\n[profile u]\nsource_profile = v\n[profile v]\nsource_profile = u\n", "t", Request{}, fault.Config,
			"source_profile goes round in a circle: u -> v -> u (config:4, config:6)", "remove one source_profile, for example at config:4"},
		{"itself", target(role("123456789012", "x") + "\nsource_profile = t"), "t", Request{}, fault.Config, `source_profile "t" (config:6) names the profile itself, which has no stored key`, "fob add t"},
		{"missing source", target(role("123456789012", "x") + "\nsource_profile = nope"), "t", Request{}, fault.Config, `source_profile "nope" (config:6) names a profile that is not in the config and has no stored key`, ""},
		{"role without source", target(role("123456789012", "x")), "t", Request{}, fault.Config, `role_arn "arn:aws:iam::123456789012:role/x" (config:5) needs credentials to assume it with: profile "t" has no stored key, no source_profile and no credential_source`, "add a line: source_profile = NAME"},
		{"no key", "[profile t]\nregion = us-east-1\n", "t", Request{}, fault.Config, `profile "t" (config:1) has no stored key and no source_profile`, "fob add t"},
		{"malformed role", target("role_arn = banana\nsource_profile = plain"), "t", Request{}, fault.Config, `role_arn "banana" (config:5) is not the ARN of a role`, "write it as arn:aws:iam::111122223333:role/NAME"},
		{"empty role", target("role_arn =\nsource_profile = plain"), "t", Request{}, fault.Config, `role_arn "" (config:5) is empty`, "write it as arn:aws:iam::111122223333:role/NAME"},
		{"account of eleven digits", target("role_arn = arn:aws:iam::12345678901:role/x\nsource_profile = plain"), "t", Request{}, fault.Config, `role_arn "arn:aws:iam::12345678901:role/x" (config:5) is not the ARN of a role: "12345678901" is not an account id of twelve digits`, "write it as arn:aws:iam::111122223333:role/NAME"},
		{"duration soon", target(good + "duration_seconds = soon"), "t", Request{}, fault.Config, `duration_seconds "soon" (config:7) is not a duration: write seconds or 1h30m, between 900 seconds (15m0s) and 43200 seconds (12h0m0s)`, ""},
		{"duration -5", target(good + "duration_seconds = -5"), "t", Request{}, fault.Config, `duration_seconds "-5" (config:7) is not a duration: write seconds or 1h30m, between 900 seconds (15m0s) and 43200 seconds (12h0m0s)`, ""},
		{"duration 20 digits", target(good + "duration_seconds = 99999999999999999999"), "t", Request{}, fault.Config, `duration_seconds "99999999999999999999" (config:7) is far too long; at most 43200 seconds (12h0m0s)`, ""},
		{"duration 2^32", target(good + "duration_seconds = 4294967296"), "t", Request{}, fault.Config, `duration_seconds "4294967296" (config:7) must be between 900 seconds (15m0s) and 43200 seconds (12h0m0s)`, ""},
		{"external id of 1 MiB", target(good + "external_id = " + strings.Repeat("x", 1<<20)), "t", Request{}, fault.Config, `external_id "` + strings.Repeat("x", 60) + `"... (1048576 characters) (config:7) must be 2 to 1224 letters, digits or any of _+=,.@:/-`, ""},
		{"region that is none", withKey, "plain", Request{Region: "%(x)s"}, fault.Usage, `region "%(x)s" (--region) is not the name of a region`, "write it like us-east-1"},
		{"endpoint junk", target(good + "endpoint_url = ::::"), "t", Request{}, fault.Config, `endpoint_url "::::" (config:7) is not a URL like https://sts.example.com`, ""},
		{"endpoint for the child, where STS has its own", target(good + "services = local\nendpoint_url = http://sts.evil.test\n[services local]\nsts =\n  endpoint_url = http://127.0.0.1:1"), "t", Request{}, fault.Config, `endpoint_url "http://sts.evil.test" (config:8) is plain http beyond this machine, which would let anyone on the way use the signed call: use https`, ""},
		{"role beside identity center", target(role("123456789012", "x") + "\nsso_session = s"), "t", Request{}, fault.Config, `sso_session "s" (config:6) asks for credentials from IAM Identity Center, which this version of fob does not do`, "until then: aws sso login, and as a source: credential_process = aws configure export-credentials --profile=t"},
		{"endpoint http", target(good + "endpoint_url = http://sts.evil.test"), "t", Request{}, fault.Config, `endpoint_url "http://sts.evil.test" (config:7) is plain http beyond this machine, which would let anyone on the way use the signed call: use https`, ""},
		{"serial junk", target(good + "mfa_serial = arn:x"), "t", Request{}, fault.Config, `mfa_serial "arn:x" (config:7) is not the serial of an MFA device`, "see its ARN in the console, or: aws iam list-mfa-devices"},
		{"a guard that is none", target(good + "fob_guard = maybe"), "t", Request{}, fault.Config, `fob_guard "maybe" (config:7) is no guard, and fob refuses rather than go on unguarded`, "write it as none, confirm or code"},
		{"an empty guard", target(good + "fob_guard ="), "t", Request{}, fault.Config, `fob_guard "" (config:7) is no guard, and fob refuses rather than go on unguarded`, "write it as none, confirm or code"},
		{"a code without a device", target(good + "fob_guard = code"), "t", Request{}, fault.Config, "its guard asks for an MFA code, and no step on the way takes one", "add a line: mfa_serial = ARN"},
		{"policy without role", withKey, "plain", Request{Policy: Policy{Inline: "{}", From: "--policy"}}, fault.Usage, "it has no role, and GetSessionToken takes no session policy (asked for by --policy)", "use a profile that assumes a role: that can be narrowed"},
		{"tags", withKey, "plain", Request{Env: map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x", "AWS_SESSION_TAGS": "bad"}}, fault.Config, `session_tags "bad" (environment variable AWS_SESSION_TAGS) is not a list of tags: "bad" is not KEY=VALUE`, "write it as key=value,key2=value2"},
		{"identity center", target("sso_session = nope"), "t", Request{}, fault.Config, `sso_session "nope" (config:5) asks for credentials from IAM Identity Center, which this version of fob does not do`, "until then: aws sso login, and as a source: credential_process = aws configure export-credentials --profile=t"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			set, err := profile.Parse("config", []byte(tc.config))
			if err != nil {
				t.Fatal(err)
			}
			tc.r.Profile = tc.profile
			_, err = Resolve(set, source.Kinds(), keyOf("plain"), nil, tc.r)
			var f *fault.Error
			if !errors.As(err, &f) {
				t.Fatalf("got %v, want a fault", err)
			}
			next := ""
			if len(f.Next) > 0 {
				next = f.Next[0]
			}
			if diff := cmp.Diff([]any{tc.code, tc.because, tc.next}, []any{f.Code, f.Why.Error(), next}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Nothing that shapes a session may be left out of its name, and nothing else
// may be in it.
func TestNames(t *testing.T) {
	t.Parallel()
	nameOf := func(parts ...string) string { return strings.Join(parts, "|") }
	last := func(config string, keyID string, r Request) string {
		set, err := profile.Parse("config", []byte(config))
		if err != nil {
			t.Fatal(err)
		}
		c, err := Resolve(set, source.Kinds(), keyOf("security"), nil, r)
		if err != nil {
			t.Fatal(err)
		}
		names := Names(c, keyID, nameOf)
		return names[len(names)-1]
	}
	base := last(page, "AKIA1", Request{Profile: "dev"})
	same := map[string]string{
		"another session name": last(page, "AKIA1", Request{Profile: "dev"}),
		"another profile name": last(strings.ReplaceAll(page, "profile dev]", "profile other]"), "AKIA1", Request{Profile: "other"}),
		"AWS_REGION as before": last(page, "AKIA1", Request{Profile: "dev", Env: map[string]string{"AWS_REGION": "us-west-2"}}),
	}
	for what, got := range same {
		if got != base {
			t.Errorf("%s: the name changed", what)
		}
	}
	env := func(k, v string) Request { return Request{Profile: "dev", Env: map[string]string{k: v}} }
	add := func(line string) string {
		return strings.Replace(page, "[profile dev]\n", "[profile dev]\n"+line+"\n", 1)
	}
	differ := map[string]string{
		"key":              last(page, "AKIA2", Request{Profile: "dev"}),
		"role":             last(page, "AKIA1", Request{Profile: "logs"}),
		"lifetime":         last(page, "AKIA1", Request{Profile: "dev", Lifetime: 30 * time.Minute}),
		"no session":       last(page, "AKIA1", Request{Profile: "dev", NoSession: true}),
		"region":           last(page, "AKIA1", Request{Profile: "dev", Region: "eu-west-1"}),
		"policy":           last(page, "AKIA1", Request{Profile: "dev", Policy: Policy{Inline: "{}"}}),
		"policy arn":       last(page, "AKIA1", Request{Profile: "dev", Policy: Policy{ARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}}}),
		"agent":            last(page, "AKIA1", Request{Profile: "dev", Agent: "a"}),
		"device":           last(page, "AKIA1", env("AWS_MFA_SERIAL", s1)),
		"endpoint":         last(page, "AKIA1", env("AWS_ENDPOINT_URL", "https://sts.example.com")),
		"fips":             last(page, "AKIA1", env("AWS_USE_FIPS_ENDPOINT", "true")),
		"tags":             last(page, "AKIA1", env("AWS_SESSION_TAGS", "a=b")),
		"source identity":  last(page, "AKIA1", env("AWS_SOURCE_IDENTITY", "ann")),
		"external id":      last(add("external_id = abc"), "AKIA1", Request{Profile: "dev"}),
		"session name set": last(add("role_session_name = abc"), "AKIA1", Request{Profile: "dev"}),
		"session's length": last(page, "AKIA1", env("AWS_CHAINED_SESSION_TOKEN_TTL", "4h")),
	}
	seen := map[string]string{base: "the page"}
	for what, got := range differ {
		if other, ok := seen[got]; ok {
			t.Errorf("%s: same name as %s", what, other)
		}
		seen[got] = what
	}
}

// portal is a kind that no part of chain knows: it begins a chain by itself, as
// a sign-in portal or a process does.
type portal struct{}

func (portal) Begins() bool { return true }

func (portal) Plan(p profile.Profile) (source.Step, error) {
	if set, ok := p.Setting("portal"); ok {
		return portalStep{set.Value}, nil
	}
	return nil, nil
}

type portalStep struct{ name string }

func (s portalStep) Describe() string { return "sign in at " + s.name }
func (s portalStep) Parts() []string  { return []string{"portal", s.name} }
func (s portalStep) Fetch(context.Context, source.Env, source.Input) (cred.Session, error) {
	return cred.Session{}, nil
}

// A source is one file and one line: a kind that chain has never heard of begins
// a chain without a stored key, alone and below a role of the same or another
// profile.
func TestAKindThatBegins(t *testing.T) {
	t.Parallel()
	config := "[profile alone]\nportal = home\n[profile role]\nportal = home\nduration_seconds = 7200\n" + role("222222222222", "admin") +
		"\n[profile far]\nsource_profile = alone\n" + role("333333333333", "reader")
	set, err := profile.Parse("config", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	kinds := append(source.Kinds(), portal{})
	for name, want := range map[string]string{
		"alone": "sign in at home",
		"role":  "sign in at home > assume arn:aws:iam::222222222222:role/admin for 1h0m0s",
		"far":   "sign in at home > assume arn:aws:iam::333333333333:role/reader for 1h0m0s",
	} {
		c, err := Resolve(set, kinds, keyOf(), nil, Request{Profile: name})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range c.Steps {
			got = append(got, s.Describe())
		}
		if strings.Join(got, " > ") != want || c.Key != "" {
			t.Errorf("%s: %q, key %q; want %s", name, got, c.Key, want)
		}
		names := Names(c, "", func(parts ...string) string { return strings.Join(parts, "|") })
		if slices.Contains(names, "") {
			t.Errorf("%s: a step has no name: %q", name, names)
		}
	}
	var f *fault.Error
	if _, err := Resolve(set, kinds, keyOf(), nil, Request{Profile: "alone", Policy: Policy{Inline: "{}"}}); !errors.As(err, &f) || f.Code != fault.Usage {
		t.Errorf("a session that cannot be narrowed: %v", err)
	}
}
