//go:build unix

package cli

import (
	"strings"
	"testing"
)

// odd is one oddity of the machine around the program: what is odd, what is run,
// and what must come of it.
type odd struct {
	name   string
	spoil  func(*house)      // after the store was made
	env    map[string]string // "-" takes a variable away
	script string            // run by sh; "": fob export --format json plain
	status int
	want   []string // parts of the message
	quiet  bool     // nothing at all on standard error
	out    string   // all of standard output, where it matters
}

// oddConfig has what the rows below ask for.
const oddConfig = withPlain +
	"[profile r]\n" + roleLine + plainKey + commonLines +
	"[profile mfa]\nmfa_serial = arn:aws:iam::123456789012:mfa/plain\n" + roleLine + plainKey + commonLines +
	"[profile both]\ncredential_source = Environment\n" + roleLine + plainKey + commonLines +
	"[profile machine]\ncredential_source = Environment\n" + roleLine + commonLines +
	"[profile web]\nweb_identity_token_file = /t\n" + roleLine + commonLines +
	"[profile sso]\nsso_start_url = https://x.awsapps.com/start\n" + roleLine + commonLines +
	"[profile a b]\n" + commonLines

func oddWorlds() []odd {
	pairs := func(more ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	code := "fob exec mfa -- true 2>a; echo $?; fob export mfa 2>b; s=$?; cmp a b && cat b >&2; exit $s"
	return []odd{
		// Two ways at once, or a way that this version does not go.
		{name: "both sources", script: "fob export both", status: 3, want: []string{"~/.aws/config:16", "credential_source", "source_profile (~/.aws/config:18)"}},
		{name: "machine's credentials", script: "fob export machine", status: 3, want: []string{"credential_source (~/.aws/config:22)", "AWS_ACCESS_KEY_ID is not set"}},
		{name: "web identity", script: "fob export web", status: 3, want: []string{"web_identity_token_file (~/.aws/config:27)", "no such file"}},
		{name: "sso and a role", script: "fob export sso", status: 3, want: []string{"~/.aws/config:32", "sso_start_url", "this version of fob does not do"}},
		{name: "name of two words", script: "fob export 'a b'", status: 3, want: []string{"fob add 'a b'\n"}},
		{name: "name of two lines", env: pairs("AWS_ACCESS_KEY_ID", "AKIAABCDEFGHIJKLMNOP", "AWS_SECRET_ACCESS_KEY", "CANARYCANARYCANARY"), script: "fob add 'a\nb' --env", status: 2, want: []string{"control characters"}},
		{name: "remove what is not there", script: "fob remove -f plan", status: 1, want: []string{`no key is stored for profile "plan"`}},
		{name: "clear what is not there", script: "fob clear plan", status: 3, want: []string{`no profile "plan"`, `"plain"`}},
		{name: "login to what is not there", script: "fob login -s plan", status: 3, want: []string{`no profile "plan"`, `"plain"`}},
		{name: "login without a role", env: pairs("AWS_MFA_SERIAL", "arn:aws:iam::123456789012:mfa/x"), script: "fob login -s plain", status: 3, want: []string{"it has no role"}},
		{name: "explain what is not there", script: "fob explain plan", status: 3, want: []string{`no profile "plan"`, `"plain"`}},

		// Words that other programs take for something else.
		{name: "@file after --", script: "echo no >f; fob exec plain -- echo @f", out: "@f\n", quiet: true},
		{name: "@file before --", script: "echo no >f; fob exec plain echo @f", out: "@f\n", quiet: true},
		{name: "@file as a profile", script: "echo plain >f; fob export @f", status: 3, want: []string{`no profile "@f"`}},
		{name: "no word at all", script: "fob", status: 0},
		{name: "unknown command", script: "fob exce plain", status: 2, want: []string{`no command "exce"`, "fob exec"}},
		{name: "empty profile", script: "fob export ''", status: 2, want: []string{"empty"}},
		{name: "empty profile of exec", script: "fob exec '' -- true", status: 125, want: []string{"empty"}},
		{name: "empty command", script: "fob exec plain -- ''", status: 127},

		// Variables that are left over, or wrong.
		{name: "tags that are none", env: pairs("AWS_SESSION_TAGS", "bad"), script: "fob export r", status: 3, want: []string{"AWS_SESSION_TAGS", `"bad"`}},
		{name: "transitive tags that are no tags", env: pairs("AWS_TRANSITIVE_TAGS", "bad"), script: "fob export r", status: 3, want: []string{"AWS_TRANSITIVE_TAGS"}},
		{name: "role in the environment", env: pairs("AWS_ROLE_ARN", "banana"), script: "fob export r", status: 3, want: []string{"AWS_ROLE_ARN", `"banana"`}},
		{name: "role of a web identity", env: pairs("AWS_ROLE_ARN", "banana", "AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent"), script: "fob exec r -- true", quiet: true},
		{name: "serial in the environment", env: pairs("AWS_MFA_SERIAL", "arn:x"), script: "fob export r", status: 3, want: []string{"AWS_MFA_SERIAL", `"arn:x"`}},
		{name: "lifetime in the environment", env: pairs("AWS_ASSUME_ROLE_TTL", "soon"), script: "fob export r", status: 3, want: []string{"AWS_ASSUME_ROLE_TTL", `"soon"`}},
		{name: "lifetime of a session", env: pairs("AWS_SESSION_TOKEN_TTL", "-1h"), status: 3, want: []string{"AWS_SESSION_TOKEN_TTL", "900"}},
		{name: "minimum life", env: pairs("AWS_MIN_TTL", "soon"), status: 2, want: []string{"AWS_MIN_TTL"}},
		{name: "region in the environment", env: pairs("AWS_REGION", "US East"), status: 3, want: []string{"AWS_REGION"}},
		{name: "endpoint in the environment", env: pairs("AWS_ENDPOINT_URL_STS", "http://sts.example.com"), status: 3, want: []string{"AWS_ENDPOINT_URL_STS", "plain http"}},
		{name: "CA bundle that is not there", env: pairs("AWS_CA_BUNDLE", "/nonexistent/ca"), status: 3, want: []string{"/nonexistent/ca", "AWS_CA_BUNDLE"}},
		{name: "CA bundle that is a FIFO", env: pairs("AWS_CA_BUNDLE", "HOME/f"), script: "mkfifo f; fob export plain", status: 3, want: []string{"no regular file"}},
		{name: "CA bundle that is empty", env: pairs("AWS_CA_BUNDLE", "/dev/null"), status: 3, want: []string{"/dev/null"}},

		// A policy that would not narrow.
		{name: "empty policy", script: "fob export r --policy ''", status: 2, want: []string{"--policy", "empty"}},
		{name: "empty policy file", script: ">p; fob export r --policy-file p", status: 2, want: []string{"p: it is empty"}},
		{name: "no name of a policy file", script: "fob export r --policy-file=", status: 2, want: []string{"--policy-file", "empty"}},
		{name: "empty policy ARN", script: "fob export r --policy-arns ''", status: 2, want: []string{"--policy-arns", "empty"}},
		{name: "policy without end", script: "fob export r --policy-file /dev/zero", status: 2, want: []string{"session policy"}},
		{name: "policy that is no JSON", script: "fob export r --policy nonsense", status: 2, want: []string{"policy", "JSON"}},
		{name: "backend that is none", env: pairs("FOB_BACKEND", "keychain"), status: 2, want: []string{"keychain", "passphrase"}},
		{name: "code that is none", script: "fob export mfa -t abc", status: 2, want: []string{"six digits"}},

		// Passphrases.
		{name: "no passphrase and nobody there", env: pairs("FOB_PASSPHRASE", ""), status: 4, want: []string{"a person is needed"}},
		{name: "empty passphrase for a new store", env: pairs("FOB_PASSPHRASE", "", "XDG_DATA_HOME", "HOME/new", "AWS_ACCESS_KEY_ID", "AKIAABCDEFGHIJKLMNOP", "AWS_SECRET_ACCESS_KEY", "CANARYCANARYCANARY"), script: "fob add x --env", status: 4, want: []string{"a person is needed"}},
		{name: "empty passphrase by descriptor", env: pairs("XDG_DATA_HOME", "HOME/new", "AWS_ACCESS_KEY_ID", "AKIAABCDEFGHIJKLMNOP", "AWS_SECRET_ACCESS_KEY", "CANARYCANARYCANARY"), script: "echo | fob add x --env --passphrase-fd 0", status: 6, want: []string{"passphrase", "empty"}},
		{name: "second passphrase", env: pairs("FOB_PASSPHRASE", "another", "AWS_ACCESS_KEY_ID", "AKIAABCDEFGHIJKLMNOP", "AWS_SECRET_ACCESS_KEY", "CANARYCANARYCANARY"), script: "fob add x --env", status: 6, want: []string{"fob: wrong passphrase\n"}},
		{name: "descriptor that is not open", script: "fob export plain --passphrase-fd 9", status: 2, want: []string{"--passphrase-fd"}},

		// A store that is not as it was left. STORE stands for its folder.
		{name: "vault is a FIFO", script: "rm STORE/vault.age; mkfifo STORE/vault.age; fob export plain", status: 6, want: []string{"vault.age", "regular"}},
		{name: "vault is a directory", script: "rm STORE/vault.age; mkdir STORE/vault.age; fob export plain", status: 6, want: []string{"vault.age"}},
		{name: "vault is a circle of links", script: "ln -sf vault.age STORE/vault.age; fob export plain", status: 6, want: []string{"vault.age"}},
		{name: "vault leads nowhere", script: "ln -sf /nonexistent/v STORE/vault.age; fob export plain", status: 6, want: []string{"vault.age"}},
		{name: "vault is gone", script: "rm STORE/vault.age; fob export plain", status: 6, want: []string{"vault.age"}},
		{name: "vault is open to all", script: "chmod 644 STORE/vault.age; fob export plain", status: 6, want: []string{"vault.age", "chmod"}},
		{name: "vault has two names", script: "ln STORE/vault.age v; fob export plain", status: 6, want: []string{"vault.age"}},
		{name: "folder open to all", script: "chmod 755 STORE; fob export plain", status: 6, want: []string{"fob is refused", "chmod"}},
		{name: "folder open to all, exec", script: "chmod 755 STORE; fob exec plain -- true", status: 125, want: []string{"fob is refused", "chmod"}},
		{name: "folder is a link", script: "mv STORE d; ln -s $HOME/d STORE; fob export plain", status: 6, want: []string{"link"}},
		{name: "slot is gone", script: "rm STORE/slots/*; fob export plain", status: 6, want: []string{"slots"}},
		{name: "slot is empty", script: ": >STORE/slots/passphrase.age; fob export plain", status: 6, want: []string{"passphrase.age"}},
		{name: "slot is junk", script: "echo junk >STORE/slots/passphrase.age; fob export plain", status: 6, want: []string{"passphrase.age"}},
		{name: "slot is a FIFO", script: "rm STORE/slots/*; mkfifo STORE/slots/passphrase.age; fob export plain", status: 6, want: []string{"passphrase.age"}},
		{name: "slots are a file", script: "rm -r STORE/slots; >STORE/slots; fob export plain", status: 6, want: []string{"slots"}},
		{name: "locks are a file", script: "rm -rf STORE/locks; >STORE/locks; fob export plain", status: 6, want: []string{"locks"}},
		{name: "sessions are a file", script: "rm -rf STORE/cache; >STORE/cache; fob exec plain -- true", status: 0},
		{name: "index is junk", script: "fob unlock; echo junk >STORE/index; fob exec plain -- true", status: 0},
		{name: "epoch is junk", script: "echo junk >STORE/epoch; fob export plain", status: 6, want: []string{"epoch", "fob lock --forget"}},
		{name: "epoch is made anew", script: "echo junk >STORE/epoch; fob lock --forget && fob exec plain -- true"},
		{name: "seen is junk", script: "echo junk >STORE/seen; fob exec plain -- true", status: 0},
		{name: "sessions are junk", script: "fob exec plain -- true; for f in STORE/cache/*; do echo junk >$f; done; fob exec plain -- true", status: 0},
		{name: "umask that allows all", env: pairs("XDG_DATA_HOME", "HOME/new", "AWS_ACCESS_KEY_ID", "AKIAABCDEFGHIJKLMNOP", "AWS_SECRET_ACCESS_KEY", "CANARYCANARYCANARY"), script: "umask 0; fob add x --env --no-add-config; find new -perm /077", status: 0, out: ""},
		{name: "umask that allows nothing", env: pairs("AWS_ENDPOINT_URL", "URL", "XDG_DATA_HOME", "HOME/new", "AWS_ACCESS_KEY_ID", "AKIAABCDEFGHIJKLMNOP", "AWS_SECRET_ACCESS_KEY", "CANARYCANARYCANARY"), script: "umask 0777; fob add x --env --no-add-config && fob export x", status: 5},

		// Nobody to give a code.
		{name: "code needed", script: code, status: 4, want: []string{"a person is needed"}, out: "125\n"},

		// Output that cannot be written.
		{name: "export to a full disk", script: "fob export plain >/dev/full", status: 1, want: []string{"no space left"}},
		{name: "cached export to a full disk", script: "fob exec plain -- true && fob export plain >/dev/full", status: 1, want: []string{"no space left"}},
		{name: "list to a full disk", script: "fob list >/dev/full", status: 1, want: []string{"no space left"}},
		{name: "list of names to a full disk", script: "fob list --profiles >/dev/full", status: 1, want: []string{"no space left"}},
		{name: "help to a full disk", script: "fob --help >/dev/full", status: 1, want: []string{"no space left"}},
		{name: "clear to a full disk", script: "fob clear >/dev/full", status: 1, want: []string{"no space left"}},
		{name: "login to a full disk", env: pairs("AWS_ENDPOINT_URL_SIGNIN", "URL"), script: "fob login r -s >/dev/full", status: 1, want: []string{"no space left"}},
		{name: "all closed", script: "fob exec plain -- true >&- 2>&- <&-", quiet: true},
		{name: "reader that has gone", script: "{ fob export plain; echo $? >status; } | true; fob export plain | true", quiet: true},

		// Homes.
		{name: "HOME unset", env: pairs("HOME", "-"), status: 1, want: []string{"HOME", "set HOME"}},
		{name: "HOME relative", env: pairs("HOME", "here"), status: 1, want: []string{"HOME"}},
		{name: "HOME unset, list", env: pairs("HOME", "-"), script: "fob list", status: 1, want: []string{"HOME"}},
		{name: "HOME that is not there", env: pairs("HOME", "HOME/gone"), script: "fob list && ! test -e gone", quiet: true},
		{name: "HOME that is not there, export", env: pairs("HOME", "HOME/gone"), script: "fob export plain; s=$?; test -e gone && echo made; exit $s", status: 3, want: []string{`"plain"`, "~/.aws/config"}, out: ""},
		{name: "HOME that is a file", env: pairs("HOME", "HOME/f"), script: ">f; fob export plain", status: 3},
		{name: "relative XDG directories", env: pairs("XDG_DATA_HOME", "data", "XDG_RUNTIME_DIR", "run"), script: "fob exec plain -- true && ! test -e data", quiet: true},
		{name: "HOME unset but all places named", env: pairs("HOME", "-", "XDG_DATA_HOME", "HOME/.local/share", "AWS_CONFIG_FILE", "HOME/.aws/config"), script: "fob exec plain -- true", quiet: true},
		{name: "config named from here", env: pairs("AWS_CONFIG_FILE", ".aws/config"), script: "fob exec plain -- true", quiet: true},
		{name: "config that is a FIFO", script: "rm .aws/config && mkfifo .aws/config && fob export plain", status: 3, want: []string{"~/.aws/config", "no regular file"}},
		{name: "config that is a circle of links", script: "ln -sf config .aws/config && fob export plain", status: 3, want: []string{"~/.aws/config", "symbolic links"}},
		{name: "config that all may write", script: "chmod 666 .aws/config; fob export plain", status: 3, want: []string{"~/.aws/config", "chmod o-w"}},
		{name: "empty HOME stays empty", env: pairs("HOME", "HOME/e"), script: "mkdir e && fob list && fob list --json >/dev/null && fob clear && fob status >/dev/null && rmdir e", quiet: true},
	}
}

func TestOddWorlds(t *testing.T) {
	t.Parallel()
	first := newHouse(t)
	first.store()
	for _, tc := range oddWorlds() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.storeOf(first)
			tc.run(h)
		})
	}
}

func (tc odd) run(h *house) {
	h.write(strings.ReplaceAll(oddConfig, "URL", h.aws.URL), ".aws", "config")
	h.asNobody()
	if tc.spoil != nil {
		tc.spoil(h)
	}
	for name, value := range tc.env {
		if h.env[name] = strings.NewReplacer("HOME", h.home, "URL", h.aws.URL).Replace(value); value == "-" {
			delete(h.env, name)
		}
	}
	script := tc.script
	if script == "" {
		script = "fob export --format json plain"
	}
	got := h.sh(strings.ReplaceAll(script, "STORE", h.data()))
	for _, part := range tc.want {
		if !strings.Contains(got.errors, part) {
			h.t.Errorf("no %q in the message", part)
		}
	}
	switch {
	case got.status != tc.status:
		h.t.Errorf("status %d, want %d", got.status, tc.status)
	case tc.status != 0 && got.errors == "":
		h.t.Error("not a word")
	case tc.quiet && got.errors != "", got.out != tc.out && (tc.out != "" || tc.status != 0):
		h.t.Error("says too much")
	}
	if h.t.Failed() {
		h.t.Logf("%s\n%s", got.out, got.errors)
	}
}
