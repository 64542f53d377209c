package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCredentialsFile reads and edits a file whose headers are names alone.
func TestCredentialsFile(t *testing.T) {
	t.Parallel()
	const text = "[default]\naws_access_key_id = A\n\n[ two words ]\r\naws_access_key_id=B # old\n[profile x]\nregion = r\n[\"q\"]\n[broken\n"
	set, err := ParseCredentials("~/.aws/credentials", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"default", "two words", "profile x", `"q"`}, set.Names()); diff != "" {
		t.Errorf("names: -want +got:\n%s", diff)
	}
	got := map[string]string{}
	for _, name := range set.Names() {
		p, err := set.Section(name)
		if err != nil {
			t.Fatal(err)
		}
		got[name] = p.Value("aws_access_key_id") + " " + p.Where()
	}
	want := map[string]string{
		"default": "A ~/.aws/credentials:1", "two words": "B ~/.aws/credentials:4",
		"profile x": " ~/.aws/credentials:6", `"q"`: " ~/.aws/credentials:8",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	edited, err := set.WithSetting("two words", "credential_process", "fob 'x'")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Replace(text, "# old\n", "# old\ncredential_process = fob 'x'\n", 1), string(edited)); diff != "" {
		t.Errorf("edited: -want +got:\n%s", diff)
	}
	if added, err := set.WithProfile("new", nil); err != nil || !strings.HasSuffix(string(added), "\n[new]\n") {
		t.Errorf("added: %q, %v", added, err)
	}
}

// TestCredentialsFileQuotesNothing shows that no text of a credentials file gets
// into an error: it may be a secret that slipped onto a line of its own.
func TestCredentialsFileQuotesNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"[a]\naws_secret_access_key\nCANARY-secret\n",
		"[a]\naws_secret_access_key =\n  CANARY-secret\n",
		"[a]\naws_secret_access_key = x\n  CANARY-secret\n",
		"CANARY-secret\n[a]\naws_secret_access_key = x\n",
	} {
		set, err := ParseCredentials("c", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, err = set.Section("a")
		for _, told := range append(set.Warnings(), errorText(err)) {
			if strings.Contains(told, "CANARY") {
				t.Errorf("%q: %s", text, told)
			}
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
