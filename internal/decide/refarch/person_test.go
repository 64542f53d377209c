package refarch

import (
	"testing"
)

func TestUser(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]string{
		"arn:aws:iam::123456789012:user/gruntwork":            "gruntwork",
		"arn:aws-us-gov:iam::123456789012:user/a/b/j@acme.io": "j@acme.io",
		"arn:aws:iam::123456789012:root":                      "",
		"arn:aws:sts::123456789012:assumed-role/x/y":          "",
		"arn:aws:iam::123456789012:user/":                     "",
		"":                                                    "",
	} {
		if got, ok := User(arn); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", arn, got, ok)
		}
	}
}

func TestDevice(t *testing.T) {
	t.Parallel()
	const own, other, key = "arn:aws:iam::1:mfa/ann", "arn:aws:iam::1:mfa/phone", "arn:aws:iam::1:u2f/user/ann"
	for _, row := range []struct {
		serials []string
		want    string
		fails   bool
	}{
		{nil, "", false},
		{[]string{key}, "", false},
		{[]string{key, other}, other, false},
		{[]string{other, own}, own, false},
		{[]string{"GAHT12345678"}, "GAHT12345678", false},
		{[]string{other, "GAHT12345678"}, "", true},
	} {
		if got, err := Device("ann", row.serials); got != row.want || (err != nil) != row.fails {
			t.Errorf("%v: %q, %v", row.serials, got, err)
		}
	}
	if got := SerialOf("012345678901", "ann"); got != "arn:aws:iam::012345678901:mfa/ann" {
		t.Error(got)
	}
}
