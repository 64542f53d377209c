//go:build unix

package cli

import (
	"strings"
	"testing"

	"fob/internal/decide/profile"
	"fob/internal/front"

	"github.com/google/go-cmp/cmp"
)

// pickConfig has every kind of profile that a choice is made from.
const pickConfig = `[default]
region = us-west-2
mfa_serial = arn:aws:iam::999999999999:mfa/ann
fob_directory = /nowhere
[profile security]
mfa_serial = arn:aws:iam::123456789012:mfa/ann
[profile team]
source_profile = security
[profile dev]
include_profile = team
role_arn = arn:aws:iam::345678901234:role/allow-full-access-from-other-accounts
[profile dev-read-only]
include_profile = team
role_arn = arn:aws:iam::345678901234:role/allow-read-only-access-from-other-accounts
[profile dev-billing]
include_profile = team
role_arn = arn:aws:iam::345678901234:role/paths/of/allow-billing-only-access-from-other-accounts
[profile audit]
source_profile = security
role_arn = arn:aws:iam::012345678901:role/SecurityReadOnly
[profile two-a]
source_profile = security
role_arn = arn:aws:iam::222222222222:role/a
[profile two-b]
source_profile = security
role_arn = arn:aws:iam::222222222222:role/b
[profile two-c]
source_profile = security
role_arn = arn:aws:iam::222222222222:role/ReadOnlyAccess
[profile sdk]
credential_process = fob credential-process dev
mfa_serial = arn:aws:iam::123456789012:mfa/ann
[profile broken]
role_arn = arn:aws:iam::333333333333:role/a
role_arn = arn:aws:iam::333333333333:role/b
[profile map]
source_profile = security
role_arn = arn:aws:iam::444444444444:role/full-access
fob_directory = /map:~/aws/:/map/deep/er
[profile map-reads]
source_profile = security
role_arn = arn:aws:iam::444444444444:role/read-only
fob_directory = /map
[profile map-key]
fob_directory = /keys
[profile inherits]
include_profile = map-key
source_profile = security
role_arn = arn:aws:iam::555555555555:role/x
`

func TestPickProfile(t *testing.T) {
	t.Parallel()
	const all = `{"dev":"345678901234","security":"123456789012","logs":"012345678901","two":"222222222222","broken":"333333333333","x":"555555555555","nines":"999999999999"}`
	set, err := profile.Parse("~/.aws/config", []byte(pickConfig))
	if err != nil {
		t.Fatal(err)
	}
	role := func(name string) front.Choice { return front.Choice{Role: name} }
	reads := front.Choice{ReadOnly: true}
	for _, tc := range []struct {
		dir         string
		choice      front.Choice
		want, below string
		err         string
	}{
		{"/live/dev/vpc", front.Choice{}, "dev", "/live/dev", ""},
		{"/live/dev/vpc", reads, "dev-read-only", "/live/dev", ""},
		{"/live/dev/vpc", role("allow-billing-only-access-from-other-accounts"), "dev-billing", "/live/dev", ""},
		{"/live/dev/vpc", role("allow-billing"), "", "", `none of its profiles has the role "allow-billing"`},
		{"/live/security", front.Choice{}, "security", "/live/security", ""},
		{"/live/security", reads, "", "", "named read-only: \"security\" (a user, no role)"},
		{"/live/logs", front.Choice{}, "audit", "/live/logs", ""},
		{"/live/logs", reads, "audit", "/live/logs", ""},
		{"/live/two", front.Choice{}, "", "", `2 profiles fit: "two-a" (a), "two-b" (b)`},
		{"/live/two", reads, "two-c", "/live/two", ""},
		{"/live/two", role("b"), "two-b", "/live/two", ""},
		{"/live/broken", front.Choice{}, "", "", "no profile in ~/.aws/config has a role_arn of that account"},
		{"/live/nines", front.Choice{}, "", "", "no profile in ~/.aws/config has a role_arn of that account"},
		{"/live/x", front.Choice{}, "inherits", "/live/x", ""},
		{"/map", front.Choice{}, "map", "", ""},
		{"/map/a", reads, "map-reads", "", ""},
		{"/map/deep/er/a", front.Choice{}, "map", "/map/deep/er", ""},
		{"/map/deep/er/a", reads, "", "", `none of its profiles has a role that is named read-only: "map" (full-access)`},
		{"/mapped", front.Choice{}, "", "", "cannot tell the account"},
		{"/home/ann/aws/a", front.Choice{}, "map", "/home/ann/aws", ""},
		{"/keys/a", front.Choice{}, "map-key", "/keys", ""},
		{"/nowhere", front.Choice{}, "default", "/nowhere", ""},
	} {
		p := front.Place{Dir: tc.dir}
		if strings.HasPrefix(tc.dir, "/live/") {
			p.Accounts = front.Found{Path: "/live/accounts.json", Text: []byte(all)}
		}
		got, err := pickProfile(set, p, "/home/ann", tc.choice)
		if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
			t.Errorf("%s, %+v: %v, want %q", tc.dir, tc.choice, err, tc.err)
			continue
		}
		if diff := cmp.Diff([]string{tc.want, tc.below}, []string{got.profile, got.below}); err == nil && diff != "" {
			t.Errorf("%s, %+v: %s", tc.dir, tc.choice, diff)
		}
	}
}
