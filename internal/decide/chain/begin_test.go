package chain

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

const (
	eks   = "arn:aws:iam::222222222222:role/eks"
	serve = "enter " + eks + " for 1h0m0s with a web identity token"
)

// Chains that begin without a stored key: what they do, alone and below a role.
func TestChainsWithoutKey(t *testing.T) {
	t.Parallel()
	config := "[default]\nmfa_serial = " + s1 + "\n" +
		"[profile ci]\nweb_identity_token_file = /run/t\nrole_arn = " + eks + "\nregion = eu-west-1\n" +
		"[profile over-ci]\nsource_profile = ci\nduration_seconds = 7200\n" + role("333333333333", "far") +
		"\n[profile tool]\ncredential_process = tool\n" +
		"[profile over-tool]\nsource_profile = tool\n" + role("333333333333", "far") +
		"\n[profile tool-role]\ncredential_process = tool\n" + role("333333333333", "far") +
		"\n[profile machine]\ncredential_source = Ec2InstanceMetadata\n" + role("333333333333", "far") +
		"\n[profile here]\ncredential_source = Environment\n" + role("333333333333", "far") +
		"\n[profile bare]\nregion = us-west-2\n"
	web := map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "/run/env", "AWS_ROLE_ARN": eks}
	far := "assume arn:aws:iam::333333333333:role/far for 1h0m0s"
	set, err := profile.Parse("config", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		r             Request
		limits        map[string]time.Duration
		want, account string
		device        string // of the last step
		warned        bool
	}{
		{r: Request{Profile: "ci"}, want: serve, account: "222222222222"},
		{r: Request{Profile: "ci", Lifetime: 12 * time.Hour}, want: strings.Replace(serve, "1h0m0s", "12h0m0s", 1), account: "222222222222"},
		{r: Request{Profile: "ci", Lifetime: 12 * time.Hour}, limits: map[string]time.Duration{eks: 12 * time.Hour}, want: serve, account: "222222222222", warned: true},
		{r: Request{Profile: "ci", Policy: Policy{Inline: "{}"}}, want: serve + ", narrowed by a session policy", account: "222222222222"},
		{r: Request{Profile: "over-ci"}, want: serve + " > " + far, account: "333333333333", warned: true},
		{r: Request{Profile: "tool"}, want: "run the credential_process of config:12"},
		{r: Request{Profile: "over-tool"}, want: "run the credential_process of config:12 > " + far, account: "333333333333", device: s1},
		{r: Request{Profile: "tool-role"}, want: "run the credential_process of config:17 > " + far, account: "333333333333", device: s1},
		{r: Request{Profile: "machine"}, want: "ask the instance metadata service > " + far, account: "333333333333"},
		{r: Request{Profile: "here"}, want: "take the credentials that are in the environment > " + far, account: "333333333333", device: s1},
		{r: Request{Profile: "bare", Env: web}, want: serve, account: "222222222222"},
		{r: Request{Profile: "tool", Env: web}, want: "run the credential_process of config:12"},
	} {
		c, err := Resolve(set, source.Kinds(), keyOf(), tt.limits, tt.r)
		if err != nil {
			t.Fatalf("%s: %v", tt.r.Profile, err)
		}
		var got []string
		for _, s := range c.Steps {
			got = append(got, s.Describe())
		}
		last := c.Steps[len(c.Steps)-1]
		if strings.Join(got, " > ") != tt.want || c.Key != "" || c.Account != tt.account || source.Device(last).Serial != tt.device || (len(c.Warnings) > 0) != tt.warned {
			t.Errorf("%s: %q, key %q, account %q, device %q, warnings %q; want %q", tt.r.Profile, got, c.Key, c.Account, source.Device(last).Serial, c.Warnings, tt.want)
		}
		if c.STS.Region == "" {
			t.Errorf("%s: nobody can be asked who the session is", tt.r.Profile)
		}
	}
}

// Two settings that each say where credentials come from are refused, and what
// cannot be narrowed is not handed out in full.
func TestContradictions(t *testing.T) {
	t.Parallel()
	config := "[profile k]\nregion = us-west-2\n" +
		"[profile two]\nsource_profile = k\nweb_identity_token_file = /run/t\nrole_arn = " + eks +
		"\n[profile three]\nsource_profile = k\ncredential_source = Environment\nrole_arn = " + eks +
		"\n[profile tool]\ncredential_process = tool\n"
	set, err := profile.Parse("config", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		r    Request
		want string
	}{
		{Request{Profile: "two"}, `web_identity_token_file "..." (config:5) stands beside source_profile (config:4)`},
		{Request{Profile: "three"}, `credential_source "Environment" (config:9) stands beside source_profile (config:8)`},
		{Request{Profile: "tool", Policy: Policy{Inline: "{}"}}, "takes no session policy"},
	} {
		_, err := Resolve(set, source.Kinds(), keyOf("k"), nil, tt.r)
		if f := (*fault.Error)(nil); !errors.As(err, &f) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.r.Profile, err, tt.want)
		}
	}
}
