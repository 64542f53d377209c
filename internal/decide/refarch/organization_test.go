package refarch

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"fob/internal/decide/profile"

	"github.com/google/go-cmp/cmp"
)

const memberARN = "arn:aws:organizations::678901234567:account/o-acme123456/"

// asListed is a list of accounts as AWS tells them, all active.
func asListed(pairs ...string) []Listed {
	var all []Listed
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, Listed{Name: pairs[i], ID: pairs[i+1], State: "ACTIVE", ARN: memberARN + pairs[i+1]})
	}
	return all
}

// The organization's answer makes the accounts that a file of it makes.
func TestFromOrganization(t *testing.T) {
	t.Parallel()
	listed := asListed("root", "678901234567", "Log  Archive", "012345678901", "dev", "345678901234")
	listed = append(listed, Listed{Name: "Old", ID: "111111111111", State: "SUSPENDED"}, Listed{Name: "new", ID: "222222222222", State: "PENDING_ACTIVATION"})
	got, err := FromOrganization("the organization", listed)
	if err != nil {
		t.Fatal(err)
	}
	want := Accounts{
		File: "the organization", Management: "678901234567", Skipped: []string{"old", "new"},
		List: []Account{{Name: "dev", ID: "345678901234"}, {Name: "log-archive", ID: "012345678901"}, {Name: "root", ID: "678901234567"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var text []string
	for _, one := range listed {
		text = append(text, fmt.Sprintf(`{"Name":%q,"Id":%q,"State":%q,"Arn":%q}`, one.Name, one.ID, one.State, one.ARN))
	}
	file, err := ParseAccounts("the organization", []byte(`{"Accounts":[`+strings.Join(text, ",")+`]}`))
	for i := range file.List {
		file.List[i].Line = 0
	}
	if diff := cmp.Diff(want, file); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// What AWS's users have called their accounts is told so that it can be shown, and
// with a way out: nobody can mend an answer.
func TestFromOrganizationRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		listed []Listed
		want   string
	}{
		{nil, "it holds no accounts"},
		{[]Listed{{Name: "old", ID: "111111111111", State: "SUSPENDED"}}, "it holds no accounts"},
		{asListed("", "345678901234"), "an account of AWS's answer has no name or no id"},
		{asListed("dev", ""), "an account of AWS's answer has no name or no id"},
		{asListed("dev", "45678901234"), `the id of account "dev" has 11 digits: a zero in front was lost`},
		{asListed("dev", "x"), `the id of account "dev" "x" is not 12 digits`},
		{asListed("Dev", "345678901234", "dev", "345678901235"), `two accounts are called "dev" when made lower case, without white space: 345678901234 and 345678901235`},
		{asListed("dev", "345678901234", "prod", "345678901234"), `accounts "dev" and "prod" have the same id 345678901234`},
		{asListed("a/b", "345678901234"), `the account name "a/b" is no name of a folder`},
		{asListed("a\x1b[2Jb", "345678901234"), `the account name "a\x1b[2jb" holds white space or characters that cannot be seen`},
		{asListed("a]\nrole_arn = x", "345678901234"), `the account name "a]-role_arn-=-x" cannot be that of a profile`},
		{asListed("default", "345678901234"), `the account name "default" is that of the section [default]`},
		{asListed(strings.Repeat("a", 500), "345678901234"), "the account name " + profile.Shown(strings.Repeat("a", 500)) + " has more than 128 bytes"},
	} {
		got, err := FromOrganization("the organization", row.listed)
		bad := (*Error)(nil)
		if !errors.As(err, &bad) || !strings.HasPrefix(bad.Text, row.want) || len(bad.Next) != 2 || bad.Line != 0 {
			t.Errorf("%.60v: %+v, want %s", row.listed, err, row.want)
		}
		if err != nil && len(got.Skipped) == 0 && strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%q goes to a terminal as it is", err)
		}
	}
}

// 500 accounts, of which each is a profile.
func TestManyOfAnOrganization(t *testing.T) {
	t.Parallel()
	var pairs []string
	for i := range 500 {
		pairs = append(pairs, fmt.Sprintf("Account %d", i), fmt.Sprintf("%012d", i))
	}
	a, err := FromOrganization("the organization", asListed(pairs...))
	if err != nil || len(a.List) != 500 {
		t.Fatal(len(a.List), err)
	}
	plan, err := Make(parse(t, ""), Wanted{Source: "security", Serial: serial, Grants: Every(a, "security", Naming{}, []string{FullAccess})})
	if err != nil || len(plan.Changes) != 501 {
		t.Error(len(plan.Changes), err)
	}
}
