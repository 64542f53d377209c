package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fob/internal/cred"
)

var (
	full = Output{Profile: "dev", Region: "us-west-2", Session: cred.Session{
		ID: "ASIAROLE", Secret: cred.NewSecret("CANARY/secret+"), Token: cred.NewSecret("CANARY=token=="),
		Expires: time.Date(2026, 1, 2, 5, 4, 5, 999_999_999, time.FixedZone("", 3600)),
	}}
	bare = Output{Profile: "dev", Session: cred.AccessKey{ID: "AKIAKEY", Secret: cred.NewSecret("CANARY/secret+")}.Expose()}
)

func TestFormats(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ format, full, bare string }{
		{
			format: "env",
			full: "AWS_ACCESS_KEY_ID=ASIAROLE\nAWS_SECRET_ACCESS_KEY=CANARY/secret+\nAWS_SESSION_TOKEN=CANARY=token==\n" +
				"AWS_CREDENTIAL_EXPIRATION=2026-01-02T04:04:05Z\nAWS_REGION=us-west-2\nAWS_DEFAULT_REGION=us-west-2\n",
			bare: "AWS_ACCESS_KEY_ID=AKIAKEY\nAWS_SECRET_ACCESS_KEY=CANARY/secret+\n",
		}, {
			format: "export-env",
			full: "export AWS_ACCESS_KEY_ID='ASIAROLE'\nexport AWS_SECRET_ACCESS_KEY='CANARY/secret+'\nexport AWS_SESSION_TOKEN='CANARY=token=='\n" +
				"export AWS_CREDENTIAL_EXPIRATION='2026-01-02T04:04:05Z'\nexport AWS_REGION='us-west-2'\nexport AWS_DEFAULT_REGION='us-west-2'\n",
			bare: "export AWS_ACCESS_KEY_ID='AKIAKEY'\nexport AWS_SECRET_ACCESS_KEY='CANARY/secret+'\n",
		}, {
			format: "json",
			full: "{\n  \"Version\": 1,\n  \"AccessKeyId\": \"ASIAROLE\",\n  \"SecretAccessKey\": \"CANARY/secret+\",\n" +
				"  \"SessionToken\": \"CANARY=token==\",\n  \"Expiration\": \"2026-01-02T04:04:05Z\"\n}\n",
			bare: "{\n  \"Version\": 1,\n  \"AccessKeyId\": \"AKIAKEY\",\n  \"SecretAccessKey\": \"CANARY/secret+\"\n}\n",
		}, {
			format: "ini",
			full: "[dev]\naws_access_key_id = ASIAROLE\naws_secret_access_key = CANARY/secret+\naws_session_token = CANARY=token==\n" +
				"aws_credential_expiration = 2026-01-02T04:04:05Z\nregion = us-west-2\n",
			bare: "[dev]\naws_access_key_id = AKIAKEY\naws_secret_access_key = CANARY/secret+\n",
		}, {
			format: "terragrunt",
			full:   "{\"awsCredentials\": {\"ACCESS_KEY_ID\": \"ASIAROLE\", \"SECRET_ACCESS_KEY\": \"CANARY/secret+\", \"SESSION_TOKEN\": \"CANARY=token==\"}}\n",
			bare:   "{\"awsCredentials\": {\"ACCESS_KEY_ID\": \"AKIAKEY\", \"SECRET_ACCESS_KEY\": \"CANARY/secret+\"}}\n",
		}, {
			format: "fish",
			full: "set -gx AWS_ACCESS_KEY_ID 'ASIAROLE'\nset -gx AWS_SECRET_ACCESS_KEY 'CANARY/secret+'\nset -gx AWS_SESSION_TOKEN 'CANARY=token=='\n" +
				"set -gx AWS_CREDENTIAL_EXPIRATION '2026-01-02T04:04:05Z'\nset -gx AWS_REGION 'us-west-2'\nset -gx AWS_DEFAULT_REGION 'us-west-2'\n",
			bare: "set -gx AWS_ACCESS_KEY_ID 'AKIAKEY'\nset -gx AWS_SECRET_ACCESS_KEY 'CANARY/secret+'\n",
		}, {
			format: "nushell",
			full: "{\n  \"AWS_ACCESS_KEY_ID\": \"ASIAROLE\",\n  \"AWS_SECRET_ACCESS_KEY\": \"CANARY/secret+\",\n  \"AWS_SESSION_TOKEN\": \"CANARY=token==\",\n" +
				"  \"AWS_CREDENTIAL_EXPIRATION\": \"2026-01-02T04:04:05Z\",\n  \"AWS_REGION\": \"us-west-2\",\n  \"AWS_DEFAULT_REGION\": \"us-west-2\"\n}\n",
			bare: "{\n  \"AWS_ACCESS_KEY_ID\": \"AKIAKEY\",\n  \"AWS_SECRET_ACCESS_KEY\": \"CANARY/secret+\"\n}\n",
		}, {
			format: "powershell",
			full: "$Env:AWS_ACCESS_KEY_ID = 'ASIAROLE'\n$Env:AWS_SECRET_ACCESS_KEY = 'CANARY/secret+'\n$Env:AWS_SESSION_TOKEN = 'CANARY=token=='\n" +
				"$Env:AWS_CREDENTIAL_EXPIRATION = '2026-01-02T04:04:05Z'\n$Env:AWS_REGION = 'us-west-2'\n$Env:AWS_DEFAULT_REGION = 'us-west-2'\n",
			bare: "$Env:AWS_ACCESS_KEY_ID = 'AKIAKEY'\n$Env:AWS_SECRET_ACCESS_KEY = 'CANARY/secret+'\n",
		}, {
			format: "windows-cmd",
			full: "set \"AWS_ACCESS_KEY_ID=ASIAROLE\"\r\nset \"AWS_SECRET_ACCESS_KEY=CANARY/secret+\"\r\nset \"AWS_SESSION_TOKEN=CANARY=token==\"\r\n" +
				"set \"AWS_CREDENTIAL_EXPIRATION=2026-01-02T04:04:05Z\"\r\nset \"AWS_REGION=us-west-2\"\r\nset \"AWS_DEFAULT_REGION=us-west-2\"\r\n",
			bare: "set \"AWS_ACCESS_KEY_ID=AKIAKEY\"\r\nset \"AWS_SECRET_ACCESS_KEY=CANARY/secret+\"\r\n",
		},
	} {
		for _, c := range []struct {
			o    Output
			want string
		}{{full, tt.full}, {bare, tt.bare}} {
			if diff := cmp.Diff(c.want, written(t, tt.format, c.o)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.format, diff)
			}
		}
	}
	if f, ok := Named("yaml"); ok {
		t.Errorf("there is a format %q", f.Name)
	}
}

