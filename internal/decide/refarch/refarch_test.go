package refarch

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fob/internal/decide/profile"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// generated is accounts.json as the Reference Architecture makes it.
const generated = `{
  "dev":      {"deploy_order": 1, "id": "345678901234", "root_user_email": ""},
  "logs":     {"deploy_order": 5, "id": "012345678901", "root_user_email": ""},
  "prod":     {"deploy_order": 3, "id": "567890123456", "root_user_email": "root+prod@acme.com"},
  "security": {"deploy_order": 5, "id": "123456789012", "root_user_email": ""},
  "shared":   {"deploy_order": 4, "id": "234567890123", "root_user_email": ""},
  "stage":    {"deploy_order": 2, "id": "456789012345", "root_user_email": ""}
}
`

// seed is the config of the architecture's own page.
const seed = `[default]
region=us-west-2
[profile security]
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
[profile dev]
source_profile = security
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
role_arn = arn:aws:iam::345678901234:role/allow-full-access-from-other-accounts
[profile logs]
source_profile = security
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
role_arn = arn:aws:iam::012345678901:role/allow-full-access-from-other-accounts
[profile prod]
source_profile = security
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
role_arn = arn:aws:iam::567890123456:role/allow-full-access-from-other-accounts
[profile shared]
source_profile = security
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
role_arn = arn:aws:iam::234567890123:role/allow-full-access-from-other-accounts
[profile stage]
source_profile = security
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
role_arn = arn:aws:iam::456789012345:role/allow-full-access-from-other-accounts
`

const serial = "arn:aws:iam::123456789012:mfa/gruntwork"

