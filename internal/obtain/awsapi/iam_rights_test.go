package awsapi

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// iamAnswers answers each action as IAM does, a second page by its marker.
func iamAnswers(answers map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		action := r.PostForm.Get("Action")
		body, ok := answers[action+r.PostForm.Get("Marker")]
		if !ok {
			reply(403, refusal("AccessDenied", "not authorized to perform: iam:"+action))(w, r)
			return
		}
		reply(200, `<`+action+`Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><`+action+`Result>`+body+`</`+action+`Result></`+action+`Response>`)(w, r)
	}
}

func TestRights(t *testing.T) {
	t.Parallel()
	const own, end = `%7B%22Statement%22%3A%20%5B%5D%7D`, `<IsTruncated>false</IsTruncated>`
	c, _ := server(t, iamAnswers(map[string]string{
		"ListMFADevicesm":           `<MFADevices><member><SerialNumber>arn:2</SerialNumber></member></MFADevices>` + end,
		"ListGroupsForUser":         `<Groups><member><GroupName>a</GroupName></member></Groups><IsTruncated>true</IsTruncated><Marker>m</Marker>`,
		"ListGroupsForUserm":        `<Groups><member><GroupName>b</GroupName></member></Groups>` + end,
		"ListUserPolicies":          `<PolicyNames><member>p</member></PolicyNames>` + end,
		"GetUserPolicy":             `<PolicyDocument>` + own + `</PolicyDocument>`,
		"ListAttachedUserPolicies":  `<AttachedPolicies/>` + end,
		"ListGroupPolicies":         `<PolicyNames/>` + end,
		"ListAttachedGroupPolicies": `<AttachedPolicies><member><PolicyArn>arn:aws:iam::1:policy/some-policy-of-ours</PolicyArn></member></AttachedPolicies>` + end,
		"GetPolicy":                 `<Policy><DefaultVersionId>v2</DefaultVersionId></Policy>`,
		"GetPolicyVersion":          `<PolicyVersion><Document>a+b%20c</Document></PolicyVersion>`,
	}))
	got := map[string][]string{}
	for name, call := range map[string]func() ([]string, error){
		"groups": func() ([]string, error) { return c.GroupsOfUser(t.Context(), "ann") },
		"user":   func() ([]string, error) { return c.UserPolicies(t.Context(), "ann") },
		"group":  func() ([]string, error) { return c.GroupPolicies(t.Context(), "a") },
	} {
		all, err := call()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got[name] = all
	}
	want := map[string][]string{"groups": {"a", "b"}, "user": {`{"Statement": []}`}, "group": {"a+b c"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A refusal of any of the calls has its type, and the name of the call.
func TestRightsRefused(t *testing.T) {
	t.Parallel()
	c, _ := server(t, iamAnswers(nil))
	for op, call := range map[string]func() ([]string, error){
		"ListGroupsForUser": func() ([]string, error) { return c.GroupsOfUser(t.Context(), "ann") },
		"ListUserPolicies":  func() ([]string, error) { return c.UserPolicies(t.Context(), "ann") },
		"ListGroupPolicies": func() ([]string, error) { return c.GroupPolicies(t.Context(), "a") },
	} {
		_, err := call()
		if no := (*Refusal)(nil); !errors.As(err, &no) || no.Op != op || no.Code != "AccessDenied" {
			t.Errorf("%s: got %v", op, err)
		}
	}
}
