package profile

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestForSDKs(t *testing.T) {
	t.Parallel()
	const config = `# a comment
[default]
region = us-west-2
output = text
cli_pager = less
retry_mode = standard
s3 =
  max_queue_size = 1
use_fips_endpoint = false
mfa_serial = arn:aws:iam::111111111111:mfa/x
[profile security]
output = json
[profile dev]
source_profile = security
role_arn = arn:aws:iam::222222222222:role/x
duration_seconds = 3600
fob_guard = none
services = local
s3 =
  max_concurrent_requests = 20
  addressing_style = path
[profile sso]
sso_session = corp
sso_account_id = 1
web_identity_token_file = f
aws_access_key_id = CANARY
[sso-session corp]
sso_start_url = https://x
[services local]
s3 =
  endpoint_url = http://127.0.0.1:1
[profile broken
region = x
`
	set, err := Parse("config", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	set.path = "/home/ann/.aws/config"
	line := func(p Profile) string {
		if p.Name == "default" {
			return ""
		}
		return "/usr/bin/fob credential-process " + p.Name
	}
	text, err := set.ForSDKs(line, "")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitN(string(text), "\n", 3)
	want := `[default]
cli_pager = less
output = text
region = us-west-2
retry_mode = standard
s3 =
  max_queue_size = 1
use_fips_endpoint = false

[profile security]
credential_process = /usr/bin/fob credential-process security
output = json
region = us-west-2
use_fips_endpoint = false

[profile dev]
credential_process = /usr/bin/fob credential-process dev
region = us-west-2
s3 =
  max_concurrent_requests = 20
  addressing_style = path
services = local
use_fips_endpoint = false

[profile sso]
credential_process = /usr/bin/fob credential-process sso
region = us-west-2
use_fips_endpoint = false

[services local]
s3 =
  endpoint_url = http://127.0.0.1:1

`
	if diff := cmp.Diff(want, lines[2]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	made, err := Parse("second", text)
	if err != nil || made.Origin() != "/home/ann/.aws/config" || made.Edited() {
		t.Errorf("origin %q, edited %v, %v", made.Origin(), made.Edited(), err)
	}
	for _, other := range []string{config, "", "\n\n", strings.Replace(string(text), "us-west-2", "us-west-1", 1), lines[0], lines[0] + "\n" + lines[1]} {
		made, err := Parse("second", []byte(other))
		if err != nil {
			t.Fatal(err)
		}
		if !made.Edited() {
			t.Errorf("%.40q... is taken for what was made", other)
		}
		if strings.HasPrefix(other, madeFrom) != (made.Origin() != "") {
			t.Errorf("%.40q... has origin %q", other, made.Origin())
		}
	}
}

func TestForSDKsRegion(t *testing.T) {
	t.Parallel()
	set, err := Parse("config", []byte("[profile a]\nregion = x\n\n[profile b]\noutput = json\n\n[profile c]\noutput = text\n"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := set.ForSDKs(func(p Profile) string { return map[string]string{"a": "fob a", "b": "fob b"}[p.Name] }, "y")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(text, []byte("\n"))
	_, rest, _ = bytes.Cut(rest, []byte("\n"))
	want := "[profile a]\ncredential_process = fob a\nregion = x\n\n" +
		"[profile b]\ncredential_process = fob b\noutput = json\nregion = y\n\n" +
		"[profile c]\noutput = text\n\n"
	if string(rest) != want {
		t.Errorf("got\n%s\nwant\n%s", rest, want)
	}
}

func TestForSDKsRefuses(t *testing.T) {
	t.Parallel()
	set, err := Parse("config", []byte("[profile a]\nregion = x\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.ForSDKs(func(Profile) string { return "a\nb" }, ""); err == nil {
		t.Error("a command of two lines")
	}
	set.path = "/a\n[profile evil]"
	if _, err := set.ForSDKs(func(Profile) string { return "" }, ""); err == nil {
		t.Error("a path of two lines")
	}
}
