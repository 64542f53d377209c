package chain

import (
	"errors"
	"strings"
	"testing"

	"fob/internal/decide/policy"
	"fob/internal/decide/source"
	"fob/internal/fault"

	"github.com/google/go-cmp/cmp"
)

const (
	inConfig = "[default]\nfob_policy = view\n" +
		"[profile security]\nfob_policy = full\n" +
		"[profile dev]\nsource_profile = security\nrole_arn = arn:aws:iam::111111111111:role/dev\n" +
		"[profile stage]\nsource_profile = security\nrole_arn = arn:aws:iam::222222222222:role/stage\nfob_policy = plan\n" +
		"[profile same]\nsource_profile = stage\nfob_policy =\n" +
		"[profile over]\nsource_profile = stage\nrole_arn = arn:aws:iam::333333333333:role/over\nfob_policy = full\n" +
		"[profile gov]\nsource_profile = security\nrole_arn = arn:aws-us-gov:iam::444444444444:role/gov\n" +
		"[profile text]\nsource_profile = security\nrole_arn = arn:aws:iam::111111111111:role/dev\nfob_policy = {\"Statement\":[]}\n" +
		"[profile arns]\nsource_profile = security\nrole_arn = arn:aws:iam::111111111111:role/dev\nfob_policy = arn:aws:iam::aws:policy/A, arn:aws:iam::111111111111:policy/x/B\n" +
		"[profile file]\nsource_profile = security\nrole_arn = arn:aws:iam::111111111111:role/dev\nfob_policy = file:~/p.json\n" +
		"[profile tool]\ncredential_process = tool\n" +
		"[profile wrong]\nsource_profile = security\nrole_arn = arn:aws:iam::111111111111:role/dev\nfob_policy = readonly\n"
	managedFrom = "arn:aws:iam::aws:policy/"
)

// builtin is a built-in policy as the chain has it.
func builtin(name, partition, from string) Policy {
	inline, arns, _ := policy.Builtin(name, partition)
	return Policy{Name: name, Inline: inline, ARNs: arns, From: from}
}

