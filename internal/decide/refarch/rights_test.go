package refarch

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// group is the policy of a generated group: one role of one account.
func group(t *testing.T, name string) string {
	t.Helper()
	a := six(t)
	for _, one := range a.List {
		if key, ok := strings.CutPrefix(name, "_account."+one.Name+"-"); ok {
			return assume("arn:aws:iam::" + one.ID + ":role/" + Naming{}.Name(key, one.Name))
		}
	}
	t.Fatal("no account of ", name)
	return ""
}

func assume(arns ...string) string {
	text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arns}}})
	return string(text)
}

// names are the profiles that grants make.
func names(all []Grant) string {
	var out []string
	for _, g := range all {
		out = append(out, ProfileName(g.Account.Name, g.Key))
	}
	return strings.Join(out, " ")
}

const (
	admin    = `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}}`
	self     = `{"Statement":[{"Effect":"Allow","Action":["iam:GetUser"],"Resource":"arn:aws:iam::123456789012:user/${aws:username}"}]}`
	needsMFA = `{"Statement":[{"Effect":"Deny","NotAction":["iam:GetUser","sts:GetSessionToken"],"Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}]}`
)

// TestAllowed is the matrix of the default architecture: its users, their groups,
// and which roles they may enter.
func TestAllowed(t *testing.T) {
	t.Parallel()
	a := six(t)
	var everything []string
	for _, one := range a.List {
		for _, key := range []string{"full-access", "read-only", "dev", "billing", "support", "auto-deploy"} {
			everything = append(everything, "arn:aws:iam::"+one.ID+":role/"+Naming{}.Name(key, one.Name))
		}
	}
	var each []string
	for _, one := range []string{"dev", "logs", "prod", "shared", "stage"} {
		each = append(each, one+"-read-only "+one+"-support "+one+"-billing "+one+"-dev "+one+" "+one+"-auto-deploy")
	}
	all := strings.Join(each, " ")
	for _, row := range []struct {
		name        string
		rights      Rights
		want, least string
	}{
		{name: "gruntwork", rights: Rights{Policies: []string{assume(everything...), admin, self}}, want: all, least: "dev-read-only logs-read-only prod-read-only shared-read-only stage-read-only"},
		{name: "jane: full access in security reaches every role", rights: Rights{Policies: []string{admin, self}}, want: all, least: "dev-read-only logs-read-only prod-read-only shared-read-only stage-read-only"},
		{name: "alice", rights: Rights{Policies: []string{group(t, "_account.dev-full-access"), group(t, "_account.stage-full-access"), group(t, "_account.prod-full-access"), self, needsMFA}}, want: "dev prod stage", least: "dev prod stage"},
		{name: "bob", rights: Rights{Policies: []string{group(t, "_account.prod-read-only"), self}}, want: "prod-read-only", least: "prod-read-only"},
		{name: "ci-machine-user", rights: Rights{Policies: []string{group(t, "_account.dev-auto-deploy"), group(t, "_account.security-auto-deploy")}}, want: "dev-auto-deploy", least: "dev-auto-deploy"},
		{name: "carol", rights: Rights{Policies: []string{self}}},
		{name: "nobody"},
		{name: "names alone", rights: Rights{Unread: []string{"_account.dev-full-access", "_account.prod-read-only-access", "_account-stage-billing", "_account.security-full-access", "_account.nowhere-dev", "full-access", "ssh-grunt-users"}}, want: "dev prod-read-only stage-billing", least: "dev prod-read-only stage-billing"},
		{name: "all accounts, by name", rights: Rights{Unread: []string{"_all-accounts"}}, want: all, least: "dev-read-only logs-read-only prod-read-only shared-read-only stage-read-only"},
		{name: "a role of the customer's", rights: Rights{Policies: []string{assume("arn:aws:iam::567890123456:role/allow-ops-admin-access-from-other-accounts", "arn:aws:iam::567890123456:role/OrganizationAccountAccessRole", "arn:aws:iam::999999999999:role/x")}}, want: "prod-ops-admin prod-OrganizationAccountAccessRole", least: "prod-ops-admin"},
		{name: "wildcards", rights: Rights{Policies: []string{assume("arn:aws:iam::*:role/allow-read-only-*")}}, want: "dev-read-only logs-read-only prod-read-only shared-read-only stage-read-only", least: "dev-read-only logs-read-only prod-read-only shared-read-only stage-read-only"},
		{name: "denied", rights: Rights{Policies: []string{admin, `{"Statement":[{"Effect":"Deny","Action":"sts:*","NotResource":["arn:aws:iam::345678901234:role/*"]}]}`}}, want: "dev-read-only dev-support dev-billing dev-dev dev dev-auto-deploy", least: "dev-read-only"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := Allowed(a, "security", Naming{}, row.rights)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, names(got)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(row.least, names(Least(got))); diff != "" {
				t.Error("least:", diff)
			}
		})
	}
	for _, broken := range []string{"", "x", `{"Statement":1}`, `{"Statement":[{"Action":1}]}`} {
		if _, err := Allowed(a, "security", Naming{}, Rights{Policies: []string{broken}}); err == nil {
			t.Errorf("%q was read as a policy", broken)
		}
	}
}

