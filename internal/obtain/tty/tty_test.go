package tty

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"MFA code for arn:aws:iam::1:mfa/ann: ": "MFA code for arn:aws:iam::1:mfa/ann: ",
		"a\nPassphrase: ":                       `a\x0aPassphrase: `,
		"\x1b]0;title\x07\r":                    `\x1b]0;title\x07\x0d`,
		"\u202egpj.exe":                         `\u202egpj.exe`,
		"caf\u00e9":                             "caf\u00e9",
	} {
		if diff := cmp.Diff(want, Printable(in)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}
