package unlock_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/cred"
	"fob/internal/keep/unlock"
)

const identity = "AGE-SECRET-KEY-1CANARYQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQY7UKZ"

// A passphrase is the bytes that were typed, on the way in and on the way out.
func TestPassphrase(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, save, load string
		want             string // of Save or else of Load; "" opens
	}{
		{name: "plain", save: "CANARY horse", load: "CANARY horse"},
		{name: "short", save: "C", load: "C"},
		{name: "only spaces", save: "   ", load: "   "},
		{name: "spaces count", save: "CANARY ", load: "CANARY", want: "wrong passphrase"},
		{name: "tab", save: "CANARY\thorse", load: "CANARY\thorse"},
		{name: "line end of a file", save: "CANARY", load: "CANARY\n"},
		{name: "line end of a Windows file", save: "CANARY\r\n", load: "CANARY"},
		{name: "one line end only", save: "CANARY\n\n", want: "the passphrase has a line break in it, which no prompt can take"},
		{name: "composed accent", save: "CANARY \u00e9", load: "CANARY \u00e9"},
		{name: "accent decomposed", save: "CANARY \u00e9", load: "CANARY e\u0301", want: "wrong passphrase"},
		{name: "other letter case", save: "CANARY", load: "canary", want: "wrong passphrase"},
		{name: "not UTF-8", save: "CANARY\xff", load: "CANARY\xff"},
		{name: "empty", save: "", want: "the passphrase is empty"},
		{name: "line end alone", save: "\n", want: "the passphrase is empty"},
		{name: "empty when asked", save: "CANARY", load: "", want: "the passphrase is empty"},
		{name: "line break", save: "CANARY\nhorse", want: "the passphrase has a line break in it, which no prompt can take"},
		{name: "NUL", save: "CANARY\x00", want: "the passphrase has a NUL byte in it, which no prompt can take"},
		{name: "longest", save: strings.Repeat("a", 4096), load: strings.Repeat("a", 4096)},
		{name: "too long", save: strings.Repeat("a", 4097), want: "the passphrase is longer than 4096 bytes"},
		{name: "1 MiB when asked", save: "CANARY", load: strings.Repeat("a", 1<<20), want: "the passphrase is longer than 4096 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "slots")
			err := open(t, "passphrase", dir, tc.save).Save(t.Context(), cred.NewSecret(identity))
			var got cred.Secret
			if err == nil {
				got, err = open(t, "passphrase", dir, tc.load).Load(t.Context())
			}
			if wrong := (*unlock.WrongError)(nil); errors.As(err, &wrong) {
				err = errors.New("wrong " + wrong.What)
			}
			if msg(err) != tc.want {
				t.Fatalf("got %q, want %q", msg(err), tc.want)
			}
			if err == nil && !got.Equal(cred.NewSecret(identity)) {
				t.Error("another identity came out")
			}
		})
	}
}

func msg(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// An error about an answer is shown to people and must not show the answer.
func TestWrongTextFirst(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "slots")
	if err := open(t, "passphrase", dir, "CANARY").Save(t.Context(), cred.NewSecret(identity)); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, "passphrase", dir, "CANARY-other").Load(t.Context())
	if want := "wrong passphrase, or " + filepath.Join(dir, "passphrase.age") + " is damaged"; msg(err) != want {
		t.Errorf("got %q, want %q", msg(err), want)
	}
}
