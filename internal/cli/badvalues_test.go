//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fob/internal/front"
	"fob/internal/obtain/mfa"

	"github.com/spf13/pflag"
)

// TestBadKeys gives each key of the config that fob reads a wrong value: the
// error names the key, and the file and the line where it stands.
func TestBadKeys(t *testing.T) {
	t.Parallel()
	const (
		enters = "role_arn = arn:aws:iam::123456789012:role/x\n"
		over   = enters + "source_profile = plain\n"
	)
	cases := []struct{ key, lines, want string }{
		{"role_arn", "source_profile = plain\nrole_arn = banana\n", `role_arn "banana" (~/.aws/config:6) is not the ARN of a role`},
		{"source_profile", enters + "source_profile =\n", `source_profile "" (~/.aws/config:6) is empty`},
		{"credential_source", enters + "credential_source = Cloud\n", `credential_source "Cloud" (~/.aws/config:6) is not one of`},
		{"credential_process", "credential_process =\n", `credential_process "" (~/.aws/config:5) is empty`},
		{"duration_seconds", over + "duration_seconds = soon\n", `duration_seconds "soon" (~/.aws/config:7) is not a duration`},
		{"endpoint_url", over + "endpoint_url = ::::\n", `endpoint_url "::::" (~/.aws/config:7) is not a URL`},
		{"region", over + "region = Oregon (US)\n", `region "Oregon (US)" (~/.aws/config:7) is not the name of a region`},
		{"fob_guard", over + "fob_guard = maybe\n", `fob_guard "maybe" (~/.aws/config:7) is no guard`},
		{"include_profile", over + "include_profile = absent\n", `~/.aws/config:7: profile "t": include_profile`},
		{"mfa_serial", over + "mfa_serial = arn:x\n", `mfa_serial "arn:x" (~/.aws/config:7) is not`},
		{"mfa_process", over + "mfa_serial = arn:aws:iam::123456789012:mfa/plain\nmfa_process = false\n", "mfa_process (~/.aws/config:8): exit status 1"},
		{"role_session_name", over + "role_session_name = a b\n", `role_session_name "a b" (~/.aws/config:7) must be`},
		{"external_id", over + "external_id = a b\n", `external_id "a b" (~/.aws/config:7) must be`},
		{"source_identity", over + "source_identity = a b\n", `source_identity "a b" (~/.aws/config:7) must be`},
		{"session_tags", over + "session_tags = a=1,a=2\n", `session_tags "a=1,a=2" (~/.aws/config:7) names the tag "a" twice`},
		{"session_tags", over + "session_tags = nonsense\n", `session_tags "nonsense" (~/.aws/config:7)`},
		{"transitive_session_tags", over + "session_tags = a=b\ntransitive_session_tags = c\n", `transitive_session_tags "c" (~/.aws/config:8)`},
		{"services", over + "services = absent\n", `~/.aws/config:7`},
		{"sts_regional_endpoints", over + "sts_regional_endpoints = nearby\n", `sts_regional_endpoints "nearby" (~/.aws/config:7) is neither`},
		{"use_fips_endpoint", over + "use_fips_endpoint = 1.5\n", `use_fips_endpoint "1.5" (~/.aws/config:7) is neither true nor false`},
		{"use_dualstack_endpoint", over + "use_dualstack_endpoint = ja\n", `use_dualstack_endpoint "ja" (~/.aws/config:7) is neither true nor false`},
		{"ca_bundle", over + "ca_bundle = /nonexistent/ca.pem\n", "ca_bundle (~/.aws/config:7): the CA bundle /nonexistent/ca.pem"},
		{"web_identity_token_file", enters + "web_identity_token_file = /nonexistent/token\n", "web_identity_token_file (~/.aws/config:6)"},
		{"web_identity_token_process", enters + "web_identity_token_process = false\n", "web_identity_token_process (~/.aws/config:6)"},
		{"sso_start_url", "sso_start_url = https://x\n", `sso_start_url "https://x" (~/.aws/config:5) asks for credentials from IAM Identity Center`},
		{"sso_session", "sso_session = corp\n", `sso_session "corp" (~/.aws/config:5) asks for credentials from IAM Identity Center`},
		{"login_session", "login_session = x\n", `login_session "x" (~/.aws/config:5) asks for credentials from aws login`},
		{"aws_access_key_id", "aws_access_key_id = CANARY\n", `aws_access_key_id "..." (~/.aws/config:5) has no aws_secret_access_key`},
	}
	first := newHouse(t)
	first.store()
	known := []string{"aws_secret_access_key", "aws_session_token"} // any text may be one
	for _, tc := range cases {
		known = append(known, tc.key)
		t.Run(tc.key, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.storeOf(first)
			h.env["AWS_ENDPOINT_URL"] = h.aws.URL
			if tc.key == "endpoint_url" {
				delete(h.env, "AWS_ENDPOINT_URL")
			}
			h.write(withPlain+"[profile t]\n"+tc.lines, ".aws", "config")
			got := h.fob("export", "--format", "json", "t")
			if got.status != 3 || got.out != "" || !strings.Contains(got.errors, tc.want) || !strings.Contains(got.errors, tc.key) {
				t.Errorf("status %d, %q; want %q", got.status, got.errors, tc.want)
			}
		})
	}
	for _, key := range keysOfCode(t) {
		if !slices.Contains(known, key) {
			t.Errorf("%s is read, and no row gives it a wrong value", key)
		}
	}
}

