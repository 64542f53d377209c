package launch

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fob/internal/cred"
)

var (
	role = cred.Session{
		ID: "ASIAROLE", Secret: cred.NewSecret("CANARY/secret+"), Token: cred.NewSecret("CANARY=token=="),
		Expires: time.Date(2026, 1, 2, 5, 4, 5, 999, time.FixedZone("", 3600)),
	}
	longTerm = cred.AccessKey{ID: "AKIAKEY", Secret: cred.NewSecret("CANARY/secret+")}.Expose()
	roleSet  = []string{
		"AWS_ACCESS_KEY_ID=ASIAROLE", "AWS_SECRET_ACCESS_KEY=CANARY/secret+", "AWS_SESSION_TOKEN=CANARY=token==",
		"AWS_CREDENTIAL_EXPIRATION=2026-01-02T04:04:05Z", "AWS_SESSION_EXPIRATION=2026-01-02T04:04:05Z",
	}
)

func TestEnviron(t *testing.T) {
	t.Parallel()
	dev := Settings{Profile: "dev"}
	named := []string{"AWS_VAULT=dev", "FOB_PROFILE=dev"}
	for _, tt := range []struct {
		name     string
		environ  []string
		settings Settings
		session  cred.Session
		want     []string
	}{
		{name: "nothing before", settings: dev, session: role, want: slices.Concat(roleSet, named)},
		{name: "a key that does not end has no token and no end", settings: dev, session: longTerm,
			environ: []string{"AWS_SESSION_TOKEN=old", "AWS_SECURITY_TOKEN=old", "AWS_CREDENTIAL_EXPIRATION=old", "AWS_SESSION_EXPIRATION=old"},
			want:    slices.Concat([]string{"AWS_ACCESS_KEY_ID=AKIAKEY", "AWS_SECRET_ACCESS_KEY=CANARY/secret+"}, named)},
		{name: "every duplicate goes", settings: dev, session: role,
			environ: []string{"AWS_PROFILE=a", "A=1", "AWS_PROFILE=b", "AWS_ACCESS_KEY_ID=x", "AWS_ACCESS_KEY_ID=y", "A=2"},
			want:    slices.Concat([]string{"A=1", "A=2"}, roleSet, named)},
		{name: "nested: the outer identity goes entirely", settings: dev, session: role,
			environ: slices.Concat([]string{"PATH=/bin"}, roleSet, []string{"AWS_VAULT=prod", "FOB_PROFILE=prod"}),
			want:    slices.Concat([]string{"PATH=/bin"}, roleSet, named)},
		{name: "an inherited region stays when none is known", settings: dev, session: role,
			environ: []string{"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-2", "AWS_ENDPOINT_URL=http://127.0.0.1:1"},
			want: slices.Concat([]string{"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-2", "AWS_ENDPOINT_URL=http://127.0.0.1:1"},
				roleSet, named)},
		{name: "a known region and endpoint win", session: role,
			settings: Settings{Profile: "dev", Region: "us-west-2", Endpoint: "http://127.0.0.1:2"},
			environ:  []string{"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-2", "AWS_REGION=", "AWS_ENDPOINT_URL=x", "AWS_ENDPOINT_URL_STS=y"},
			want: slices.Concat([]string{"AWS_ENDPOINT_URL_STS=y"}, roleSet,
				[]string{"AWS_REGION=us-west-2", "AWS_DEFAULT_REGION=us-west-2", "AWS_ENDPOINT_URL=http://127.0.0.1:2"}, named, []string{"FOB_REGION=us-west-2", "FOB_ENDPOINT=http://127.0.0.1:2"})},
		{name: "nested: what the outer exec set for its own profile goes", settings: dev, session: role,
			environ: []string{"AWS_REGION=us-west-2", "AWS_DEFAULT_REGION=eu-west-1", "AWS_ENDPOINT_URL=http://127.0.0.1:2", "FOB_REGION=us-west-2", "FOB_ENDPOINT=http://127.0.0.1:2"},
			want:    slices.Concat([]string{"AWS_DEFAULT_REGION=eu-west-1"}, roleSet, named)},
		{name: "other ways to an identity", settings: dev, session: role,
			environ: []string{
				"AWS_CREDENTIAL_FILE=x", "AWS_DEFAULT_PROFILE=x", "AWS_SDK_LOAD_CONFIG=1", "AWS_ROLE_ARN=x", "AWS_ROLE_SESSION_NAME=x",
				"AWS_WEB_IDENTITY_TOKEN_FILE=x", "AWS_CONTAINER_CREDENTIALS_FULL_URI=x", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=x",
				"AWS_CONTAINER_AUTHORIZATION_TOKEN=x", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=x", "AWS_EC2_METADATA_SERVICE_ENDPOINT=x",
				"AWS_EC2_METADATA_V1_DISABLED=x", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=c", "AWS_SHARED_CREDENTIALS_FILE=s",
				"AWS_PAGER=", "AWS_CA_BUNDLE=b", "AWS_ACCOUNT_ID=1", "AWS_MFA_SERIAL=m",
			},
			want: slices.Concat([]string{
				"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=c", "AWS_SHARED_CREDENTIALS_FILE=s",
				"AWS_PAGER=", "AWS_CA_BUNDLE=b", "AWS_ACCOUNT_ID=1", "AWS_MFA_SERIAL=m",
			}, roleSet, named)},
		{name: "own secrets go, harmless settings stay", settings: dev, session: role,
			environ: []string{
				"FOB_PASSPHRASE=CANARY", "AWS_VAULT_FILE_PASSPHRASE=CANARY", "AWS_VAULT_OP_SERVICE_ACCOUNT_TOKEN=CANARY", "FOB_ANYTHING=1",
				"AWS_VAULT_DURATION=1h", "FOB_BACKEND=passphrase", "AWS_VAULT_BACKEND=file", "FOB_PROMPT=terminal", "AWS_VAULT_PROMPT=ykman",
				"FOB_PLAYGROUND_URL=http://127.0.0.1:1", "FOB_AGENT=a1", "AWS_VAULTS=no", "FOBBED=no",
			},
			want: slices.Concat([]string{
				"FOB_BACKEND=passphrase", "AWS_VAULT_BACKEND=file", "FOB_PROMPT=terminal", "AWS_VAULT_PROMPT=ykman",
				"FOB_PLAYGROUND_URL=http://127.0.0.1:1", "FOB_AGENT=a1", "AWS_VAULTS=no", "FOBBED=no",
			}, roleSet, named)},
		{name: "what is no variable passes", settings: dev, session: role,
			environ: []string{"AWS_PROFILE", "=C:=C:\\x", "=", "", "FOB_PASSPHRASE", "LINES=a\nb"},
			want:    slices.Concat([]string{"AWS_PROFILE", "=C:=C:\\x", "=", "", "FOB_PASSPHRASE", "LINES=a\nb"}, roleSet, named)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before := slices.Clone(tt.environ)
			if diff := cmp.Diff(tt.want, Environ(tt.environ, tt.settings, tt.session)); diff != "" {
				t.Errorf("the child's environment (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tt.environ); diff != "" {
				t.Errorf("the caller's environment was changed:\n%s", diff)
			}
		})
	}
}