func written(t interface{ Fatal(...any) }, format string, o Output) string {
	f, ok := Named(format)
	if !ok {
		t.Fatal("no format", format)
	}
	var b bytes.Buffer
	if err := f.Write(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// with is the full output with another secret.
func with(secret string) Output {
	o := full
	o.Session.Secret = cred.NewSecret(secret)
	return o
}

func TestValueErrors(t *testing.T) {
	t.Parallel()
	renamed := func(profile string) Output { o := full; o.Profile = profile; return o }
	const section = "the profile name"
	badCmd := `it holds one of " % ! ^, or something else than printable ASCII`
	badSection := "it is empty, or holds a bracket or a control character"
	for _, tt := range []struct {
		format, name, why string
		o                 Output
	}{
		{"env", "AWS_SECRET_ACCESS_KEY", "it holds a control character", with("CANARY\nAWS_REGION=x")},
		{"env", "AWS_SECRET_ACCESS_KEY", "it holds a control character", with("CANARY\x00")},
		{"env", "AWS_SECRET_ACCESS_KEY", "it holds a control character", with("CANARY\x1b[31m")},
		{"export-env", "AWS_SECRET_ACCESS_KEY", "it holds a zero byte", with("CANARY\x00")},
		{"json", "SecretAccessKey", "it is not UTF-8", with("CANARY\xff")},
		{"ini", "aws_secret_access_key", "it holds a control character", with("CANARY\n[other]")},
		{"ini", "aws_secret_access_key", "it begins or ends with a space", with("CANARY ")},
		{"ini", "aws_secret_access_key", "what follows the # or ; in it would be read as a comment", with("CANARY #x")},
		{"fish", "AWS_SECRET_ACCESS_KEY", "it holds a zero byte", with("CANARY\x00")},
		{"nushell", "AWS_SECRET_ACCESS_KEY", "it is not UTF-8, or holds a zero byte", with("CANARY\xff")},
		{"nushell", "AWS_SECRET_ACCESS_KEY", "it is not UTF-8, or holds a zero byte", with("CANARY\x00")},
		{"powershell", "AWS_SECRET_ACCESS_KEY", "it holds something else than printable ASCII", with("CANARY\n")},
		{"powershell", "AWS_SECRET_ACCESS_KEY", "it holds something else than printable ASCII", with("CANARY\u2019")},
		{"windows-cmd", "AWS_SECRET_ACCESS_KEY", badCmd, with("CANARY%PATH%")},
		{"windows-cmd", "AWS_SECRET_ACCESS_KEY", badCmd, with("CANARY\" & calc")},
		{"windows-cmd", "AWS_SECRET_ACCESS_KEY", badCmd, with("CANARY\r\n")},
		{"env-no-export", "AWS_SECRET_ACCESS_KEY", "it holds a control character", with("CANARY\n")},
		{"process", "SecretAccessKey", "it is not UTF-8", with("CANARY\xff")},
		{"ini", section, badSection, renamed("")},
		{"ini", section, badSection, renamed("a]\n[b")},
		{"ini", section, badSection, renamed("a]b")},
		{"ini", section, badSection, renamed("a\tb")},
	} {
		f, _ := Named(tt.format)
		var b bytes.Buffer
		err := f.Write(&b, tt.o)
		got := (*ValueError)(nil)
		if want := (&ValueError{tt.format, tt.name, tt.why}); !errors.As(err, &got) || *got != *want {
			t.Errorf("%s: got %v, want %v", tt.format, err, want)
		}
		if b.Len() > 0 || err != nil && strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: wrote %q, said %q", tt.format, b.String(), err)
		}
	}
}

type fullDisk struct{ err error }

func (f fullDisk) Write([]byte) (int, error) { return 0, f.err }

// A full disk or a closed pipe is a failure, in each format.
func TestWriteErrors(t *testing.T) {
	t.Parallel()
	disk := errors.New("no space left on device")
	for _, f := range Formats() {
		if err := f.Write(fullDisk{disk}, full); !errors.Is(err, disk) {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

var nasty = []string{
	"CANARY", "'", "''", "'''", `\`, `\'`, `'\''`, `"`, "$HOME", "$(touch /tmp/CANARY)", "`id`", "a b", "  a  ", "\n", "a\n", "\r\n", "\t",
	"!history", "*", "~", "#x", ";id", "&", "|", "<>", "{a,b}", "[a]", "-n", "--", "=", "%s%n", "\x1b[31m", "\x7f", "\u00e4\u20ac\U0001f511", "\u202e", "\xff\xfe", "\x01",
	"'; touch x; '", "\\n", "\\0", "\\\\'",
}

// What a shell evaluates is exactly what was there, and nothing else runs.
func TestShellsReadBack(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"sh", "bash", "dash", "zsh", "ksh", "mksh", "yash", "posh", "busybox"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skip("there is no", shell, "here")
			}
			for _, value := range slices.Concat(nasty, []string{strings.Join(nasty, ""), strings.Join(nasty, "'")}) {
				if shell == "yash" {
					value = strings.ToValidUTF8(value, "?") // it keeps characters, not bytes
				}
				o := with(value)
				o.Region = value
				if got := evaluated(t, path, written(t, "export-env", o)); got != value+"|"+value+"|" {
					t.Errorf("%q came back as %q", value, got)
				}
			}
		})
	}
}

