package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/front"

	"github.com/google/go-cmp/cmp"
)

func TestReadAccounts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, file, text string
		want             []listedAccount
		err              string
	}{
		{"generated", "accounts.json", `{"dev":{"deploy_order":0,"id":"345678901234","root_user_email":""},"logs":{"id":"012345678901"}}`, []listedAccount{{"dev", "345678901234"}, {"logs", "012345678901"}}, ""},
		{"flat", "accounts.json", "\xef\xbb\xbf{\"dev\": \"345678901234\", \"root\": \"\"}\n", []listedAccount{{"dev", "345678901234"}, {"root", ""}}, ""},
		{"odd names and values", "accounts.json", `{"a b":{"id":345678901234,"more":{"id":"x"}},"":{"id":null},"c":{}}`, []listedAccount{{"a b", "345678901234"}, {"", ""}, {"c", ""}}, ""},
		{"none", "accounts.json", "{}", nil, ""},
		{"empty", "accounts.json", "", nil, "it ends in the middle of the JSON"},
		{"id in capitals", "accounts.json", `{"dev":{"ID":"1","Id":"2"}}`, []listedAccount{{"dev", ""}}, ""},
		{"two ids", "accounts.json", `{"dev":{"id":"1","id":"2"}}`, nil, `account "dev": its id stands there twice`},
		{"two ids in yaml", "accounts.yml", "dev:\n  id: 1\n  id: 2\n", nil, `account "dev": its id stands there twice`},
		{"two ids in flat yaml", "accounts.yml", "dev: 1\n  id: 2\n", nil, `account "dev": its id stands there twice`},
		{"cut", "accounts.json", `{"dev":{"id":"3456`, nil, "it ends in the middle of the JSON"},
		{"lost zero", "accounts.json", "{\n\"logs\":{\"id\":012345678901}}", nil, "line 2 is no JSON"},
		{"list", "accounts.json", `[]`, nil, "it is not an object"},
		{"list of ids", "accounts.json", `{"dev":["345678901234"]}`, nil, `account "dev": it is not an object`},
		{"two objects", "accounts.json", `{} {}`, nil, "something stands behind"},
		{"twice", "accounts.json", `{"dev":"1","dev":"2"}`, nil, `the account "dev" stands there twice`},
		{"template", "accounts.json", `{"dev":{{ .id }}}`, nil, "template"},
		{"yaml", "accounts.yml", "---\n# all\ndev:\n  deploy_order: 1\n  id: \"345678901234\"\n\nlogs:\n    email: a@b.c\n    id: 012345678901 # a zero\n'a: b':\r\n  id: '1'\r\n", []listedAccount{{"dev", "345678901234"}, {"logs", "012345678901"}, {"a: b", "1"}}, ""},
		{"flat yaml", "accounts.yaml", "dev: 345678901234\nroot:\n", []listedAccount{{"dev", "345678901234"}, {"root", ""}}, ""},
		{"nested id", "accounts.yml", "dev:\n  more:\n    id: 1\n  id: 2\n", []listedAccount{{"dev", "2"}}, ""},
		{"yaml that is JSON", "accounts.yml", `{"dev":"345678901234"}`, []listedAccount{{"dev", "345678901234"}}, ""},
		{"yaml template", "accounts.yml", "{{ range .accounts }}\ndev:\n", nil, "template"},
		{"yaml template inside", "accounts.yml", "dev:\n  id: {{ .id }}\n", nil, "line 2"},
		{"anchor", "accounts.yml", "dev: &a\n  id: 1\nlogs:\n  <<: *a\n", nil, "line 1"},
		{"merge", "accounts.yml", "dev:\n  id: 1\n  <<: x\n", nil, "line 3"},
		{"flow map", "accounts.yml", "dev: {id: \"345678901234\"}\n", nil, "line 1"},
		{"block", "accounts.yml", "dev:\n  id: |\n    1\n", nil, "line 2"},
		{"yaml list", "accounts.yml", "- dev\n", nil, "line 1"},
		{"indented first", "accounts.yml", "  id: 1\n", nil, "line 1"},
		{"tab", "accounts.yml", "dev:\n\tid: 1\n", nil, "line 2"},
		{"text", "accounts.yml", "hello\n", nil, "line 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := readAccounts(front.Found{Path: tc.file, Text: []byte(tc.text)})
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("got %v, want %q", err, tc.err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(listedAccount{})); tc.err == "" && diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Five hundred accounts are read, the last one too.
func TestReadManyAccounts(t *testing.T) {
	t.Parallel()
	var all []string
	for i := range 500 {
		all = append(all, fmt.Sprintf(`"a%d":{"id":"%012d"}`, i, i))
	}
	got, err := readAccounts(front.Found{Path: "accounts.json", Text: []byte("{" + strings.Join(all, ",\n") + "}")})
	if err != nil || len(got) != 500 || got[499] != (listedAccount{"a499", "000000000499"}) {
		t.Errorf("%d, %v", len(got), err)
	}
}

func FuzzReadAccounts(f *testing.F) {
	f.Add("accounts.json", `{"dev":{"id":"345678901234"}}`)
	f.Add("accounts.yml", "dev:\n  id: '345678901234'\n\"a\": \"b\"\n")
	f.Add("account.hcl", "locals {\n account_id = \"1\" # x\n}\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		found := front.Found{Path: name, Text: []byte(text)}
		all, err := readAccounts(found)
		if err != nil && all != nil {
			t.Errorf("an error and %v", all)
		}
		_, _ = readAccountHCL(found)
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
		{"hcl without an id", "/live/dev", "/live/dev", `account_name = "dev"`, "", account{}, "neither account.hcl with an account_id"},
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