// Names that differ in case are the same variable on Windows only.
func TestEnvironCase(t *testing.T) {
	t.Parallel()
	want := slices.Concat([]string{"aws_profile=lower"}, roleSet, []string{"AWS_VAULT=dev", "FOB_PROFILE=dev"})
	if runtime.GOOS == "windows" {
		want = want[1:]
	}
	if diff := cmp.Diff(want, Environ([]string{"aws_profile=lower"}, Settings{Profile: "dev"}, role)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// documented is the set that the help topic promises, written as a reader
// would: the name ends in "*" for a prefix.
var documented = struct{ removed, kept []string }{
	removed: []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
		"AWS_SESSION_EXPIRATION", "AWS_CREDENTIAL_FILE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SDK_LOAD_CONFIG", "AWS_CONTAINER_*",
		"AWS_EC2_METADATA_*", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_VAULT", "AWS_VAULT_*", "FOB_*",
	},
	kept: []string{
		"AWS_EC2_METADATA_DISABLED", "FOB_BACKEND", "FOB_PROMPT", "AWS_VAULT_BACKEND", "AWS_VAULT_PROMPT", "FOB_PLAYGROUND_URL", "FOB_AGENT", "FOB_PROCESS_OF",
	},
}

func (s Settings) removes(entry string) bool {
	name, _, ok := strings.Cut(entry, "=")
	if !ok || name == "" || slices.Contains(documented.kept, name) {
		return false
	}
	matches := func(pattern string) bool {
		prefix, wild := strings.CutSuffix(pattern, "*")
		return name == pattern || wild && strings.HasPrefix(name, prefix)
	}
	return slices.ContainsFunc(documented.removed, matches) ||
		s.Region != "" && (name == "AWS_REGION" || name == "AWS_DEFAULT_REGION") ||
		s.Endpoint != "" && name == "AWS_ENDPOINT_URL"
}

// The difference to the input is exactly the documented set, for any input.
func TestEnvironDifference(t *testing.T) {
	t.Parallel()
	names := slices.Concat(documented.removed, documented.kept, []string{
		"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_CONFIG_FILE", "PATH", "", "AWS_", "FOB_PASSPHRASE", "FOB",
	})
	rapid.Check(t, func(t *rapid.T) {
		entry := rapid.OneOf(
			rapid.Custom(func(t *rapid.T) string {
				name := strings.ReplaceAll(rapid.SampledFrom(names).Draw(t, "name"), "*", rapid.StringMatching(`[A-Z]{0,3}`).Draw(t, "rest"))
				return name + rapid.SampledFrom([]string{"", "=", "=value", "=a=b"}).Draw(t, "value")
			}),
			rapid.String(),
		)
		environ := rapid.SliceOf(entry).Draw(t, "environ")
		s := Settings{
			Profile:  "dev",
			Region:   rapid.SampledFrom([]string{"", "us-west-2"}).Draw(t, "region"),
			Endpoint: rapid.SampledFrom([]string{"", "http://127.0.0.1:4566"}).Draw(t, "endpoint"),
		}
		want := slices.Clone(roleSet)
		if s.Region != "" {
			want = append(want, "AWS_REGION=us-west-2", "AWS_DEFAULT_REGION=us-west-2")
		}
		if s.Endpoint != "" {
			want = append(want, "AWS_ENDPOINT_URL=http://127.0.0.1:4566")
		}
		want = slices.Concat(slices.DeleteFunc(slices.Clone(Inherited(environ)), s.removes), want, []string{"AWS_VAULT=dev", "FOB_PROFILE=dev"})
		if s.Region != "" {
			want = append(want, "FOB_REGION="+s.Region)
		}
		if s.Endpoint != "" {
			want = append(want, "FOB_ENDPOINT="+s.Endpoint)
		}
		if diff := cmp.Diff(want, Environ(environ, s, role)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// Any environment: the session's variables stand in it once and are the
// session's, nothing of another identity is left, and the rest is what it was.
func FuzzEnviron(f *testing.F) {
	f.Add("AWS_PROFILE=a\x00AWS_PROFILE=b\x00PATH=/bin", "us-west-2", "")
	f.Add("=x\x00AWS_SESSION_TOKEN\x00FOB_PASSPHRASE=CANARY", "", "http://127.0.0.1:1")
	f.Fuzz(func(t *testing.T, joined, region, endpoint string) {
		environ := strings.Split(joined, "\x00")
		s := Settings{Profile: "dev", Region: region, Endpoint: endpoint}
		got := Environ(environ, s, role)
		kept := slices.DeleteFunc(slices.Clone(Inherited(environ)), s.removes)
		if len(got) < len(kept) || !slices.Equal(got[:len(kept)], kept) {
			t.Fatalf("the rest changed: %q", got)
		}
		count := map[string]int{}
		for _, e := range got {
			name, _, ok := strings.Cut(e, "=")
			if ok {
				count[name]++
			}
		}
		for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_VAULT"} {
			if count[name] != 1 {
				t.Errorf("%s stands %d times", name, count[name])
			}
		}
		if count["AWS_PROFILE"]+count["AWS_SECURITY_TOKEN"]+count["FOB_PASSPHRASE"] > 0 {
			t.Errorf("another identity or a secret of ours is left: %q", got)
		}
	})
}
