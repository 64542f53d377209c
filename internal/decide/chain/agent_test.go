package chain

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"

	"github.com/google/go-cmp/cmp"
)

// resolveIn plans with the key of security.
func resolveIn(t *testing.T, config string, r Request) (Chain, error) {
	t.Helper()
	set, err := profile.Parse("config", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	return Resolve(set, source.Kinds(), keyOf("security"), nil, r)
}

// An agent and a person share what is handed to nobody, and nothing else.
func TestAgentSharesTheMFASession(t *testing.T) {
	t.Parallel()
	nameOf := func(parts ...string) string { return strings.Join(parts, "|") }
	var first, second []string
	for _, agent := range []string{"", "a", "b"} {
		c, err := resolveIn(t, page, Request{Profile: "dev", Agent: agent, Lifetime: 30 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		names := Names(c, "AKIA1", nameOf)
		first, second = append(first, names[0]), append(second, names[1])
	}
	if first[0] != first[1] || first[1] != first[2] {
		t.Errorf("the MFA session is not shared: %q", first)
	}
	if second[0] == second[1] || second[1] == second[2] || second[0] == second[2] {
		t.Errorf("two of them have one session: %q", second)
	}
	c, err := resolveIn(t, page, Request{Profile: "dev", Agent: "a", Granted: true, NoSession: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{""}, Names(c, "AKIA1", nameOf)); diff != "" {
		t.Errorf("a grant's session would serve others: %s", diff)
	}
}

func TestAgentSession(t *testing.T) {
	t.Parallel()
	add := func(lines string) string {
		return strings.Replace(page, "[profile dev]\n", "[profile dev]\n"+lines+"\n", 1)
	}
	type got struct {
		Name string
		Life time.Duration
		Role string
	}
	const role = "arn:aws:iam::345678901234:role/allow-full-access-from-other-accounts"
	for _, tc := range []struct {
		config string
		r      Request
		want   got
	}{
		{page, Request{}, got{"gruntwork+claude-code", 30 * time.Minute, role}},
		{page, Request{Lifetime: 15 * time.Minute}, got{"gruntwork+claude-code", 15 * time.Minute, role}},
		{page, Request{Lifetime: 12 * time.Hour}, got{"gruntwork+claude-code", 30 * time.Minute, role}},
		{page, Request{Lifetime: time.Hour, Granted: true, NoSession: true}, got{"gruntwork+claude-code", time.Hour, role}},
		{add("role_session_name = ann"), Request{}, got{"ann+claude-code", 30 * time.Minute, role}},
		{add("fob_agent_session_name = USER"), Request{}, got{"gruntwork", 30 * time.Minute, role}},
		{add("fob_agent_session_name = AGENT.USER"), Request{}, got{"claude-code.gruntwork", 30 * time.Minute, role}},
		{add("role_session_name = " + strings.Repeat("u", 64)), Request{}, got{strings.Repeat("u", 52) + "+claude-code", 30 * time.Minute, role}},
		{page, Request{Env: map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::012345678901:role/x", "AWS_ROLE_SESSION_NAME": "forged", "AWS_SOURCE_IDENTITY": "forged"}}, got{"gruntwork+claude-code", 30 * time.Minute, role}},
	} {
		tc.r.Profile, tc.r.Agent = "dev", "claude-code"
		c, err := resolveIn(t, tc.config, tc.r)
		if err != nil {
			t.Error(err)
			continue
		}
		last := c.Steps[len(c.Steps)-1].(source.AssumeRole)
		if diff := cmp.Diff(tc.want, got{last.SessionName, last.Lifetime, last.RoleARN}); diff != "" {
			t.Errorf("%+v: %s", tc.r, diff)
		}
	}
}

func TestNotForAgents(t *testing.T) {
	t.Parallel()
	const more = page + "[profile given]\ncredential_process = x\n[profile keys]\naws_access_key_id = AKIACANARY\naws_secret_access_key = CANARY\n"
	for _, tc := range []struct {
		config, profile string
		policy          Policy
		code            fault.Code
		why             string
	}{
		{more, "security", Policy{}, fault.Attend, "it has no role: its session is the user's own"},
		{more, "security", Policy{Name: "full"}, fault.Attend, "it has no role: its session is the user's own"},
		{more, "given", Policy{Name: "view", From: "fob_agent"}, fault.Attend, "takes no session policy (asked for by fob_agent)"},
		{strings.Replace(page, "[profile dev]\n", "[profile dev]\nfob_agent_session_name = a b\n", 1), "dev", Policy{}, fault.Config, `fob_agent_session_name "a b" (config:6) gives the session name`},
	} {
		_, err := resolveIn(t, tc.config, Request{Profile: tc.profile, Agent: "a", Policy: tc.policy})
		f := (*fault.Error)(nil)
		if !errors.As(err, &f) || f.Code != tc.code || !strings.Contains(err.Error(), tc.why) || IsUnnarrowed(err) != (tc.code == fault.Attend) {
			t.Errorf("%s, %v: %v", tc.profile, tc.policy, err)
		}
	}
}
