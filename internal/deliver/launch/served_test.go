package launch

import (
	"testing"

	"fob/internal/cred"

	"github.com/google/go-cmp/cmp"
)

// A child with an endpoint has no key, nothing of another identity, and asks IMDS
// although its caller's environment forbids that.
func TestServedEnviron(t *testing.T) {
	t.Parallel()
	before := []string{
		"PATH=/bin", "AWS_ACCESS_KEY_ID=AKIACANARY", "AWS_SECRET_ACCESS_KEY=CANARY", "AWS_SESSION_TOKEN=CANARY", "AWS_PROFILE=x",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN=CANARY", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://[fd00::1]/", "FOB_PASSPHRASE=CANARY",
	}
	settings := Settings{Profile: "dev", Region: "us-west-2"}
	common := []string{"AWS_REGION=us-west-2", "AWS_DEFAULT_REGION=us-west-2", "AWS_VAULT=dev", "FOB_PROFILE=dev", "FOB_REGION=us-west-2"}
	got := ServedEnviron(before, settings, Endpoint{URL: "http://127.0.0.1:1/credentials", Token: cred.NewSecret("CANARY-token"), TokenFile: "/run/x"})
	want := append(append([]string{"PATH=/bin", "AWS_EC2_METADATA_DISABLED=true", "AWS_EC2_METADATA_DISABLED=true"}, common...),
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN=CANARY-token", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/run/x")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("container (-want +got):\n%s", diff)
	}
	got = ServedEnviron(before, settings, Endpoint{URL: "http://127.0.0.1:1/", Metadata: true})
	want = append(append([]string{"PATH=/bin"}, common...), "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1/")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("IMDS (-want +got):\n%s", diff)
	}
}
