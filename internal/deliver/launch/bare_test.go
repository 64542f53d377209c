package launch

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBare(t *testing.T) {
	t.Parallel()
	got := Bare([]string{
		"PATH=/bin", "FOB_PASSPHRASE=CANARY", "AWS_VAULT_FILE_PASSPHRASE=CANARY", "FOB_FRONT_VERSION=1", "AWS_ACCESS_KEY_ID=AKIACANARY",
		"AWS_SECRET_ACCESS_KEY=CANARY", "AWS_SESSION_TOKEN=CANARY", "AWS_SECURITY_TOKEN=CANARY", "AWS_CONTAINER_AUTHORIZATION_TOKEN=CANARY",
		"AWS_PROFILE=dev", "AWS_REGION=eu-west-1", "FOB_REGION=eu-west-1", "AWS_ENDPOINT_URL=http://127.0.0.1:1",
		"FOB_PLAYGROUND_URL=http://127.0.0.1:1", "DISPLAY=:0", "=C:=C:\\", "odd",
	})
	want := []string{"PATH=/bin", "AWS_ENDPOINT_URL=http://127.0.0.1:1", "FOB_PLAYGROUND_URL=http://127.0.0.1:1", "DISPLAY=:0", "=C:=C:\\", "odd"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