func six(t testing.TB) Accounts {
	t.Helper()
	a, err := ParseAccounts("accounts.json", []byte(generated))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func parse(t testing.TB, text string) profile.Set {
	t.Helper()
	set, err := profile.Parse("~/.aws/config", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// settings are all settings of all profiles, without where they stand.
func settings(t testing.TB, set profile.Set) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for _, name := range set.Names() {
		own, err := set.Section(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = map[string]string{}
		for _, key := range own.Keys() {
			all[name][key] = own.Value(key)
		}
	}
	return all
}

func TestParseAccounts(t *testing.T) {
	t.Parallel()
	want := []Account{{Name: "dev", ID: "345678901234"}, {Name: "logs", ID: "012345678901"}}
	for name, text := range map[string]string{
		"generated":            `{"logs":{"deploy_order":0,"id":"012345678901","root_user_email":""},"dev":{"id":"345678901234"}}`,
		"flat":                 `{"dev":"345678901234","logs":"012345678901"}`,
		"a number of 12":       `{"dev":345678901234,"logs":"012345678901"}`,
		"byte order mark":      "\ufeff" + `{"dev":"345678901234","logs":"012345678901"}`,
		"yaml":                 "# ${not} a template\ndev:\n  id: \"345678901234\"\n  email: a@b\nlogs: {id: '012345678901', disable_macie: true}\n",
		"yaml without quotes":  "dev:\n  id: 345678901234\nlogs:\n  id: 012345678901\n",
		"yaml flat, CRLF":      "---\r\ndev: \"345678901234\"\r\nlogs: \"012345678901\"\r\n",
		"organizations":        `{"Accounts":[{"Id":"345678901234","Arn":"arn:aws:organizations::1:account/o-1/345678901234","Name":"Dev","Status":"ACTIVE"},{"Id":"012345678901","Name":"Logs","State":"ACTIVE"}]}`,
		"organizations, query": `[{"Id":"345678901234","Name":"dev"},{"Id":"012345678901","Name":"logs"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseAccounts("f", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.List, cmpopts.IgnoreFields(Account{}, "Line")); diff != "" {
				t.Error(diff)
			}
		})
	}
	got, err := ParseAccounts("f", []byte(`{"Accounts":[{"Id":"345678901234","Name":"Log  Archive"},{"Id":"012345678901","Name":"old","Status":"SUSPENDED"},{"Id":"012345678902","Name":"new","State":"PENDING_ACTIVATION","Status":"ACTIVE"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Accounts{File: "f", List: []Account{{"log-archive", "345678901234", 1}}, Skipped: []string{"old", "new"}}, got); diff != "" {
		t.Error(diff)
	}
}

// Each mistake is told with the line where it can be mended.
func TestParseAccountsRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                             "f: it holds no accounts",
		"{}":                           "f: it holds no accounts",
		"[]":                           "f: it holds no accounts",
		"dev":                          "f:1: it holds no accounts",
		"{\"dev\":\n{\"email\":\"\"}}": `f:1: account "dev" has no id`,
		"{\"dev\":\n\"\"}":             `f:2: the id of account "dev" is empty`,
		"dev:\n  id:\n":                `f:2: the id of account "dev" is empty`,
		"dev: 1\ndev: 2\n":             `f:2: "dev" stands twice, first on line 1`,
		"{\"dev\":\"345678901234\",\n\"dev\":\"345678901235\"}":         `f:2: "dev" stands twice, first on line 1`,
		"{\"dev\":{\"id\":\"345678901234\",\n\"id\":\"1\"}}":            `f:2: "id" stands twice, first on line 1`,
		"{\"dev\":\"345678901234\",\n\"prod\":\"345678901234\"}":        `f:2: accounts "dev" and "prod" have the same id 345678901234`,
		"logs:\n  id: 12345678901\n":                                    `f:2: the id of account "logs" has 11 digits: a zero in front was lost, as happens to numbers`,
		"{\"logs\":\n12345678901}":                                      `f:2: the id of account "logs" has 11 digits: a zero in front was lost, as happens to numbers`,
		"logs:\n  id: 1.2345678901e+10\n":                               `f:2: the id of account "logs" "1.2345678901e+10" is not 12 digits`,
		"logs: 1234-5678-9012\n":                                        `f:1: the id of account "logs" "1234-5678-9012" has dashes in it`,
		"logs: <LOGS_ACCOUNT_ID>\n":                                     `f:1: the id of account "logs" "<LOGS_ACCOUNT_ID>" is not 12 digits`,
		"logs: [1]\n":                                                   `f:1: the id of account "logs" is no text`,
		"a: {id: '345678901234'}\n#%{~ for name, id in account_ids }\n": `f:2: it is a template that is not rendered, or only by half: "#%{~ for name, id in account_ids }"`,
		"a: '345678901234'\n${name}: '${id}'\n":                         `f:2: it is a template that is not rendered, or only by half: "${name}: '${id}'"`,
		"{\"dev\": \"{{ .id }}\"}":                                      `f:1: it is a template that is not rendered, or only by half: "{{ .id }}\"}"`,
		"{\"../x\":\"345678901234\"}":                                   `f:1: the account name "../x" is no name of a folder`,
		"{\"..\":\"345678901234\"}":                                     `f:1: the account name ".." is no name of a folder`,
		"{\"-x\":\"345678901234\"}":                                     `f:1: the account name "-x" begins with -`,
		"{\"a b\":\"345678901234\"}":                                    `f:1: the account name "a b" holds white space or characters that cannot be seen`,
		"{\"a\\nb\":\"345678901234\"}":                                  `f:1: the account name "a\nb" holds white space or characters that cannot be seen`,
		"{\"a\u202eb\":\"345678901234\"}":                               "f:1: the account name \"a\\u202eb\" holds white space or characters that cannot be seen",
		"{\"\":\"345678901234\"}":                                       `f:1: the account name "" is empty`,
		"{\"a]\":\"345678901234\"}":                                     `f:1: the account name "a]" cannot be that of a profile: the name holds a bracket`,
		"{\"a'b\":\"345678901234\"}":                                    `f:1: the account name "a'b" holds a character that does not belong into a name`,
		"{\"default\":\"345678901234\"}":                                `f:1: the account name "default" is that of the section [default], which holds what all profiles share`,
		"{\"" + strings.Repeat("a", 129) + "\":\"345678901234\"}":       "f:1: the account name " + profile.Shown(strings.Repeat("a", 129)) + " has more than 128 bytes",
		"{\"dev\":\"345678901234\"":                                     `f:1: the JSON ends too early`,
		"{\"dev\":\n\"345678901234\",}":                                 `f:2: it is no JSON`,
		"{\"dev\":\"345678901234\"}\n{}":                                `f:2: there is text after the end of the JSON`,
		"a: 1\n\tb: 2\n":                                                `f:2: it is no YAML`,
		"a: '345678901234'\n---\nb: '345678901235'\n":                   `f:3: a second document begins`,
		"a: &x '345678901234'\nb: *x\n":                                 `f:1: anchors, aliases and the like are not read in an accounts file`,
		"<<: {a: '345678901234'}\n":                                     `f:1: a key is no word`,
		"a\x00b":                                                        `f: the file is not UTF-8 text`,
		"\xff\xfe{\x00":                                                 `f: the file is not UTF-8 text`,
		"{\"Accounts\":\n[], \"NextToken\": \"x\"}":                     `f:2: it is one page of several: NextToken is set`,
		"[{\"Name\":\"x\"}]":                                            `f:1: account "x" has no Id`,
		"[1]":                                                           `f:1: an entry of the list has no Name`,
		"[{\"Name\":\"A b\",\"Id\":\"345678901234\"},\n{\"Name\":\"a-b\",\"Id\":\"345678901235\"}]": `f:2: "a-b" stands twice, first on line 1`,
		"- group_name: _account.dev-full-access\n":                                                  `f:1: it lists the groups of accounts, not the accounts`,
		"---\n- group_name: \"_account.dev-full-access\"\n  iam_role_arns:\n    - \"arn:aws:iam::345678901234:role/allow-full-access-from-other-accounts\"\n#%{ endfor ~}\n": `f:5: it is a template that is not rendered, or only by half: "#%{ endfor ~}"`,
		"{\"logs\":\n{\"id\": 012345678901}}":                   `f:2: it is no JSON: a number cannot begin with a zero`,
		"{\"dev\":\"345678901234\",\n\"logs\":\"0123":           `f:2: the JSON ends too early`,
		"{\"dev\":\"345678901234\"\n\"logs\":\"012345678901\"}": `f:2: it is no JSON`,
		"{\"dev\":{\"id\":\"345678901234\"},}":                  `f:1: it is no JSON`,
		"{\"dev\":'345678901234'}":                              `f:1: it is no JSON`,
		"{\"dev\":\"${dev_id}\"}":                               `f:1: it is a template that is not rendered, or only by half: "${dev_id}\"}"`,
		"{\"dev\":\"<%= id %>\"}":                               `f:1: it is a template that is not rendered`,
		"dev:\n  id: {{ .DevID }}\n":                            `f:2: it is a template that is not rendered`,
		"dev:\n  id: 345678901234\nlogs\n":                      `f:3: it is no YAML`,
		"<html><body>Sign in</body></html>":                     `f:1: it holds no accounts`,
		"{\"a\\\\b\":\"345678901234\"}":                         `f:1: the account name "a\\b" is no name of a folder`,
		"{\"a\":\"3456789012345\"}":                             `f:1: the id of account "a" "3456789012345" is not 12 digits`,
		"{\"a\":\"12345678\"}":                                  `f:1: the id of account "a" "12345678" is not 12 digits`,
		"{\"a\":[\"345678901234\"]}":                            `f:1: the id of account "a" is no text`,
		"{\"a\":true}":                                          `f:1: the id of account "a" "true" is not 12 digits`,
		strings.Repeat("[", 1000):                               `f:1: values stand too deep inside each other for an accounts file`,
		"a: " + strings.Repeat("[", 1000):                       `f:1: values stand too deep inside each other for an accounts file`,
		strings.Repeat("- ", 2000):                              `f:1: the line is too long for an accounts file`,
		strings.Repeat("- ", 500):                               `f:1: values stand too deep inside each other for an accounts file`,
		strings.Repeat("#\n", largestYAML):                      `f: the file is larger than an accounts file can be`,
		"{" + strings.Repeat("\n", LargestFile) + "}":           `f: the file is larger than an accounts file can be`,
	} {
		_, err := ParseAccounts("f", []byte(text))
		bad := (*Error)(nil)
		if !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60q: got %v, want %s", text, err, want)
		} else if len(bad.Next) == 0 || bad.Next[0] == "" {
			t.Errorf("%.60q: %v, and what to do is not said", text, err)
		}
	}
}

// many is an accounts file of n accounts.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "account-%04d:\n  id: \"%012d\"\n  email: aws+%d@acme.com\n", i, i, i)
	}
	return b.String()
}

// 500 accounts with two roles each are read, planned, planned again, changed and
// pruned.
func TestManyAccounts(t *testing.T) {
	t.Parallel()
	start := time.Now()
	a, err := ParseAccounts("f", []byte(many(500)))
	if err != nil || len(a.List) != 500 {
		t.Fatal(len(a.List), err)
	}
	w := Wanted{Source: "security", Serial: serial, Grants: Every(a, "security", Naming{}, []string{FullAccess, "read-only"})}
	plan, err := Make(parse(t, ""), w)
	if err != nil || len(plan.Changes) != 1001 {
		t.Fatal(len(plan.Changes), err)
	}
	again, err := Make(parse(t, string(plan.Text)), w)
	if err != nil || again.Changed() || string(again.Text) != string(plan.Text) {
		t.Fatal(len(again.Changes), err)
	}
	// Another device for all, and half of the profiles gone: each of a thousand
	// edits does not read the file anew.
	w.Serial, w.Prune, w.Grants = serial+"2", true, Every(a, "security", Naming{}, []string{FullAccess})
	less, err := Make(parse(t, string(plan.Text)), w)
	if err != nil || len(less.Changes) != 1001 || len(settings(t, parse(t, string(less.Text)))) != 501 {
		t.Fatal(len(less.Changes), err)
	}
	t.Log(time.Since(start))
}

// The seed config comes out setting for setting.
func TestSeedConfig(t *testing.T) {
	t.Parallel()
	a := six(t)
	w := Wanted{Source: "security", Serial: serial, Region: "us-west-2", Grants: Every(a, "security", Naming{}, []string{FullAccess})}
	plan, err := Make(parse(t, ""), w)
	if err != nil {
		t.Fatal(err)
	}
	got, want := parse(t, string(plan.Text)), parse(t, seed)
	if diff := cmp.Diff(settings(t, want), settings(t, got)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want.Names(), got.Names()); diff != "" {
		t.Error(diff)
	}
	// On the seed itself there is nothing to do, and no byte is another one.
	if plan, err = Make(want, w); err != nil || plan.Changed() || string(plan.Text) != seed || len(plan.Changes) != 0 {
		t.Errorf("%+v, %v", plan.Changes, err)
	}
}

func TestMake(t *testing.T) {
	t.Parallel()
	a := six(t)
	w := Wanted{Source: "security", Serial: serial, Grants: []Grant{{a.List[0], FullAccess, "allow-full-access-from-other-accounts"}}}
	arn := "arn:aws:iam::345678901234:role/allow-full-access-from-other-accounts"
	const mine = "# mine\n\n[profile security]\r\nregion = eu-west-1 # stays\n\n[profile other]\nsource_profile = security\n"
	dev := "\n[profile dev]\n# written by fob configure\nsource_profile = security\nmfa_serial = " + serial + "\nrole_arn = " + arn + "\n"
	gone := func(name, old, with string) string {
		return strings.Replace(strings.Replace(dev, "[profile dev]", "[profile "+name+"]", 1), old, with, 1)
	}
	kept := "[profile security]\nmfa_serial = " + serial + "\n" + dev + gone("above", "# written", "# mine\n# written") + gone("within", "role_arn", "# duration_seconds = 900\nrole_arn") +
		gone("beside", arn, arn+" # mine") + gone("header", "]", "] # mine") + gone("needed", "", "") + "[profile mine]\nsource_profile = needed\n"
	for _, row := range []struct {
		name, before, after string
		change              func(*Wanted)
		want                []Change
		stale               []string
	}{
		{
			name: "the source gets its device, other bytes stay", before: mine,
			after: strings.Replace(mine, "# stays\n", "# stays\nmfa_serial = "+serial+"\n", 1) + dev,
			want: []Change{
				{"security", Set, []SettingChange{{"mfa_serial", "", serial}}, "~/.aws/config:3", ""},
				{"dev", Add, []SettingChange{{"source_profile", "", "security"}, {"mfa_serial", "", serial}, {"role_arn", "", arn}}, "", Note},
			},
		},
		{
			name:   "what a person wrote is left",
			before: "[profile security]\nmfa_serial = x\nregion = y\n[profile dev]\nrole_arn = mine\n", after: "[profile security]\nmfa_serial = x\nregion = y\n[profile dev]\nrole_arn = mine\n",
			want: []Change{
				{"security", Leave, []SettingChange{{"mfa_serial", "x", serial}}, "~/.aws/config:1", ""},
				{"dev", Leave, []SettingChange{{"source_profile", "", "security"}, {"mfa_serial", "", serial}, {"role_arn", "mine", arn}}, "~/.aws/config:4", ""},
			},
		},
		{
			name:   "what fob add wrote is taken over",
			before: "[profile security]\nmfa_serial = x\n" + dev, after: "[profile security]\nmfa_serial = " + serial + "\n" + dev,
			want: []Change{{"security", Set, []SettingChange{{"mfa_serial", "x", serial}}, "~/.aws/config:1", ""}},
		},
		{
			name:   "what bears the note is brought up to date, more settings stay",
			before: "[profile security]\nmfa_serial = " + serial + "\n[profile dev]\nsource_profile = security\n  # written by fob configure\nduration_seconds = 900\nmfa_serial = " + serial + "\nrole_arn = old\n",
			after:  "[profile security]\nmfa_serial = " + serial + "\n[profile dev]\nsource_profile = security\n  # written by fob configure\nduration_seconds = 900\nmfa_serial = " + serial + "\nrole_arn = " + arn + "\n",
			want:   []Change{{"dev", Set, []SettingChange{{"role_arn", "old", arn}}, "~/.aws/config:3", ""}},
		},
		{
			name:   "the region of [default] is set, once for all",
			before: "[default]\noutput = json\n[profile security]\nmfa_serial = " + serial + "\n" + dev, change: func(w *Wanted) { w.Region = "eu-west-1" },
			after: "[default]\noutput = json\nregion = eu-west-1\n[profile security]\nmfa_serial = " + serial + "\n" + dev,
			want:  []Change{{"default", Set, []SettingChange{{"region", "", "eu-west-1"}}, "~/.aws/config:1", ""}},
		},
		{
			name:   "what is not wanted any more stays without --prune",
			before: "[profile security]\nmfa_serial = " + serial + "\n" + dev + strings.ReplaceAll(dev, "dev", "gone"), stale: []string{"gone"},
			after: "[profile security]\nmfa_serial = " + serial + "\n" + dev + strings.ReplaceAll(dev, "dev", "gone"),
		},
		{
			name:   "and goes with it, but only what fob wrote, and for this source",
			before: "[profile security]\nmfa_serial = " + serial + "\n" + strings.ReplaceAll(dev, "dev", "gone") + dev + strings.ReplaceAll(strings.ReplaceAll(dev, "dev", "theirs"), "= security", "= other") + strings.ReplaceAll(dev, "dev", "used") + "region = x\n[profile mine]\nsource_profile = security\n",
			after:  "[profile security]\nmfa_serial = " + serial + "\n" + dev + strings.ReplaceAll(strings.ReplaceAll(dev, "dev", "theirs"), "= security", "= other") + strings.ReplaceAll(dev, "dev", "used") + "region = x\n[profile mine]\nsource_profile = security\n",
			change: func(w *Wanted) { w.Prune = true }, stale: []string{"used"},
			want: []Change{{"gone", Remove, []SettingChange{{"mfa_serial", serial, ""}, {"role_arn", arn, ""}, {"source_profile", "security", ""}}, "~/.aws/config:4", Note}},
		},
		{
			name:   "a comment is a person's too, and so is what a profile of theirs is made from",
			before: kept, after: kept, change: func(w *Wanted) { w.Prune = true }, stale: []string{"above", "within", "beside", "header", "needed"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := w
			if row.change != nil {
				row.change(&w)
			}
			plan, err := Make(parse(t, row.before), w)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Plan{Changes: row.want, Text: []byte(row.after), Stale: row.stale}, plan); diff != "" {
				t.Error(diff)
			}
			again, err := Make(parse(t, string(plan.Text)), w)
			if err != nil || again.Changed() || string(again.Text) != string(plan.Text) {
				t.Errorf("a second run changes %+v, %v", again.Changes, err)
			}
		})
	}
}

