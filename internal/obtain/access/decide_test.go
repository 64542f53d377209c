package access

import (
	"context"
	"errors"
	"testing"

	"fob/internal/obtain/awsapi"

	"github.com/google/go-cmp/cmp"
)

const (
	caller   = "arn:aws:iam::123456789012:user/people/ann@acme.com"
	prodRead = "arn:aws:iam::567890123456:role/allow-read-only-access-from-other-accounts"
	prodFull = "arn:aws:iam::567890123456:role/allow-full-access-from-other-accounts"
	secFull  = "arn:aws:iam::123456789012:role/allow-full-access-from-other-accounts"
	deploy   = "arn:aws:iam::567890123456:role/allow-auto-deploy-from-other-accounts"
	plainNo  = "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: sts:AssumeRole on resource: x"
)

func denied(message string) error {
	return &awsapi.Refusal{Op: "AssumeRole", Code: "AccessDenied", Message: message, Status: 403}
}

func policy(t testing.TB, from, text string) Policy {
	t.Helper()
	p, err := ParsePolicy(from, text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func allows(t testing.TB, arn string) Policy {
	return policy(t, "group g", `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"`+arn+`"}}`)
}

func trusts(principal, condition string) string {
	return `{"Statement":[{"Effect":"Allow","Action":["sts:AssumeRole"],"Principal":{"AWS":"` + principal + `"}` + condition + `}]}`
}

const (
	root   = "arn:aws:iam::123456789012:root"
	ifMFA  = `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`
	ifID   = `,"Condition":{"StringEquals":{"sts:ExternalId":"x"},"Bool":{"aws:MultiFactorAuthPresent":true}}`
	others = "arn:aws:iam::999999999999:root"
)

// TestDecide is the table of what an answer means together with what is known.
func TestDecide(t *testing.T) {
	t.Parallel()
	all := policy(t, "group full-access", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`)
	forbids := policy(t, "group g", `{"Statement":[{"Effect":"Deny","NotAction":"iam:*","Resource":"*"}]}`)
	ann := func(complete bool, policies ...Policy) Person {
		p := Of(awsapi.Identity{ARN: caller, Account: "123456789012"})
		p.Policies, p.Complete, p.Groups = policies, complete, []string{"g"}
		return p
	}
	blind := ann(false)
	blind.Why = "ListGroupsForUser: AccessDenied"
	bare := ann(false)
	bare.WithoutMFA = true
	machineRole := Of(awsapi.Identity{ARN: "arn:aws:sts::123456789012:assumed-role/ci/i-1", Account: "123456789012"})
	tests := []struct {
		name string
		e    Evidence
		want Reason
		yes  Answer // where it is not no
	}{
		{"entered", Evidence{ARN: prodRead}, "", Yes},
		{"in no group", Evidence{ARN: prodFull, Err: denied(plainNo), MFA: true, Who: ann(true, allows(t, prodRead))}, NoGroup, ""},
		{"in no group, without MFA too", Evidence{ARN: prodFull, Err: denied(plainNo), Who: ann(true, allows(t, prodRead))}, NoGroup, ""},
		{"without MFA", Evidence{ARN: prodFull, Err: denied(plainNo), Who: ann(true, allows(t, prodFull))}, NoMFA, ""},
		{"without MFA, allowed with it only", Evidence{ARN: prodFull, Err: denied(plainNo), Who: ann(true, all)}, NoMFA, ""},
		{"without MFA, groups not known", Evidence{ARN: prodFull, Err: denied(plainNo), Who: blind}, NoMFA, ""},
		{"without MFA, says IAM", Evidence{ARN: prodFull, Err: denied(plainNo), MFA: true, Who: bare}, NoMFA, ""},
		{"a machine needs no MFA", Evidence{ARN: deploy, Err: denied(plainNo), Who: blind}, Unclear, ""},
		{"nothing can be read", Evidence{ARN: prodFull, Err: denied(plainNo), MFA: true, Who: blind}, Unclear, ""},
		{"allowed, role not seen", Evidence{ARN: prodFull, Err: denied(plainNo), MFA: true, Who: ann(true, allows(t, prodFull))}, Unclear, ""},
		{"a group's role that is not there", Evidence{ARN: secFull, Err: denied(plainNo), MFA: true, Who: ann(true, allows(t, secFull)), Seen: Seen{Existence: Absent}}, RoleMissing, ""},
		{"the config's role that is not there", Evidence{ARN: prodFull, Profile: "p", Err: denied(plainNo), MFA: true, Who: ann(true, all), Seen: Seen{Existence: Absent}}, RoleGone, ""},
		{"not there, groups not known", Evidence{ARN: prodFull, Err: denied(plainNo), MFA: true, Who: blind, Seen: Seen{Existence: Absent}}, RoleGone, ""},
		{"trusts others", Evidence{ARN: prodFull, Err: denied(plainNo), MFA: true, Who: ann(true, all), Seen: Seen{Present, trusts(others, "")}}, Trust, ""},
		{"wants an external id", Evidence{ARN: prodFull, Err: denied(plainNo), MFA: true, Who: ann(true, all), Seen: Seen{Present, trusts(root, ifID)}}, Trust, ""},
		{"trusts with MFA", Evidence{ARN: prodFull, Err: denied(plainNo), Who: blind, Seen: Seen{Present, trusts(root, ifMFA)}}, NoMFA, ""},
		{"trusts, groups not known", Evidence{ARN: prodFull, Err: denied(plainNo), MFA: true, Who: blind, Seen: Seen{Present, trusts(root, ifMFA)}}, NoGroup, ""},
		{"all allow it", Evidence{ARN: prodFull, Err: denied(plainNo), MFA: true, Who: ann(true, all), Seen: Seen{Present, trusts(root, ifMFA)}}, Unclear, ""},
		{"trust that cannot be read", Evidence{ARN: prodFull, Err: denied(plainNo), MFA: true, Who: blind, Seen: Seen{Present, "{"}}, Unclear, ""},
		{"forbidden by a policy", Evidence{ARN: prodFull, Err: denied(plainNo), MFA: true, Who: ann(false, all, forbids)}, Denied, ""},
		{"who asks is no user", Evidence{ARN: prodFull, Err: denied(plainNo), MFA: true, Who: machineRole}, Unclear, ""},
		{"AWS: no policy", Evidence{ARN: prodFull, MFA: true, Err: denied(plainNo + " because no identity-based policy allows the sts:AssumeRole action")}, NoGroup, ""},
		{"AWS: no policy without MFA", Evidence{ARN: prodFull, Who: ann(true, all), Err: denied(plainNo + " because no identity-based policy allows the sts:AssumeRole action")}, NoMFA, ""},
		{"AWS: session policy", Evidence{ARN: prodFull, MFA: true, Err: denied(plainNo + " because no session policy allows the sts:AssumeRole action")}, SessionPolicy, ""},
		{"AWS: denied in a session policy", Evidence{ARN: prodFull, MFA: true, Err: denied(plainNo + " with an explicit deny in a session policy")}, SessionPolicy, ""},
		{"AWS: trust", Evidence{ARN: prodFull, MFA: true, Err: denied(plainNo + " because no role trust policy allows the sts:AssumeRole action")}, Trust, ""},
		{"AWS: denied by trust", Evidence{ARN: prodFull, MFA: true, Err: denied(plainNo + " with an explicit deny in a resource-based policy")}, Trust, ""},
		{"AWS: denied", Evidence{ARN: prodFull, MFA: true, Err: denied(plainNo + " with an explicit deny in an identity-based policy")}, Denied, ""},
		{"AWS: organization", Evidence{ARN: prodFull, MFA: true, Err: denied(plainNo + " because no service control policy allows the sts:AssumeRole action")}, Denied, ""},
		{"AWS: tags", Evidence{ARN: prodFull, MFA: true, Err: denied("User: x is not authorized to perform: sts:TagSession on resource: y")}, Trust, ""},
		{"another partition", Evidence{ARN: prodFull, Err: &awsapi.Refusal{Op: "AssumeRole", Code: "ValidationError", Message: "Request ARN is invalid", Status: 400}}, WrongAccount, ""},
		{"throttled", Evidence{ARN: prodFull, Err: &awsapi.Refusal{Op: "AssumeRole", Code: "Throttling", Message: "Rate exceeded", Status: 400}}, Throttled, Unknown},
		{"out of order", Evidence{ARN: prodFull, Err: &awsapi.Refusal{Op: "AssumeRole", Code: "InternalFailure", Status: 500}}, Unreachable, Unknown},
		{"no answer", Evidence{ARN: prodFull, Err: &awsapi.UnreachableError{Op: "AssumeRole", Host: "h", Err: errors.New("x")}}, Unreachable, Unknown},
		{"given up", Evidence{ARN: prodFull, Err: ErrNotAsked}, NotAsked, Unknown},
		{"a session that ended", Evidence{ARN: prodFull, Err: &awsapi.Refusal{Op: "AssumeRole", Code: "ExpiredToken", Status: 403}}, Unclear, Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := tt.yes
			if want == "" {
				want = No
			}
			tt.e.Book = NewBook()
			got := Decide(tt.e)
			if got.Reason != tt.want || got.Answer != want {
				t.Errorf("%s (%s): %s, want %s (%s)", got.Answer, got.Reason, got.Why, want, tt.want)
			}
			if got.Answer == No && got.Why == "" {
				t.Error("a no without what it rests on")
			}
		})
	}
}

// A trust policy that limits the age of the code is told from one that wants
// something else, and --no-session sends a fresh one.
func TestCodeTooOld(t *testing.T) {
	t.Parallel()
	ifYoung := `,"Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":"600"}}`
	who := Of(awsapi.Identity{ARN: caller, Account: "123456789012"})
	got := Decide(Evidence{ARN: prodFull, Err: denied(plainNo), MFA: true, Who: who, Seen: Seen{Present, trusts(root, ifYoung)}, Book: NewBook()})
	want := Verdict{Answer: No, Reason: Trust, Why: "the role's trust policy limits the age of the MFA code (aws:MultiFactorAuthAge)", Next: []string{"send it a fresh code: --no-session"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What is asked of whom is said in the words of the architecture's files.
func TestAsk(t *testing.T) {
	t.Parallel()
	b := NewBook()
	b.FromProfile("prod-read-only", prodRead)
	who := Of(awsapi.Identity{ARN: caller, Account: "123456789012"})
	who.Complete, who.Groups = true, []string{"a", "b"}
	tests := []struct {
		name, arn string
		want      Verdict
	}{
		{"a default role", prodFull, Verdict{No, NoGroup, "none of your policies allows it (groups: a, b)", []string{"ask who keeps users.yml of the account of the users to add to the groups of ann@acme.com: _account.prod-full-access"}}},
		{"with a prefix", "arn:aws:iam::567890123456:role/prod-allow-billing-only-access-from-other-accounts", Verdict{No, NoGroup, "none of your policies allows it (groups: a, b)", []string{"ask who keeps users.yml of the account of the users to add to the groups of ann@acme.com: _account.prod-billing"}}},
		{"a default role without a group", "arn:aws:iam::567890123456:role/allow-iam-admin-access-from-other-accounts", Verdict{No, NoGroup, "none of your policies allows it (groups: a, b)", []string{"ask who keeps the account of the users for a group that allows ann@acme.com sts:AssumeRole on arn:aws:iam::567890123456:role/allow-iam-admin-access-from-other-accounts"}}},
		{"another role", "arn:aws:iam::567890123456:role/team/ops", Verdict{No, NoGroup, "none of your policies allows it (groups: a, b)", []string{"ask who keeps the account of the users for a group that allows ann@acme.com sts:AssumeRole on arn:aws:iam::567890123456:role/team/ops"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Decide(Evidence{ARN: tt.arn, Err: denied(plainNo), MFA: true, Who: who, Book: b})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWrongAccount(t *testing.T) {
	t.Parallel()
	b := NewBook()
	b.Vouch("567890123456")
	b.Vouch("111111111111")
	for account, want := range map[string]Reason{
		"567890123457": WrongAccount, "567890124356": WrongAccount, "567890123456": NoGroup, "222222222222": NoGroup, "567890121111": NoGroup,
	} {
		e := Evidence{ARN: RoleARN("aws", account, "x"), Err: denied(plainNo), MFA: true, Who: Person{Complete: true}, Book: b}
		if got := Decide(e); got.Reason != want {
			t.Errorf("%s: %s, want %s", account, got.Reason, want)
		}
	}
}

// A look is worth its call only where it can tell more.
func TestWorthALook(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		e    Evidence
		want bool
	}{
		{"groups not known", Evidence{ARN: prodFull, Err: denied(plainNo), MFA: true}, true},
		{"allowed", Evidence{ARN: prodFull, Err: denied(plainNo), Who: Person{Complete: true, Policies: []Policy{allows(t, prodFull)}}}, true},
		{"not allowed", Evidence{ARN: prodFull, Err: denied(plainNo), Who: Person{Complete: true}}, false},
		{"AWS says why", Evidence{ARN: prodFull, Err: denied(plainNo + " because no identity-based policy allows the sts:AssumeRole action")}, false},
		{"throttled", Evidence{ARN: prodFull, Err: &awsapi.Refusal{Code: "Throttling"}}, false},
		{"no answer", Evidence{ARN: prodFull, Err: context.DeadlineExceeded}, false},
	}
	for _, tt := range tests {
		if got := tt.e.WorthALook(); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