func evaluated(t *testing.T, shell, text string) string {
	t.Helper()
	args := []string{"-c", `eval "$TEXT"; printf '%s|' "$AWS_SECRET_ACCESS_KEY" "$AWS_DEFAULT_REGION"; ls -A`}
	if strings.HasSuffix(shell, "busybox") {
		args = append([]string{"sh"}, args...)
	}
	cmd := exec.CommandContext(t.Context(), shell, args...)
	cmd.Dir = t.TempDir() // ls shows what an injected command has made
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TEXT=" + text}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// A reference reader of the shell's rules agrees, for any text.
func FuzzQuoteShell(f *testing.F) {
	for _, value := range nasty {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if got, rest := word(quoteShell(value)); got != value || rest != "" {
			t.Errorf("%q reads as %q and then %q", value, got, rest)
		}
	})
}

// word reads one word of quotes and escapes as a shell does.
func word(text string) (value, rest string) {
	for text != "" {
		switch {
		case text[0] == '\'':
			inside, after, closed := strings.Cut(text[1:], "'")
			if !closed {
				return value, text
			}
			value, text = value+inside, after
		case text[0] == '\\' && len(text) > 1:
			value, text = value+text[1:2], text[2:]
		default:
			return value, text
		}
	}
	return value, ""
}

func TestJSONReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := func(name string) string { return rapid.String().Filter(utf8.ValidString).Draw(t, name) }
		o := Output{Session: cred.Session{ID: value("id"), Secret: cred.NewSecret(value("secret")), Token: cred.NewSecret(value("session token")), Expires: full.Session.Expires}}
		want := map[string]any{"Version": 1.0, "Expiration": "2026-01-02T04:04:05Z"}
		for name, v := range map[string]string{"AccessKeyId": o.Session.ID, "SecretAccessKey": o.Session.Secret.Reveal(), "SessionToken": o.Session.Token.Reveal()} {
			if v != "" {
				want[name] = v
			}
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(written(t, "json", o)), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}