// keysOfCode are the keys that the code asks for.
func keysOfCode(t *testing.T) (keys []string) {
	t.Helper()
	asked := regexp.MustCompile(`(?:Setting|Value|text|boolean|tags)\((?:p, )?"([a-z_]+)"|\{"([a-z]+_[a-z_]+)", "`)
	for _, dir := range []string{"source", "chain"} {
		files, err := filepath.Glob("../decide/" + dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range asked.FindAllStringSubmatch(string(text), -1) {
				keys = append(keys, m[1]+m[2])
			}
		}
	}
	if len(keys) < 20 {
		t.Fatalf("found %q: this test reads them wrongly", keys)
	}
	return keys
}

// badFlag is a wrong value for a flag, on the command that is asked: the error
// names the flag. A flag without a value is one of which any text may be right.
type badFlag struct{ value, want string }

func badFlags() map[string]badFlag {
	return map[string]badFlag{
		"passphrase-fd":     {"99", "passphrase-fd"},
		"new-passphrase-fd": {"99", "--new-passphrase-fd"},
		"min-ttl":           {"soon", "--min-ttl"},
		"timeout":           {"soon", "--timeout"},
		"backend":           {"nothing", "--backend"},
		"prompt":            {"nothing", "--prompt"},
		"duration":          {"soon", "--duration"},
		"region":            {"Oregon (US)", "--region"},
		"mfa-token":         {"12345", "--mfa-token"},
		"serial":            {"arn:x", "--serial"},
		"policy":            {"{", "--policy"},
		"policy-file":       {"/nonexistent", "--policy-file"},
		"policy-arns":       {"banana", "--policy-arns"},
		"format":            {"yaml", "--format"},
		"grace":             {"soon", "--grace"},
		"role":              {" ", "--role"},
		"from":              {"nothing", "--from"},
		"csv":               {"/nonexistent", "--csv"},
		"out":               {"a\nb", "--out"},
		"service":           {"a/b", "--service"},
		"path":              {"%zz", "--path"},
		"browser":           {`a "b`, "--browser"},
		"profile":           {},
		"collection":        {"fob", "--collection means nothing to plugin"},
		"identity":          {"/nonexistent/tpm.txt", "/nonexistent/tpm.txt"},
		"no-descriptions":   {},
		"source":            {"a]b", "--source"},
		"organization":      {"arn:aws:iam::1:role/x", "--organization"},
		"user":              {"a/b", "--user"},
		"mfa-serial":        {"banana", "--mfa-serial"},
		"roles":             {"../x", "--roles"},
		"role-name":         {"x-{rolle}", "--role-name"},
		"role-prefix":       {"a b", "--role-prefix"},
		"agent":             {"a b", "--agent"},
		"to":                {"a b", "--to"},
		"for":               {"soon", "--for"},
		"reason":            {},
		"allow-uid":         {"nobody", "--allow-uid"},
		"token-dir":         {"/dev/null", "/dev/null"},
	}
}

