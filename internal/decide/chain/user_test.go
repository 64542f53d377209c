package chain

import (
	"strings"
	"testing"

	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"

	"github.com/google/go-cmp/cmp"
)

func parsed(t *testing.T, config string) profile.Set {
	t.Helper()
	set, err := profile.Parse("config", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestUser(t *testing.T) {
	t.Parallel()
	hops := page + "[profile far]\nsource_profile = dev\n" + role("222222222222", "far") + "\n"
	onRole := "[profile base]\n[profile t]\nsource_profile = base\nmfa_serial = " + s1 + "\n" + role("222222222222", "admin") + "\n"
	services := "[profile base]\nregion = eu-west-1\nendpoint_url = https://all\nservices = s\n[services s]\niam =\n  endpoint_url = https://iam\n"
	tests := []struct {
		name, config, keys string
		r                  Request
		want, url, region  string
	}{
		{name: "the user's own profile", config: page, keys: "security", r: Request{Profile: "security"},
			want: "security > session 8h0m0s code gruntwork @us-west-2", region: "us-west-2"},
		{name: "a role leads to the key", config: page, keys: "security", r: Request{Profile: "dev"},
			want: "security > session 8h0m0s code gruntwork @us-west-2", region: "us-west-2"},
		{name: "so do several hops", config: hops, keys: "security", r: Request{Profile: "far"},
			want: "security > session 8h0m0s code gruntwork @us-west-2", region: "us-west-2"},
		{name: "the device is named on the role alone", config: onRole, keys: "base", r: Request{Profile: "t"},
			want: "base > session 8h0m0s code one @us-east-1", region: "us-east-1"},
		{name: "no device: the key itself", config: onRole, keys: "base", r: Request{Profile: "base"}, want: "base", region: "us-east-1"},
		{name: "--no-session: the key itself", config: page, keys: "security", r: Request{Profile: "dev", NoSession: true}, want: "security", region: "us-west-2"},
		{name: "a role with a key of its own", config: page, keys: "dev", r: Request{Profile: "dev"},
			want: "dev > session 8h0m0s code gruntwork @us-west-2", region: "us-west-2"},
		{name: "another partition", config: "[profile base]\nmfa_serial = arn:aws-cn:iam::111111111111:mfa/one\n", keys: "base", r: Request{Profile: "base"},
			want: "base > session 8h0m0s code one @cn-north-1", region: "cn-north-1"},
		{name: "IAM's own endpoint", config: services, keys: "base", r: Request{Profile: "base"}, want: "base", url: "https://iam", region: "eu-west-1"},
		{name: "the variable goes before it", config: services, keys: "base", r: Request{Profile: "base", Env: map[string]string{"AWS_ENDPOINT_URL_IAM": "https://here", "AWS_ENDPOINT_URL_STS": "https://sts"}},
			want: "base", url: "https://here", region: "eu-west-1"},
		{name: "and so does the general one", config: services, keys: "base", r: Request{Profile: "base", Env: map[string]string{"AWS_ENDPOINT_URL": "https://any"}},
			want: "base", url: "https://any", region: "eu-west-1"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, iam, err := User(parsed(t, tc.config), source.Kinds(), keyOf(tc.keys), tc.r)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{show(c), iam.URL, iam.Region}
			if diff := cmp.Diff([]string{tc.want, tc.url, tc.region}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The session is the one that the profile's roles share, so a kept one serves.
func TestUserSharesTheSession(t *testing.T) {
	t.Parallel()
	set := parsed(t, page)
	join := func(parts ...string) string { return strings.Join(parts, "|") }
	entered, err := Resolve(set, source.Kinds(), keyOf("security"), nil, Request{Profile: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	user, _, err := User(set, source.Kinds(), keyOf("security"), Request{Profile: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	if Names(entered, "k", join)[0] != Names(user, "k", join)[0] {
		t.Error("the session has another name than the one that roles share")
	}
}

func TestUserWithoutKey(t *testing.T) {
	t.Parallel()
	set := parsed(t, page)
	_, _, err := User(set, source.Kinds(), keyOf(), Request{Profile: "dev"})
	if fault.CodeOf(err) != fault.Config {
		t.Errorf("got %v", err)
	}
}

// Organizations has an address of its own, or that of all services.
func TestOrganizations(t *testing.T) {
	t.Parallel()
	config := "[profile base]\nregion = eu-west-1\nservices = s\n[services s]\norganizations =\n  endpoint_url = https://organizations\n[profile boss]\nsource_profile = base\n" + role("222222222222", "admin") + "\n"
	for _, tc := range []struct {
		name, config string
		env          map[string]string
		want         source.Endpoint
	}{
		{"its section", config, nil, source.Endpoint{Region: "eu-west-1", URL: "https://organizations"}},
		{"its variable", config, map[string]string{"AWS_ENDPOINT_URL_ORGANIZATIONS": "https://here", "AWS_ENDPOINT_URL_IAM": "https://iam"}, source.Endpoint{Region: "eu-west-1", URL: "https://here"}},
		{"all services", config, map[string]string{"AWS_ENDPOINT_URL": "https://any"}, source.Endpoint{Region: "eu-west-1", URL: "https://any"}},
		{"none, and the role's partition", "[profile base]\n[profile boss]\nsource_profile = base\nrole_arn = arn:aws-us-gov:iam::222222222222:role/admin\n", nil, source.Endpoint{Region: "us-gov-west-1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Organizations(parsed(t, tc.config), source.Kinds(), keyOf("base"), Request{Profile: "boss", Env: tc.env})
			got.URLFrom = ""
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
	if _, err := Organizations(parsed(t, config), source.Kinds(), keyOf("base"), Request{Profile: "nobody"}); fault.CodeOf(err) == 0 {
		t.Errorf("got %v", err)
	}
}