// A hyphen in an account's name does not end it.
func TestGroupOfLongestName(t *testing.T) {
	t.Parallel()
	a, err := ParseAccounts("f", []byte(`{"shared":"345678901234","shared-services":"345678901235"}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Allowed(a, "security", Naming{}, Rights{Unread: []string{"_account.shared-services-read-only", "_account.shared-dev"}})
	if diff := cmp.Diff("shared-dev shared-services-read-only", names(got)); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestNaming(t *testing.T) {
	t.Parallel()
	var defaults []string
	for _, key := range append(Roles(), "ops-admin") {
		defaults = append(defaults, Naming{}.Name(key, "x"))
		if got := (Naming{}).key(Naming{}.Name(key, "x"), "x"); got != key {
			t.Errorf("the key of %s is %s", Naming{}.Name(key, "x"), got)
		}
	}
	if diff := cmp.Diff([]string{
		"allow-read-only-access-from-other-accounts", "allow-support-access-from-other-accounts", "allow-billing-only-access-from-other-accounts",
		"allow-logs-access-from-other-accounts", "allow-dev-access-from-other-accounts", "allow-iam-admin-access-from-other-accounts",
		"allow-full-access-from-other-accounts", "allow-auto-deploy-from-other-accounts", "allow-ssh-grunt-access-from-other-accounts",
		"allow-ops-admin-access-from-other-accounts",
	}, defaults); diff != "" {
		t.Error(diff)
	}
	for _, row := range []struct {
		naming Naming
		want   string
	}{
		{Naming{Prefix: "acme-"}, "acme-allow-read-only-access-from-other-accounts"},
		{Naming{Prefix: "{account}-"}, "stage-allow-read-only-access-from-other-accounts"},
		{Naming{Pattern: "allow-{role}-from-saml"}, "allow-read-only-access-from-saml"},
		{Naming{Pattern: "OrganizationAccountAccessRole"}, "OrganizationAccountAccessRole"},
	} {
		if got := row.naming.Name("read-only", "stage"); got != row.want || row.naming.Check([]string{"read-only"}) != nil {
			t.Errorf("%+v: got %s, want %s; %v", row.naming, got, row.want, row.naming.Check([]string{"read-only"}))
		}
	}
	for _, row := range []struct {
		naming Naming
		keys   string
		want   string
	}{
		{Naming{Pattern: "one"}, "dev logs", "has no {role} in it"},
		{Naming{Pattern: "{Role}"}, "dev", "something else in braces"},
		{Naming{Pattern: "a b{role}"}, "dev", "no name of a role"},
		{Naming{}, "dev dev", "named twice"},
		{Naming{}, "a/b", "no name of a role"},
		{Naming{}, strings.Repeat("x", 60), "no name of a role"},
		{Naming{Prefix: "role/"}, "dev", "no name of a role"},
	} {
		if err := row.naming.Check(strings.Fields(row.keys)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%+v %s: got %v, want %s", row.naming, row.keys, err, row.want)
		}
	}
}
