package playground

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
)

func (k keys) organizations(s *Server) *organizations.Client {
	return organizations.NewFromConfig(k.config(s))
}

// inRoot enters a role of the root account as a user of security, with MFA.
func inRoot(t *testing.T, s *Server, user, role string) keys {
	t.Helper()
	u, _ := s.User(user)
	arn := "arn:aws:iam::" + Root().ID + ":role/" + role
	k, err := assume(t, s, userKeys(t, s, user), sts.AssumeRoleInput{RoleArn: &arn, SerialNumber: &u.MFASerial, TokenCode: code(t, s, user)})
	want(t, "enter "+role, err, "")
	return k
}

// The seven accounts are listed in the management account, to who may.
func TestListAccounts(t *testing.T) {
	t.Parallel()
	s := start(t)
	out, err := inRoot(t, s, "gruntwork", readRole).organizations(s).ListAccounts(t.Context(), nil)
	want(t, "list", err, "")
	got := map[string]string{}
	for _, a := range out.Accounts {
		got[*a.Name] = *a.Id
		if a.State != types.AccountStateActive || *a.Arn != "arn:aws:organizations::678901234567:account/o-acme123456/"+*a.Id {
			t.Errorf("got %s, %s", a.State, *a.Arn)
		}
	}
	all := map[string]string{"root": "678901234567"}
	for _, a := range Accounts() {
		all[a.Name] = a.ID
	}
	if d := cmp.Diff(all, got); d != "" || out.NextToken != nil {
		t.Error(d, out.NextToken)
	}
}

func TestListAccountsRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	const no = "AccessDeniedException: You don't have permissions to access this resource."
	_, err := userSession(t, s, "gruntwork", true).organizations(s).ListAccounts(t.Context(), nil)
	want(t, "in a member account, though its policies allow it", err, no)
	_, err = userSession(t, s, "alice@acme.com", true).organizations(s).ListAccounts(t.Context(), nil)
	want(t, "without a policy", err, "AccessDeniedException: User: arn:aws:iam::123456789012:user/alice@acme.com is not authorized to perform: organizations:ListAccounts on resource: * because no identity-based policy allows the organizations:ListAccounts action")
	_, err = keys{id: "AKIAIOSFODNN7EXAMPLE", secret: "x"}.organizations(s).ListAccounts(t.Context(), nil)
	want(t, "an unknown key", err, "UnrecognizedClientException: The security token included in the request is invalid.")
	_, err = keys{id: userKeys(t, s, "alice@acme.com").id, secret: "x"}.organizations(s).ListAccounts(t.Context(), nil)
	want(t, "a wrong signature", err, "InvalidSignatureException: The request signature we calculated")
	_, err = userSession(t, s, "bob@acme.com", true).sts(s).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::678901234567:role/" + readRole), RoleSessionName: aws.String("bob")})
	want(t, "no group lets bob into the root account", err, notAuthorized("bob@acme.com", "arn:aws:iam::678901234567:role/"+readRole))
	root := inRoot(t, s, "gruntwork", readRole)
	_, err = root.organizations(s).DescribeOrganization(t.Context(), nil)
	want(t, "another call", err, "NotImplemented")
	if err := s.Fault(Fault{Action: "organizations:ListAccounts", Status: faultThrottle}); err != nil {
		t.Fatal(err)
	}
	_, err = root.organizations(s).ListAccounts(t.Context(), nil)
	want(t, "too many calls", err, "TooManyRequestsException")
	s.Expire("*")
	_, err = root.organizations(s).ListAccounts(t.Context(), nil)
	want(t, "an ended session", err, "ExpiredTokenException")
}

// A page has twenty accounts at most, and the next one begins where it ends.
func TestListAccountsPages(t *testing.T) {
	t.Parallel()
	s := start(t)
	members := []Member{{Account{"root", Root().ID}, ""}, {Account{"old", "111111111111"}, "SUSPENDED"}}
	for i := range 500 {
		members = append(members, Member{Account: Account{fmt.Sprint("a-", i), fmt.Sprintf("%012d", i)}})
	}
	s.SetOrganization(members)
	api := inRoot(t, s, "gruntwork", fullRole).organizations(s)
	var names []string
	calls, in := 0, &organizations.ListAccountsInput{}
	for {
		out, err := api.ListAccounts(t.Context(), in)
		want(t, "list", err, "")
		calls++
		for _, a := range out.Accounts {
			names = append(names, *a.Name+" "+string(a.State))
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if calls != 26 || len(names) != 502 || names[1] != "old SUSPENDED" || names[501] != "a-499 ACTIVE" {
		t.Errorf("%d calls, %d accounts", calls, len(names))
	}
	for _, row := range []struct {
		in   organizations.ListAccountsInput
		want string
	}{
		{organizations.ListAccountsInput{MaxResults: aws.Int32(20)}, ""},
		{organizations.ListAccountsInput{MaxResults: aws.Int32(21)}, "ValidationException: 1 validation error detected: Value '21' at 'maxResults' failed"},
		{organizations.ListAccountsInput{MaxResults: aws.Int32(0)}, "ValidationException: 1 validation error detected: Value '0' at 'maxResults' failed"},
		{organizations.ListAccountsInput{NextToken: aws.String("502")}, "InvalidInputException: You specified an invalid value for nextToken."},
		{organizations.ListAccountsInput{NextToken: aws.String("x")}, "InvalidInputException: You specified an invalid value for nextToken."},
	} {
		_, err := api.ListAccounts(t.Context(), &row.in)
		want(t, "list", err, row.want)
	}
}

func TestPostOrganization(t *testing.T) {
	t.Parallel()
	s := start(t)
	for body, status := range map[string]int{`[{"Name":"a\u001b","ID":"1","State":"SUSPENDED"}]`: 200, `[{"Names":"a"}]`: 400, `{}`: 400} {
		resp, err := http.Post(s.URL+"/playground/organization", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%s: status %d, want %d", body, resp.StatusCode, status)
		}
	}
	out, err := inRoot(t, s, "gruntwork", readRole).organizations(s).ListAccounts(t.Context(), nil)
	want(t, "list", err, "")
	if len(out.Accounts) != 1 || *out.Accounts[0].Name != "a\x1b" || out.Accounts[0].State != types.AccountStateSuspended {
		t.Errorf("got %+v", out.Accounts)
	}
}
