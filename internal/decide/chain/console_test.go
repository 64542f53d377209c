package chain

import (
	"errors"
	"testing"

	"fob/internal/decide/source"
	"fob/internal/fault"

	"github.com/google/go-cmp/cmp"
)

func TestConsole(t *testing.T) {
	t.Parallel()
	const elsewhere = "[profile plain]\nregion = eu-west-1\n[profile tool]\ncredential_process = x\nmfa_serial = arn:aws:iam::111111111111:mfa/path/a_b\n"
	for _, tt := range []struct {
		name, keys string
		r          Request
		want       string // the last step
	}{
		{name: "a role opens it", keys: "security", r: Request{Profile: "dev", Console: OpensConsole}, want: "assume the role"},
		{name: "a role, federated: no difference", keys: "security", r: Request{Profile: "dev", Console: Federated}, want: "assume the role"},
		{name: "a user", keys: "security", r: Request{Profile: "security", Console: Federated}, want: "gruntwork 1h0m0s us-west-2"},
		{name: "for longer", keys: "security", r: Request{Profile: "security", Console: Federated, Env: map[string]string{"AWS_FEDERATION_TOKEN_TTL": "20h"}}, want: "gruntwork 20h0m0s us-west-2"},
		{name: "a user without a device", keys: "plain", r: Request{Profile: "plain", Console: OpensConsole, Env: map[string]string{"AWS_MFA_SERIAL": ""}}, want: "plain 1h0m0s eu-west-1"},
		{name: "a program's session", r: Request{Profile: "tool", Console: OpensConsole}, want: "run the credential_process"},
		{name: "a program's key", r: Request{Profile: "tool", Console: Federated}, want: "a_b 1h0m0s us-east-1"},
		{name: "the environment's session", r: Request{Console: OpensConsole}, want: "take the credentials"},
		{name: "the environment's key", r: Request{Console: Federated}, want: "environment 1h0m0s us-east-1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := page + elsewhere
			if tt.keys != "security" {
				config = elsewhere
			}
			c, err := Resolve(parsed(t, config), source.Kinds(), keyOf(tt.keys), nil, tt.r)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			switch last := c.Steps[len(c.Steps)-1].(type) {
			case source.FederationToken:
				got = last.Name + " " + last.Lifetime.String() + " " + last.Endpoint.Region
				if last.Policy != source.OwnRights {
					t.Errorf("policy %q", last.Policy)
				}
			case source.AssumeRole:
				got = "assume the role"
			case source.Process:
				got = "run the credential_process"
			case source.Machine:
				got = "take the credentials"
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNoConsole(t *testing.T) {
	t.Parallel()
	_, err := Resolve(parsed(t, page), source.Kinds(), keyOf("security"), nil, Request{Profile: "security", Console: OpensConsole})
	closed := (*NoConsoleError)(nil)
	if !errors.As(err, &closed) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&NoConsoleError{Profile: "security", Account: "123456789012", Partition: "aws"}, closed); diff != "" {
		t.Error(diff)
	}
	for _, r := range []Request{
		{Profile: "security", Console: Federated, Lifetime: 1},
		{Profile: "security", Console: Federated, Policy: Policy{Inline: "x"}},
	} {
		if _, err := Resolve(parsed(t, page), source.Kinds(), keyOf("security"), nil, r); fault.CodeOf(err) != fault.Usage {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

func TestFederationName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ serial, profile, want string }{
		{"arn:aws:iam::111111111111:mfa/a/jane@acme.com", "x", "jane@acme.com"},
		{"GAHT12345678", "my profile (1)", "my-profile--1"},
		{"", "x", "fob-x"},
		{"", "-", "fob-"},
		{"", "a-very-long-name-of-a-profile-with-more-than-32", "a-very-long-name-of-a-profile-wi"},
	} {
		if got := source.FederationName(tt.serial, tt.profile); got != tt.want {
			t.Errorf("%q, %q: %q, want %q", tt.serial, tt.profile, got, tt.want)
		}
	}
}

// Whatever is wrong with the credentials of the environment, no profile without a
// name is to blame.
func TestEnvironmentFaults(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]string{"AWS_ENDPOINT_URL": "nowhere", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "maybe", "AWS_USE_FIPS_ENDPOINT": "maybe"} {
		r := Request{Console: OpensConsole, Env: map[string]string{name: bad, "AWS_REGION": "eu-west-1"}}
		set := parsed(t, "[default]\n")
		_, resolve := Resolve(set, source.Kinds(), keyOf(), nil, r)
		_, _, user := User(set, source.Kinds(), keyOf(), r)
		_, iam := IAM(set, source.Kinds(), keyOf(), r)
		for of, err := range map[string]error{"Resolve": resolve, "User": user, "IAM": iam} {
			if f := (*fault.Error)(nil); !errors.As(err, &f) || f.What != `cannot resolve profile "(environment)"` {
				t.Errorf("%s, %s=%s: %v", of, name, bad, err)
			}
		}
	}
}