func TestMakeRefuses(t *testing.T) {
	t.Parallel()
	a, err := ParseAccounts("f", []byte(`{"prod":"345678901234","prod-read-only":"345678901235"}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Make(parse(t, ""), Wanted{Source: "security", Grants: Every(a, "security", Naming{}, []string{FullAccess, "read-only"})})
	if want := `two profiles would be called "prod-read-only": account "prod" with role "read-only", and account "prod-read-only" with role "full-access"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = Make(parse(t, "[profile prod]\nx\n"), Wanted{Source: "security", Grants: Every(a, "security", Naming{}, []string{FullAccess})})
	if bad := (*profile.Error)(nil); !errors.As(err, &bad) || bad.Line != 2 {
		t.Errorf("a mistake in a section that would be changed: got %v", err)
	}
}

// FuzzParseAccounts: no text makes the readers fall over, and what they accept
// can be written as profiles that read back.
func FuzzParseAccounts(f *testing.F) {
	for _, seed := range []string{generated, many(3), `{"dev":"345678901234"}`, `{"Accounts":[{"Id":"345678901234","Name":"Dev","State":"ACTIVE"}]}`, "dev: {id: 0123}\n", "a: &x 1\n<<: *x\n", "? a\n: b\n", "a: |\n  b\n", "- - -\n", "!!str a: !!int 1\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := ParseAccounts("f", text)
		if err != nil {
			if bad := (*Error)(nil); !errors.As(err, &bad) || strings.ContainsRune(profile.Shown(bad.File), '\n') {
				t.Fatalf("an untyped error: %v", err)
			}
			return
		}
		plan, err := Make(profile.Set{}, Wanted{Source: "the-source", Grants: Every(a, "", Naming{}, []string{FullAccess})})
		if err != nil {
			t.Skip(err) // an account is called as the source is
		}
		set, err := profile.Parse("x", plan.Text)
		if err != nil || len(set.Warnings()) > 0 || len(set.Names()) != len(a.List)+1 {
			t.Fatalf("%v %v: %s", err, set.Warnings(), plan.Text)
		}
	})
}

// A mistyped role makes no name of its own; a customer's role has to be named so.
func TestForeignRoles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n    Naming
		key  string
		want string
		next string
	}{
		{Naming{}, "read-onyl", `there is no default role "read-onyl", but ` + strings.Join(Roles(), ", "), "did you mean read-only?"},
		{Naming{Prefix: "x-"}, "admin", `there is no default role "admin", but ` + strings.Join(Roles(), ", "), "did you mean iam-admin?"},
		{Naming{}, "partner", `there is no default role "partner", but ` + strings.Join(Roles(), ", "), "if it is a role of your own, say how it is called: --role-name 'NAME', or '" + DefaultPattern + "'"},
		{Naming{Pattern: DefaultPattern}, "partner", "", ""},
		{Naming{Pattern: "OrganizationAccountAccessRole"}, "admin", "", ""},
		{Naming{}, "read-only", "", ""},
	} {
		err := tt.n.Check([]string{tt.key})
		got, next := "", ""
		if bad := (*Error)(nil); errors.As(err, &bad) {
			got, next = bad.Text, bad.Next[0]
		}
		if got != tt.want || next != tt.next {
			t.Errorf("%s: %q, %q", tt.key, got, next)
		}
	}
}

func TestNearRole(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"allow-fulll-access-from-other-accounts":     "allow-full-access-from-other-accounts",
		"allow-read-onyl-access-from-other-accounts": "allow-read-only-access-from-other-accounts",
		"allow-full-access-from-other-acounts":       "allow-full-access-from-other-accounts",
		"alow-dev-access-from-other-accounts":        "allow-dev-access-from-other-accounts",
		"allow-auto-deploi-from-other-accounts":      "allow-auto-deploy-from-other-accounts",
		"allow-full-access-from-other-accounts":      "",
		"allow-ops-access-from-other-accounts":       "",
		"partner":                                    "",
		"":                                           "",
	} {
		if got := NearRole(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