// TestPolicyOfConfig settles whose policy counts. The flags go before the config,
// a profile before [default], and a profile that passes on another's role has
// that one's policy; what is on the way to another role is not narrowed.
func TestPolicyOfConfig(t *testing.T) {
	t.Parallel()
	set := parsed(t, inConfig)
	read := func(path string) (string, error) { return `{"Statement":"` + path + `"}`, nil }
	config := func(line string) string { return "fob_policy, config:" + line }
	for _, tt := range []struct {
		name string
		r    Request
		want Policy
	}{
		{"of [default]", Request{Profile: "dev"}, builtin("view", "aws", config("2"))},
		{"of the profile", Request{Profile: "stage"}, builtin("plan", "aws", config("11"))},
		{"of the profile whose role it is", Request{Profile: "same"}, builtin("plan", "aws", config("11"))},
		{"full lifts [default], and the source is not narrowed", Request{Profile: "over"}, Policy{}},
		{"full on a user's session", Request{Profile: "security"}, Policy{}},
		{"the partition of the role", Request{Profile: "gov"}, builtin("view", "aws-us-gov", config("2"))},
		{"JSON", Request{Profile: "text"}, Policy{Inline: `{"Statement":[]}`, From: config("25")}},
		{"ARNs", Request{Profile: "arns"}, Policy{ARNs: []string{managedFrom + "A", "arn:aws:iam::111111111111:policy/x/B"}, From: config("29")}},
		{"a file", Request{Profile: "file", ReadPolicy: read}, Policy{Inline: `{"Statement":"~/p.json"}`, From: config("33")}},
		{"a flag", Request{Profile: "stage", Policy: Policy{Name: "read-only", From: "--policy"}}, builtin("read-only", "aws", "--policy")},
		{"a flag lifts it", Request{Profile: "stage", Policy: Policy{Name: "full", From: "--policy"}}, Policy{}},
		{"an agent's is the narrower", Request{Profile: "stage", Agent: "a", Policy: Policy{Name: "read-only", From: "fob_agent"}}, builtin("read-only", "aws", "fob_agent")},
		{"an agent's is the wider", Request{Profile: "stage", Agent: "a", Policy: Policy{Name: "full", From: "fob_agent"}}, builtin("plan", "aws", config("11"))},
		{"an agent's where the config lifts", Request{Profile: "over", Agent: "a", Policy: Policy{Name: "plan", From: "fob_agent"}}, builtin("plan", "aws", "fob_agent")},
	} {
		c, err := Resolve(set, source.Kinds(), keyOf("security"), nil, tt.r)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		last := Policy{Name: c.Policy.Name, From: c.Policy.From}
		for i, s := range c.Steps {
			if role, ok := s.(source.AssumeRole); ok && (i == len(c.Steps)-1 || role.Policy != "" || role.PolicyARNs != nil) {
				last.Inline, last.ARNs = role.Policy, role.PolicyARNs
			}
		}
		if diff := cmp.Diff([]Policy{tt.want, tt.want}, []Policy{c.Policy, last}); diff != "" {
			t.Errorf("%s: chain and step (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestPolicyRefused has what is refused before anything is asked or called.
func TestPolicyRefused(t *testing.T) {
	t.Parallel()
	set := parsed(t, inConfig)
	flag := func(p Policy) Policy { p.From = "--policy"; return p }
	arns := func(a ...string) Policy { return flag(Policy{ARNs: a}) }
	long := Policy{Inline: "{" + strings.Repeat(" ", 2047) + "}"}
	for _, tt := range []struct {
		r    Request
		code fault.Code
		want string
	}{
		{Request{Profile: "dev", Policy: flag(long)}, fault.Usage, "it has 2049 characters, ARNs counted in; AWS takes at most 2048"},
		{Request{Profile: "dev", Policy: flag(Policy{Inline: "{" + strings.Repeat(" ", 2018) + "}", ARNs: []string{managedFrom + "Access"}})}, fault.Usage, "it has 2050 characters"},
		{Request{Profile: "dev", Policy: flag(Policy{Inline: "[]"})}, fault.Usage, "it is not a JSON object"},
		{Request{Profile: "dev", Policy: flag(Policy{Inline: "{\"Sid\":\"\u0100\"}"})}, fault.Usage, `it has the character '\u0100', which AWS does not take`},
		{Request{Profile: "dev", Policy: arns("arn:aws:iam::222222222222:policy/x")}, fault.Usage, "is of account 222222222222, and AWS takes those of the role's account only, 111111111111"},
		{Request{Profile: "dev", Policy: arns("arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess")}, fault.Usage, "is of partition aws-us-gov, and the role is of aws"},
		{Request{Profile: "gov", Policy: arns(managedFrom + "ReadOnlyAccess")}, fault.Usage, "is of partition aws, and the role is of aws-us-gov"},
		{Request{Profile: "dev", Policy: arns("arn:aws:iam::111111111111:role/x")}, fault.Usage, "is not the ARN of a managed policy"},
		{Request{Profile: "dev", Policy: arns("arn:aws:iam::11:policy/x")}, fault.Usage, "is neither AWS's nor of an account"},
		{Request{Profile: "dev", Policy: arns(strings.Split(strings.Repeat(managedFrom+"A ", 11), " ")[:11]...)}, fault.Usage, "11 policy ARNs; AWS takes at most 10"},
		{Request{Profile: "dev", CheckPolicy: func(string) string { return "it is odd" }}, fault.Config, `fob_policy "view" (config:2) cannot be used: it is odd`},
		{Request{Profile: "wrong"}, fault.Config, `fob_policy "readonly" (config:39) is neither JSON nor the name of a policy: view, read-only, plan, or full for the role's own rights`},
		{Request{Profile: "file"}, fault.Config, "names a file, which is not read here"},
		{Request{Profile: "file", ReadPolicy: func(string) (string, error) { return "", errors.New("gone") }}, fault.Config, "cannot be read: gone"},
		{Request{Profile: "tool"}, fault.Usage, "takes no session policy (asked for by fob_policy, config:2)"},
		{Request{Profile: "tool", NoSession: true}, fault.Usage, "takes no session policy"},
		{Request{Profile: "security", Policy: flag(Policy{Name: "plan"})}, fault.Usage, "GetSessionToken takes no session policy (asked for by --policy)"},
		{Request{Profile: "security", NoSession: true, Policy: flag(Policy{Name: "plan"})}, fault.Usage, "GetSessionToken takes no session policy"},
		{Request{Profile: "text", Agent: "a", Policy: Policy{Name: "view", From: "fob_agent"}}, fault.Config, "which of them is narrower cannot be told"},
	} {
		_, err := Resolve(set, source.Kinds(), keyOf("security"), nil, tt.r)
		f := (*fault.Error)(nil)
		if !errors.As(err, &f) || f.Code != tt.code || !strings.Contains(f.Why.Error(), tt.want) {
			t.Errorf("%s %+v:\n got %v\nwant %d %s", tt.r.Profile, tt.r.Policy, err, tt.code, tt.want)
		}
	}
}

// TestPolicyWithoutSection narrows what is stored under a name that the config
// does not have, too.
func TestPolicyWithoutSection(t *testing.T) {
	t.Parallel()
	_, err := Resolve(parsed(t, inConfig), source.Kinds(), keyOf("bare"), nil, Request{Profile: "bare"})
	if err == nil || !strings.Contains(err.Error(), "cannot narrow the session") {
		t.Errorf("%v", err)
	}
	c, err := Resolve(parsed(t, inConfig), source.Kinds(), keyOf("bare"), nil, Request{Console: Federated, Profile: "bare"})
	if err != nil || c.Policy.Name != "view" {
		t.Fatalf("%v %+v", err, c.Policy)
	}
	if step := c.Steps[0].(source.FederationToken); step.Policy != c.Policy.Inline || !cmp.Equal(step.PolicyARNs, c.Policy.ARNs) {
		t.Errorf("%+v", step)
	}
}