// TestBadFlags gives each flag of each command a wrong value.
func TestBadFlags(t *testing.T) {
	t.Parallel()
	first := newHouse(t)
	first.store()
	bad := badFlags()
	for _, c := range tree() {
		if c.HasSubCommands() || shellOf(c) {
			continue
		}
		command := strings.Fields(c.CommandPath())[1:]
		var args []string
		if strings.Contains(c.Use, "PROFILE") {
			args = []string{"t"}
		}
		if c.Name() == "add" {
			args = []string{"fresh"}
		}
		if strings.Contains(c.Use, "WAY") {
			args = []string{"plugin"}
		}
		check := func(f *pflag.Flag, global bool) {
			if f.Hidden || f.Name == "help" || global && command[0] != "exec" && command[0] != "export" {
				return
			}
			row, known := bad[f.Name]
			if f.Value.Type() == "bool" {
				row, known = badFlag{"maybe", "--" + f.Name}, true
			}
			if !known {
				t.Errorf("%s --%s: no row gives it a wrong value", c.CommandPath(), f.Name)
			}
			if row.want == "" {
				return
			}
			t.Run(strings.Join(command, " ")+" --"+f.Name, func(t *testing.T) {
				t.Parallel()
				h := newHouse(t)
				h.storeOf(first)
				h.env["AWS_ENDPOINT_URL"] = h.aws.URL
				h.write(withPlain+"[profile t]\nregion = us-east-1\nsource_profile = plain\nmfa_serial = arn:aws:iam::123456789012:mfa/plain\nrole_arn = arn:aws:iam::123456789012:role/x\n", ".aws", "config")
				got := h.fob(slices.Concat(command, []string{"--" + f.Name + "=" + row.value}, args)...)
				if got.status == 0 || got.out != "" || strings.Contains(got.errors, "strconv") || !strings.Contains(got.errors, row.want) {
					t.Errorf("status %d, %q; want %q", got.status, got.errors, row.want)
				}
			})
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { check(f, false) })
		c.InheritedFlags().VisitAll(func(f *pflag.Flag) { check(f, true) })
	}
}

// TestBadVariables gives variables a wrong value: the error names the variable,
// before anything is asked, and also where a kept session could answer, which
// the front must leave to fob-core.
func TestBadVariables(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, value string
		want        string   // beside the name
		run         []string // else exec t -- true
	}{
		{name: "AWS_MAX_ATTEMPTS", value: "many", want: `"many" is not a number of tries`},
		{name: "AWS_MAX_ATTEMPTS", value: "0", want: `"0" is not a number of tries`},
		{name: "AWS_MAX_ATTEMPTS", value: "-1", want: `"-1" is not a number of tries`},
		{name: "AWS_MAX_ATTEMPTS", value: "x", want: `"x" is not a number of tries`, run: []string{"rotate", "plain"}},
		{name: "FOB_BACKEND", value: "nothing", want: `"nothing"`},
		{name: "FOB_PROMPT", value: "nothing", want: `"nothing" (--prompt, or its variable`},
		{name: "AWS_VAULT_PROMPT", value: "nothing", want: `"nothing" (--prompt, or its variable`},
		{name: "FOB_PROFILE_ENV", value: "perhaps", want: `"perhaps" is neither true nor false`},
		{name: "AWS_VAULT_PROFILE_ENV", value: "perhaps", want: `"perhaps" is neither true nor false`},
		{name: "FOB_AUTO_LOGOUT", value: "perhaps", want: `"perhaps" is neither true nor false`, run: []string{"login", "-s", "t"}},
		{name: "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", value: "perhaps", want: `"perhaps" (environment variable) is neither true nor false`},
		{name: "FOB_MIN_TTL", value: "soon", want: `"soon" is not a length of time up to 12h`},
		{name: "AWS_CA_BUNDLE", value: "/nonexistent", want: "): the CA bundle /nonexistent"},
		{name: "AWS_CA_BUNDLE", value: "/nonexistent", want: "): the CA bundle /nonexistent", run: []string{"explain", "m"}},
		{name: "AWS_CA_BUNDLE", value: "/nonexistent", want: "): the CA bundle /nonexistent", run: []string{"exec", "m", "--", "true"}},
	} {
		t.Run(tc.name+" "+tc.value+" "+strings.Join(tc.run, " "), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.write(withPlain+"[profile t]\nregion = us-east-1\nsource_profile = plain\nrole_arn = arn:aws:iam::123456789012:role/x\n"+
				"[profile m]\nregion = us-east-1\nsource_profile = t\nmfa_serial = arn:aws:iam::123456789012:mfa/plain\nrole_arn = arn:aws:iam::123456789012:role/x\n", ".aws", "config")
			h.store()
			h.env["AWS_ENDPOINT_URL"] = h.aws.URL
			run := tc.run
			if run == nil {
				run = []string{"exec", "t", "--", "true"}
			}
			if got := h.fob("exec", "t", "--", "true"); got.status != 0 {
				t.Fatal(got.errors)
			}
			h.env[tc.name] = tc.value
			got := h.fob(run...)
			if got.status == 0 || got.out != "" || !strings.Contains(got.errors, tc.want) || !strings.Contains(got.errors, tc.name) && !strings.Contains(tc.want, "variable") {
				t.Errorf("status %d, %q; want %q", got.status, got.errors, tc.want)
			}
		})
	}
}

// The front knows the ways to ask for codes by a list of its own.
func TestFrontPrompts(t *testing.T) {
	t.Parallel()
	ours, theirs := front.Prompts(), mfa.Names()
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) {
		t.Errorf("%q, want %q", ours, theirs)
	}
}
