package awsapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// reads is a server that has these answers by action; a list has its members on
// pages of one, and endless says that there is always another page.
type reads struct {
	lists   map[string][]string
	texts   map[string]string
	endless bool
	pages   int
}

func (s *reads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action := r.FormValue("Action")
	answer := func(body string) {
		reply(200, fmt.Sprintf(`<%[1]sResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>`, action, body))(w, r)
	}
	if text, ok := s.texts[action]; ok {
		answer(text)
		return
	}
	members, ok := s.lists[action]
	if !ok {
		reply(403, refusal("AccessDenied", "not you"))(w, r)
		return
	}
	s.pages++
	at := 0
	_, _ = fmt.Sscan(r.FormValue("Marker"), &at)
	more := s.endless || at+1 < len(members)
	body := "<" + wrapper[action] + "></" + wrapper[action] + ">"
	if at < len(members) {
		body = "<" + wrapper[action] + "><member>" + members[at] + "</member></" + wrapper[action] + ">"
	}
	answer(fmt.Sprintf("%s<IsTruncated>%v</IsTruncated><Marker>%d</Marker>", body, more, at+1))
}

var wrapper = map[string]string{
	"ListMFADevices": "MFADevices", "ListGroupsForUser": "Groups", "ListGroupPolicies": "PolicyNames", "ListUserPolicies": "PolicyNames",
	"ListAttachedGroupPolicies": "AttachedPolicies", "ListAttachedUserPolicies": "AttachedPolicies",
}

func reading(t *testing.T, s *reads) *Client {
	t.Helper()
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return New(Config{Region: "us-east-1", URL: h.URL, Attempts: 1, Clock: NewClock(time.Now)}, signer)
}

// Each list is read to its end, and each policy is text, whatever IAM's encoding.
func TestIAMReads(t *testing.T) {
	t.Parallel()
	s := &reads{lists: map[string][]string{
		"ListMFADevices":            {"<SerialNumber>arn:aws:iam::123456789012:mfa/ann</SerialNumber>", "<SerialNumber>GAHT1234567</SerialNumber>"},
		"ListGroupsForUser":         {"<GroupName>a</GroupName>", "<GroupName>b</GroupName>", "<GroupName>c</GroupName>"},
		"ListGroupPolicies":         {"x", "y"},
		"ListUserPolicies":          {},
		"ListAttachedGroupPolicies": {"<PolicyArn>arn:p</PolicyArn>"},
		"ListAttachedUserPolicies":  {"<PolicyArn>arn:q</PolicyArn>", "<PolicyArn>arn:r</PolicyArn>"},
	}, texts: map[string]string{
		"GetGroupPolicy":   "<PolicyDocument>%7B%22a%22%3A%22b+c%22%7D</PolicyDocument>",
		"GetUserPolicy":    "<PolicyDocument>100%</PolicyDocument>",
		"GetPolicy":        "<Policy><DefaultVersionId>v2</DefaultVersionId></Policy>",
		"GetPolicyVersion": "<PolicyVersion><Document>%7B%7D</Document></PolicyVersion>",
		"GetRole":          "<Role><Arn>x</Arn><RoleName>ops</RoleName><AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument></Role>",
	}}
	c, ctx := reading(t, s), t.Context()
	for _, tt := range []struct {
		name string
		got  func() (any, error)
		want any
	}{
		{"devices", func() (any, error) { return c.OwnMFADevices(ctx) }, []string{"arn:aws:iam::123456789012:mfa/ann", "GAHT1234567"}},
		{"groups", func() (any, error) { return c.GroupsOfUser(ctx, "ann") }, []string{"a", "b", "c"}},
		{"in a group", func() (any, error) { return c.GroupPolicyNames(ctx, "a") }, []string{"x", "y"}},
		{"in a user", func() (any, error) { return c.UserPolicyNames(ctx, "ann") }, []string(nil)},
		{"at a group", func() (any, error) { return c.AttachedGroupPolicies(ctx, "a") }, []string{"arn:p"}},
		{"at a user", func() (any, error) { return c.AttachedUserPolicies(ctx, "ann") }, []string{"arn:q", "arn:r"}},
		{"a group's", func() (any, error) { return c.GroupPolicy(ctx, "a", "x") }, `{"a":"b+c"}`},
		{"a user's, not encoded", func() (any, error) { return c.UserPolicy(ctx, "ann", "x") }, "100%"},
		{"managed", func() (any, error) { return c.ManagedPolicy(ctx, "arn:aws:iam::aws:policy/x") }, "{}"},
		{"trust", func() (any, error) { return c.RoleTrust(ctx, "ops") }, "{}"},
	} {
		got, err := tt.got()
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", tt.name, err, diff)
		}
	}
}

func TestIAMReadsEnd(t *testing.T) {
	t.Parallel()
	s := &reads{lists: map[string][]string{"ListGroupsForUser": {"<GroupName>a</GroupName>"}}, endless: true}
	if _, err := reading(t, s).GroupsOfUser(t.Context(), "ann"); err != nil || s.pages != mostPages {
		t.Errorf("read %d pages of a list without end, want %d: %v", s.pages, mostPages, err)
	}
	r := (*Refusal)(nil)
	if _, err := reading(t, &reads{}).RoleTrust(t.Context(), "ops"); !errors.As(err, &r) || r.Op != "GetRole" || r.Code != "AccessDenied" {
		t.Errorf("got %v", err)
	}
}
