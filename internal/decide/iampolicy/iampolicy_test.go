package iampolicy

import (
	"strings"
	"testing"

	"fob/internal/decide/source"

	"github.com/google/go-cmp/cmp"
)

const (
	caller   = "arn:aws:iam::123456789012:user/people/ann@acme.com"
	prodRead = "arn:aws:iam::567890123456:role/allow-read-only-access-from-other-accounts"
	prodFull = "arn:aws:iam::567890123456:role/allow-full-access-from-other-accounts"
	deploy   = "arn:aws:iam::567890123456:role/allow-auto-deploy-from-other-accounts"
	root     = "arn:aws:iam::123456789012:root"
	ifMFA    = `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`
	ifID     = `,"Condition":{"StringEquals":{"sts:ExternalId":"x"},"Bool":{"aws:MultiFactorAuthPresent":true}}`
	others   = "arn:aws:iam::999999999999:root"
)

func policy(t testing.TB, from, text string) Policy {
	t.Helper()
	p, err := ParsePolicy(from, text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func trusts(principal, condition string) string {
	return `{"Statement":[{"Effect":"Allow","Action":["sts:AssumeRole"],"Principal":{"AWS":"` + principal + `"}` + condition + `}]}`
}

func TestMayAssume(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:iam::567890123456:role/team/ops"
	tests := []struct {
		name, text string
		mfa        bool
		want       Leave
	}{
		{"nothing", ``, true, Silent},
		{"one statement", `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + arn + `"}}`, true, Allowed},
		{"lists, and any case of an action", `{"Statement":[{"Effect":"Allow","Action":["s3:*","STS:assume*"],"Resource":["x","*"]}]}`, true, Allowed},
		{"another role", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::567890123456:role/ops"}]}`, true, Silent},
		{"a pattern", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::*:role/*/o?s"}]}`, true, Allowed},
		{"the user's name", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::567890123456:role/team/${aws:username}"}]}`, true, Allowed},
		{"NotAction", `{"Statement":[{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}]}`, true, Allowed},
		{"NotAction that names it", `{"Statement":[{"Effect":"Allow","NotAction":["sts:*"],"Resource":"*"}]}`, true, Silent},
		{"NotResource", `{"Statement":[{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::*"}]}`, true, Allowed},
		{"with MFA", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`, true, Allowed},
		{"without", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":true}}}]}`, false, Silent},
		{"denied without MFA", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:multifactorauthpresent":"false"}}}]}`, false, Forbidden},
		{"denied without MFA, by a key that has none", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}]}`, false, Allowed},
		{"denied without MFA, with it", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]}`, true, Allowed},
		{"Null", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Null":{"aws:MultiFactorAuthPresent":"false"}}}]}`, true, Allowed},
		{"another condition", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8"]}}}]}`, true, Perhaps},
		{"perhaps denied", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`, true, Allowed},
		{"perhaps denied, and allowed by nothing", `{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`, true, Silent},
		{"denied", `{"Statement":[{"Effect":"Deny","Action":"sts:*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}]}`, true, Forbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, _ := MayAssume([]Policy{policy(t, "group g", tt.text)}, "ops", arn, tt.mfa); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestParsePolicyBad(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{", "[]", "7", `{"Statement":7}`, `{"Statement":[7]}`, "<html>", strings.Repeat("[", 100_000)} {
		if p, err := ParsePolicy("x", text); err == nil && len(p.statements) > 0 {
			t.Errorf("%.20q was taken for %v", text, p)
		}
	}
}

func TestTrusted(t *testing.T) {
	t.Parallel()
	const gov = "arn:aws-us-gov:iam::123456789012:user/ann"
	tests := []struct {
		name, text, caller string
		mfa                bool
		want               Trusting
	}{
		{"the account", trusts(root, ""), caller, false, Trusts},
		{"the account's id", trusts("123456789012", ""), caller, false, Trusts},
		{"the user", trusts(caller, ""), caller, false, Trusts},
		{"everybody", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`, caller, false, Trusts},
		{"others", trusts(others, ""), caller, true, Refuses},
		{"a service", `{"Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}`, caller, true, Refuses},
		{"another call", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:TagSession"}}`, caller, true, Refuses},
		{"with MFA", trusts(root, ifMFA), caller, true, Trusts},
		{"without MFA", trusts(root, ifMFA), caller, false, WantsMFA},
		{"with more than MFA", trusts(root, ifID), caller, true, WantsMore},
		{"without either", trusts(root, ifID), caller, false, WantsMFA},
		{"another partition", trusts("arn:aws-us-gov:iam::123456789012:root", ""), gov, false, Trusts},
		{"the same id in another partition", trusts(root, ""), gov, false, Refuses},
		{"denied", `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"*"},{"Effect":"Deny","Principal":{"AWS":"` + caller + `"},"Action":"*"}]}`, caller, true, Refuses},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Trusted(tt.text, tt.caller, tt.mfa)
			if err != nil || got != tt.want {
				t.Errorf("got %d (%v), want %d", got, err, tt.want)
			}
		})
	}
}

// Only roles that are named one by one are asked for without --probe.
func TestNamed(t *testing.T) {
	t.Parallel()
	p := []Policy{
		policy(t, "group a", `{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":["`+prodRead+`","`+prodFull+`","arn:aws:iam::*:role/x","arn:aws:s3:::b"]}]}`),
		policy(t, "group b", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Allow","Action":"sts:*","Resource":"`+prodRead+`"},{"Effect":"Deny","Action":"sts:*","Resource":"`+deploy+`"}]}`),
		policy(t, "group c", `{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":["arn:aws:iam::12345678901:role/zero","arn:aws-cn:iam::012345678901:role/${aws:username}"]}]}`),
	}
	want := []string{prodRead, prodFull, "arn:aws-cn:iam::012345678901:role/ann"}
	if diff := cmp.Diff(want, Named(p, "ann")); diff != "" {
		t.Error(diff)
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true}, {"", "", true}, {"", "a", false}, {"a*c", "abbc", true}, {"a*c", "abb", false}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"*a*b", "xaxab", true}, {"**", "x", true}, {"ab", "abc", false}, {strings.Repeat("*a", 40) + "b", strings.Repeat("a", 4000), false},
	} {
		if got := matches(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%.20q, %.20q: %v", tt.pattern, tt.text, got)
		}
	}
}

// Whatever a policy's text is: no panic, and no role is named that is none.
func FuzzPolicy(f *testing.F) {
	f.Add(trusts(root, ifMFA))
	f.Add(`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	f.Add(`{"Statement":{"Principal":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":[]}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePolicy("x", text)
		if err != nil {
			return
		}
		MayAssume([]Policy{p}, "ann", prodRead, true)
		_, _ = Trusted(text, caller, false)
		for _, arn := range Named([]Policy{p}, "ann") {
			if source.Account(arn) == "" || strings.ContainsAny(arn, "*?") {
				t.Errorf("named %q", arn)
			}
		}
	})
}
