package refarch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Who needs one account of a file is not kept from it by another one.
func TestListAccounts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, file, text string
		want             []Account
		err              string
	}{
		{"generated", "accounts.json", `{"dev":{"deploy_order":0,"id":"345678901234","root_user_email":""},"logs":{"id":"012345678901"}}`, []Account{{Name: "dev", ID: "345678901234"}, {Name: "logs", ID: "012345678901"}}, ""},
		{"flat", "accounts.json", "\xef\xbb\xbf{\"dev\": \"345678901234\", \"root\": \"\"}\n", []Account{{Name: "dev", ID: "345678901234"}, {Name: "root", ID: ""}}, ""},
		{"odd names and values", "accounts.json", `{"a b":{"id":345678901234,"more":{"id":"x"}},"":{"id":null},"c":{}}`, []Account{{Name: "a b", ID: "345678901234"}, {Name: "", ID: ""}, {Name: "c", ID: ""}}, ""},
		{"none", "accounts.json", "{}", nil, ""},
		{"empty", "accounts.json", "", nil, "accounts.json: it holds no accounts"},
		{"id in capitals", "accounts.json", `{"dev":{"ID":"1","Id":"2"}}`, []Account{{Name: "dev", ID: ""}}, ""},
		{"two ids", "accounts.json", `{"dev":{"id":"1","id":"2"}}`, nil, `accounts.json:1: "id" stands twice, first on line 1`},
		{"two ids in yaml", "accounts.yml", "dev:\n  id: 1\n  id: 2\n", nil, `accounts.yml:3: "id" stands twice, first on line 2`},
		{"two ids in flat yaml", "accounts.yml", "dev: 1\n  id: 2\n", nil, "accounts.yml:1: it is no YAML"},
		{"cut", "accounts.json", `{"dev":{"id":"3456`, nil, "accounts.json:1: the JSON ends too early"},
		{"lost zero", "accounts.json", "{\n\"logs\":{\"id\":012345678901}}", nil, "accounts.json:2: it is no JSON"},
		{"list", "accounts.json", `[]`, nil, "accounts.json: it holds no accounts"},
		{"list of ids", "accounts.json", `{"dev":["345678901234"]}`, nil, `accounts.json:1: the id of account "dev" is no text`},
		{"two objects", "accounts.json", `{} {}`, nil, "accounts.json:1: there is text after the end of the JSON"},
		{"twice", "accounts.json", `{"dev":"1","dev":"2"}`, nil, `accounts.json:1: "dev" stands twice, first on line 1`},
		{"accounts.json:1: it is a template", "accounts.json", `{"dev":{{ .id }}}`, nil, "accounts.json:1: it is a template"},
		{"yaml", "accounts.yml", "---\n# all\ndev:\n  deploy_order: 1\n  id: \"345678901234\"\n\nlogs:\n    email: a@b.c\n    id: 012345678901 # a zero\n'a: b':\r\n  id: '1'\r\n", []Account{{Name: "dev", ID: "345678901234"}, {Name: "logs", ID: "012345678901"}, {Name: "a: b", ID: "1"}}, ""},
		{"flat yaml", "accounts.yaml", "dev: 345678901234\nroot:\n", []Account{{Name: "dev", ID: "345678901234"}, {Name: "root", ID: ""}}, ""},
		{"nested id", "accounts.yml", "dev:\n  more:\n    id: 1\n  id: 2\n", []Account{{Name: "dev", ID: "2"}}, ""},
		{"yaml that is JSON", "accounts.yml", `{"dev":"345678901234"}`, []Account{{Name: "dev", ID: "345678901234"}}, ""},
		{"yaml template", "accounts.yml", "{{ range .accounts }}\ndev:\n", nil, "accounts.yml:1: it is a template"},
		{"yaml template inside", "accounts.yml", "dev:\n  id: {{ .id }}\n", nil, "accounts.yml:2: it is a template"},
		{"anchor", "accounts.yml", "dev: &a\n  id: 1\nlogs:\n  <<: *a\n", nil, "accounts.yml:1: anchors, aliases"},
		{"merge", "accounts.yml", "dev:\n  id: 1\n  <<: x\n", nil, "accounts.yml:3: a key is no word"},
		{"flow map", "accounts.yml", "dev: {id: \"345678901234\"}\n", []Account{{Name: "dev", ID: "345678901234"}}, ""},
		{"block", "accounts.yml", "dev:\n  id: |\n    1\n", []Account{{Name: "dev", ID: "1"}}, ""},
		{"yaml list", "accounts.yml", "- dev\n", nil, "accounts.yml:1: an entry of the list has no Name"},
		{"indented first", "accounts.yml", "  id: 1\n", []Account{{Name: "id", ID: "1"}}, ""},
		{"tab", "accounts.yml", "dev:\n\tid: 1\n", nil, "accounts.yml:2: it is no YAML"},
		{"text", "accounts.yml", "hello\n", nil, "accounts.yml:1: it holds no accounts"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := ListAccounts(tc.file, []byte(tc.text))
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("got %v, want %q", err, tc.err)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(Account{}, "Line")); tc.err == "" && diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Five hundred accounts are read, the last one too.
func TestListManyAccounts(t *testing.T) {
	t.Parallel()
	var all []string
	for i := range 500 {
		all = append(all, fmt.Sprintf(`"a%d":{"id":"%012d"}`, i, i))
	}
	got, err := ListAccounts("accounts.json", []byte("{"+strings.Join(all, ",\n")+"}"))
	if err != nil || len(got) != 500 || got[499] != (Account{Name: "a499", ID: "000000000499", Line: 500}) {
		t.Errorf("%d %v, %v", len(got), got[len(got)-1:], err)
	}
}
