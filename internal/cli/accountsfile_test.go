package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/front"

	"github.com/google/go-cmp/cmp"
)

func FuzzReadAccountHCL(f *testing.F) {
	f.Add("locals {\n account_id = \"1\" # x\n}\n")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = readAccountHCL(front.Found{Path: "account.hcl", Text: []byte(text)})
	})
}

func TestAccountOf(t *testing.T) {
	t.Parallel()
	const all = `{"dev":{"id":"345678901234"},"logs":{"id":"012345678901"}}`
	for _, tc := range []struct {
		name, dir, hclDir, hcl, accounts string
		want                             account
		err                              string
	}{
		{"folder", "/live/dev/us/vpc", "", "", all, account{"345678901234", "dev", "/live/accounts.json", "/live/dev"}, ""},
		{"the folder itself", "/live/logs", "", "", all, account{"012345678901", "logs", "/live/accounts.json", "/live/logs"}, ""},
		{"above the folders", "/live", "", "", all, account{}, "belongs to no account"},
		{"not in it", "/live/_envcommon/x", "", "", all, account{}, `has no account "_envcommon": it has "dev", "logs"`},
		{"hcl alone", "/live/prod/us", "/live/prod", "locals {\n  aws_account_id = \"345678901234\" # c\n}", "", account{"345678901234", "", "/live/prod/account.hcl", "/live/prod"}, ""},
		{"hcl with a number", "/live/prod", "/live/prod", "account_id=345678901234 // c", "", account{"345678901234", "", "/live/prod/account.hcl", "/live/prod"}, ""},
		{"hcl agrees", "/live/dev/us", "/live/dev", "account_name = \"dev\"\naccount_id = \"345678901234\"", all, account{"345678901234", "dev", "/live/accounts.json", "/live/dev"}, ""},
		{"hcl names another folder", "/live/development/us", "/live/development", `account_name = "dev"`, all, account{"345678901234", "dev", "/live/accounts.json", "/live/development"}, ""},
		{"hcl computes", "/live/dev/us", "/live/dev", "account_name = \"${local.x}\"\naccount_id = local.accounts[\"dev\"]", all, account{"345678901234", "dev", "/live/accounts.json", "/live/dev"}, ""},
		{"hcl knows one more", "/live/new/us", "/live/new", `account_id = "111111111111"`, all, account{"111111111111", "new", "/live/new/account.hcl", "/live/new"}, ""},
		{"hcl beside all", "/live", "/live", `account_id = "111111111111"`, all, account{"111111111111", "", "/live/account.hcl", ""}, ""},
		{"hcl contradicts", "/live/dev", "/live/dev", `account_id = "111111111111"`, all, account{}, `has the id "111111111111" in`},
		{"hcl contradicts itself", "/live/dev", "/live/dev", "account_id = \"1\"\naws_account_id = \"2\"", all, account{}, `account.hcl:2: aws_account_id is "2", and above it stands "1"`},
		{"hcl with a long comment", "/live/dev", "/live/dev", "/*\naccount_id = \"1\"\n*/", all, account{}, "account.hcl:1"},
		{"hcl of something else", "/live/dev", "/live/dev", "locals {\n  peer = { # {\n    account_id = \"111111111111\"\n  }\n  account_id = \"345678901234\"\n  note = \"{\"\n  account_name = \"dev\"\n}", all, account{"345678901234", "dev", "/live/accounts.json", "/live/dev"}, ""},
		{"hcl with an expression", "/live/dev", "/live/dev", `account_id = "111111111111" == "" ? "1" : "2"`, all, account{"345678901234", "dev", "/live/accounts.json", "/live/dev"}, ""},
		{"placeholder", "/live/dev", "/live/dev", `aws_account_id = "replaceme"`, "", account{}, "which is not twelve digits"},
		{"hcl without an id", "/live/dev", "/live/dev", `account_name = "dev"`, "", account{}, "account.hcl has no account_id"},
		{"short", "/live/a", "", "", `{"a":"12345678901"}`, account{}, "11 digits and not twelve"},
		{"long", "/live/a", "", "", `{"a":"1234567890123"}`, account{}, "not twelve digits"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := front.Place{Dir: filepath.FromSlash(tc.dir)}
			if tc.hclDir != "" {
				p.Account = front.Found{Path: filepath.Join(tc.hclDir, "account.hcl"), Text: []byte(tc.hcl)}
			}
			if tc.accounts != "" {
				p.Accounts = front.Found{Path: filepath.FromSlash("/live/accounts.json"), Text: []byte(tc.accounts)}
			}
			got, err := accountOf(p)
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(account{})); tc.err == "" && filepath.Separator == '/' && diff != "" {
				t.Error(diff)
			}
		})
	}
}
