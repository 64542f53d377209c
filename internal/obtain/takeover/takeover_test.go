package takeover

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/cred"
	"fob/internal/decide/profile"

	"github.com/google/go-cmp/cmp"
)

// world is an Env over a HOME of its own.
func world(t *testing.T, variables map[string]string) Env {
	t.Helper()
	return Env{
		Home:   t.TempDir(),
		Lookup: func(name string) (string, bool) { value, ok := variables[name]; return value, ok },
		Ask: func(context.Context, string) (cred.Secret, error) {
			return cred.Secret{}, errors.New("nobody is to be asked")
		},
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// told is a haul as the tests compare it: keys as NAME ID SECRET FROM, the rest
// as NAME: WHY.
type told struct {
	Keys, Left, Warnings []string
	Sessions, Unknown    int
}

func tell(h Haul) told {
	out := told{Sessions: h.Sessions, Unknown: h.Unknown, Warnings: h.Warnings}
	for _, k := range h.Keys {
		out.Keys = append(out.Keys, strings.TrimSpace(strings.Join([]string{k.Name, k.Key.ID, k.Key.Secret.Reveal(), k.From}, " ")))
	}
	for _, l := range h.Left {
		text := l.Name + ": " + l.Why.Error()
		if l.Expected {
			text = "expected " + text
		}
		out.Left = append(out.Left, text)
	}
	return out
}

func TestParted(t *testing.T) {
	t.Parallel()
	want := []string{"work", "a,b", "session", "team/prod 50%", "x session (old)"}
	keys, sessions := parted(append([]string{
		"sts.GetSessionToken,d29yaw,YXJuOmF3cw,1700000000", "credential_process,cHJvYw,,4070908800", "session,d29yaw,YXJu,1700000000",
		"session:work:arn:aws:iam::1:mfa/x:1700000000", "work session (1700000000)", "oidc:https://x.awsapps.com/start",
	}, want...))
	if diff := cmp.Diff(want, keys); diff != "" || sessions != 6 {
		t.Errorf("%d sessions; keys: -want +got:\n%s", sessions, diff)
	}
}

func TestReadItem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want error
	}{
		{`{"Key":"work","Data":"eyJBY2Nlc3NLZXlJRCI6ICJBIiwgIlNlY3JldEFjY2Vzc0tleSI6ICJDQU5BUlkifQ=="}`, nil},
		{`{"Key":"work","Data":"eyJBY2Nlc3NLZXlJRCI6ICJBIiwgIlNlY3JldEFjY2Vzc0tleSI6ICJTIiwgIlNlc3Npb25Ub2tlbiI6ICJUIn0="}`, errTemporary},
		{`{"Key":"work","Data":"e30="}`, errNoItem},
		{`{"Key":"work"}`, errNoItem},
		{"CANARY password\n", errNoItem},
		{"", errNoItem},
	} {
		key, err := readItem([]byte(c.text))
		if !errors.Is(err, c.want) || c.want == nil && (key.ID != "A" || key.Secret.Reveal() != "CANARY") {
			t.Errorf("%s: %v, %v, want %v", c.text, key, err, c.want)
		}
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	const id, secret = "AKIAFIXTURE000000008", "CANARY/secret+of=the=console0000000000008"
	for _, c := range []struct {
		name, text string
		want       []string // keys, or the one error
	}{
		{"as the console writes it", "Access key ID,Secret access key\n" + id + "," + secret + "\n", []string{id + " " + secret + " standard input"}},
		{"with a mark and CRLF", "\xef\xbb\xbfAccess key ID,Secret access key\r\n" + id + "," + secret + "\r\n", []string{id + " " + secret + " standard input"}},
		{"with users", "User name,Password,Access key ID,Secret access key,Console login link\nann,,A,B,https://x\nbob,,C,D,\n", []string{"ann A B standard input", "bob C D standard input"}},
		{"quoted", "\"Access key ID\",\"Secret access key\"\n\"A\",\"B\"\n", []string{"A B standard input"}},
		{"empty", "", []string{"standard input: it is empty"}},
		{"titles only", "Access key ID,Secret access key\n", []string{"standard input: it has titles and no key"}},
		{"another file", "CANARY,secret\n", []string{`standard input: its first line has no "Access key ID" and "Secret access key", as the console writes it`}},
		{"half a key", "Access key ID,Secret access key\nCANARY\n", []string{"standard input: the key in row 2 is not complete"}},
		{"broken", "Access key ID,Secret access key\n\"CANARY\n", []string{"standard input: line 2 is no line of a CSV file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env := world(t, nil)
			env.Stdin = strings.NewReader(c.text)
			h, err := csvText(env).Take(t.Context(), nil)
			got := tell(h).Keys
			if err != nil {
				got = []string{err.Error()}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestSections(t *testing.T) {
	t.Parallel()
	env := world(t, nil)
	env.Credentials, env.CredentialsShown = filepath.Join(env.Home, "c"), "~/c"
	if _, err := credentialsFile(env).Look(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	write(t, filepath.Join(env.Home, "c"), "[default]\naws_access_key_id=A\naws_secret_access_key=CANARY\n"+
		"[tmp]\naws_access_key_id=A\naws_secret_access_key=B\naws_session_token=C\n"+
		"[half]\naws_secret_access_key=CANARY\n[region]\nregion=x\n[line]\naws_secret_access_key\nCANARY\n[twice]\naws_access_key_id=A\naws_access_key_id=B\n[broken\naws_access_key_id=A\n")
	h, err := credentialsFile(env).Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := told{
		Keys: []string{"default A CANARY ~/c:2"},
		Left: []string{
			"expected tmp: it is a temporary key, which ends by itself", "half: ~/c:8: aws_access_key_id is missing",
			`line: ~/c:13: profile "line": the text has no =`, `twice: ~/c:17: profile "twice": "aws_access_key_id" stands twice, first on line 16`,
		},
		Warnings: []string{`~/c:14: profile "line": the text has no =`, `~/c:18: profile "broken": the section header has no closing ]`},
	}
	if diff := cmp.Diff(want, tell(h)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	only, err := credentialsFile(env).Take(t.Context(), func(name string) bool { return name == "tmp" })
	if got := tell(only); err != nil || len(got.Keys) > 0 || len(got.Left) != 1 {
		t.Errorf("only tmp: %+v, %v", got, err)
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	const before = "# mine\r\n[default]\r\naws_access_key_id = A\r\nregion=x # y\r\naws_secret_access_key = CANARY\r\n\r\n[keep]\r\naws_access_key_id = B\r\naws_secret_access_key = CANARY\r\n[last]\r\naws_secret_access_key=CANARY\r\naws_access_key_id=C"
	const after = "# mine\r\n[default]\r\nregion=x # y\r\ncredential_process = /bin/fob credential-process default\r\n\r\n[keep]\r\naws_access_key_id = B\r\naws_secret_access_key = CANARY\r\n[last]\r\ncredential_process = /bin/fob credential-process last\r\n"
	const diff = "--- c\n+++ c\n [default]\n-aws_access_key_id = ...\n-aws_secret_access_key = ...\n+credential_process = /bin/fob credential-process default\n" +
		" [last]\n-aws_secret_access_key= ...\n-aws_access_key_id= ...\n+credential_process = /bin/fob credential-process last\n"
	set, err := profile.ParseCredentials("c", []byte(before))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Replace(set, map[string]string{"default": "/bin/fob credential-process default", "last": "/bin/fob credential-process last"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(after, string(got)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if d := cmp.Diff(diff, Diff([]byte(before), got, "c")); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	cr := strings.ReplaceAll(strings.ReplaceAll(before, "\r\n", "\r"), "CANARY", "x")
	if set, err = profile.ParseCredentials("c", []byte(cr)); err != nil {
		t.Fatal(err)
	}
	if got, err = Replace(set, map[string]string{"default": "p"}); err != nil || strings.Contains(Diff([]byte(cr), got, "c"), "key = x") {
		t.Errorf("with CR alone: %q, %v", Diff([]byte(cr), got, "c"), err)
	}
}

func TestMayReplace(t *testing.T) {
	t.Parallel()
	set, err := profile.ParseCredentials("c", []byte("[a]\naws_access_key_id=A\n[b]\naws_access_key_id=B\ncredential_process=x\n[role]\naws_access_key_id=C\n"))
	if err != nil {
		t.Fatal(err)
	}
	config, err := profile.Parse("f", []byte("[profile role]\nrole_arn=x\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a": "", "b": "a credential_process is there too (c:5)", "role": "the profile enters a role with its own key (f:2), which the AWS tools must see",
	} {
		got := ""
		if err := MayReplace(set, config, name); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
