package access

import (
	"testing"

	"fob/internal/decide/iampolicy"

	"github.com/google/go-cmp/cmp"
)

func TestShort(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]string{
		prodRead: "read-only", prodFull: "full-access", deploy: "auto-deploy",
		"arn:aws-us-gov:iam::012345678901:role/allow-billing-only-access-from-other-accounts": "billing",
		"arn:aws:iam::012345678901:role/path/allow-dev-access-from-other-accounts":            "dev",
		"arn:aws:iam::012345678901:role/stage-allow-dev-access-from-other-accounts":           "stage-allow-dev-access-from-other-accounts",
		"arn:aws:iam::012345678901:role/ops":                                                  "ops",
		"nonsense":                                                                            "nonsense",
	} {
		if got := Short(arn); got != want {
			t.Errorf("%s: %q, want %q", arn, got, want)
		}
	}
}

// The names of accounts come from the generated groups first, whatever hyphens
// they have, then from the config.
func TestBook(t *testing.T) {
	t.Parallel()
	const sharedRead = "arn:aws:iam::234567890123:role/allow-read-only-access-from-other-accounts"
	const logsFull = "arn:aws:iam::012345678901:role/allow-full-access-from-other-accounts"
	b := NewBook()
	b.FromProfile("admin", prodFull)
	b.FromProfile("later", prodFull)
	b.FromProfile("prod-read-only", prodRead)
	b.FromProfile("logs", logsFull)
	b.FromProfile("x", "nonsense")
	b.FromPerson(Person{Name: "ann", Policies: []iampolicy.Policy{
		policy(t, "group _account.shared-services-read-only", `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"`+sharedRead+`"}}`),
		policy(t, "group _all-accounts", `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":["`+logsFull+`"]}}`),
		policy(t, "group _account.-read-only", `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":["`+prodRead+`"]}}`),
	}})
	got := map[string]string{}
	for _, arn := range []string{prodFull, sharedRead, logsFull, "arn:aws:iam::999999999999:role/allow-dev-access-from-other-accounts"} {
		got[b.Called(AccountOf(arn))] = b.Group(arn)
	}
	want := map[string]string{
		"prod": "_account.prod-full-access", "shared-services": "_account.shared-services-read-only",
		"logs": "_account.logs-full-access", "999999999999": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBadAccount(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string][2]string{
		prodRead:                            {"", ""},
		"arn:aws:iam::12345678901:role/x":   {"an account's id has twelve digits, and this one has 11", "012345678901, if what was lost is a zero at its front"},
		"arn:aws:iam::34567890123:role/x":   {"an account's id has twelve digits, and this one has 11; account 345678901234 is known, and has one digit more", "345678901234; or 034567890123, if what was lost is a zero at its front"},
		"arn:aws:iam::123:role/x":           {"an account's id has twelve digits, and this one has 3", ""},
		"arn:aws:iam::5678901234567:role/x": {"an account's id has twelve digits, and this one has 13", ""},
		"arn:aws:iam::prod:role/x":          {"", ""},
		"nonsense":                          {"", ""},
		"":                                  {"", ""},
	} {
		why, meant := BadAccount(arn, []string{"345678901234", "567890123456"})
		if got := [2]string{why, meant}; got != want {
			t.Errorf("%q: %q, want %q", arn, got, want)
		}
	}
}

// --probe asks for the nine roles of each account, with the account's own prefix.
func TestSweep(t *testing.T) {
	t.Parallel()
	got := Sweep([]string{prodRead, prodFull, "arn:aws-cn:iam::012345678901:role/stage-allow-dev-access-from-other-accounts", "nonsense"})
	var want []string
	for _, name := range DefaultRoles() {
		want = append(want, "arn:aws:iam::567890123456:role/"+name)
	}
	for _, name := range DefaultRoles() {
		want = append(want, "arn:aws-cn:iam::012345678901:role/stage-"+name)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != 18 {
		t.Error(len(got), diff)
	}
}

func TestSlip(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"123", "123", false}, {"123", "124", true}, {"123", "132", true}, {"123", "321", false}, {"123", "1234", true}, {"123", "0123", true},
		{"123", "12345", false}, {"", "1", true}, {"123", "345", false}, {"1234", "2143", false},
	} {
		if slip(tt.a, tt.b) != tt.want || slip(tt.b, tt.a) != tt.want {
			t.Errorf("%s, %s: want %v", tt.a, tt.b, tt.want)
		}
	}
}
