//go:build unix

package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestTerragruntHostile: something that stands for AWS answers with a session that
// was not asked for, or with half of one. Terragrunt gets nothing, and nothing is
// kept: with the real one the next run is served.
func TestTerragruntHostile(t *testing.T) {
	t.Parallel()
	const good = "arn:aws:sts::123456789012:assumed-role/x/plain"
	for name, answer := range map[string]struct{ arn, id, secret, token, says string }{
		"another account":             {"arn:aws:sts::567890123456:assumed-role/x/plain", "ASIAQQQQQQQQQQQQQQQQ", "CANARY", "CANARY", "the answer is for another role: asked for arn:aws:iam::123456789012:role/x"},
		"another role of the account": {"arn:aws:sts::123456789012:assumed-role/x2/plain", "ASIAQQQQQQQQQQQQQQQQ", "CANARY", "CANARY", "the answer is for another role"},
		"no ARN":                      {"", "ASIAQQQQQQQQQQQQQQQQ", "CANARY", "CANARY", "the answer is for another role"},
		"no key":                      {good, "", "CANARY", "CANARY", ""},
		"no secret":                   {good, "ASIAQQQQQQQQQQQQQQQQ", "", "CANARY", ""},
		"no token":                    {good, "ASIAQQQQQQQQQQQQQQQQ", "CANARY", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.store()
			h.write(roleBehindPlain, ".aws", "config")
			h.write(`{"x": {"id": "123456789012"}}`, "live", "accounts.json")
			h.write("", "live", "x", "terragrunt.hcl")
			asked := 0
			hostile := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked++
				w.Header().Set("Content-Type", "text/xml")
				fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser><Arn>%s</Arn><AssumedRoleId>AROA:plain</AssumedRoleId></AssumedRoleUser>`+
					`<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
					answer.arn, answer.id, answer.secret, answer.token, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
			}))
			defer hostile.Close()
			h.env["AWS_ENDPOINT_URL"], h.env["AWS_EC2_METADATA_DISABLED"] = hostile.URL, "true"
			const ask = "cd live/x && exec fob terragrunt-auth <&-"
			for range 2 {
				got := h.sh(ask)
				if got.status == 0 || got.out != "" || !strings.Contains(got.errors, answer.says) || strings.Contains(got.errors, "CANARY") {
					t.Errorf("got %+v", got)
				}
			}
			if asked != 2 {
				t.Errorf("asked %d times: something was kept of the first", asked)
			}
			h.env["AWS_ENDPOINT_URL"] = h.aws.URL
			if got := h.sh(ask); got.status != 0 || got.errors != "" || !strings.HasPrefix(got.out, `{"awsCredentials": {"ACCESS_KEY_ID": "ASIA`) {
				t.Errorf("with AWS itself: %+v", got)
			}
		})
	}
}
