package export

import (
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// fish sources exactly what was there, and runs nothing.
func TestFishReadsBack(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("fish")
	if err != nil {
		t.Skip("there is no fish here")
	}
	for _, value := range []string{strings.Join(nasty, ""), strings.Join(nasty, "'"), strings.Join(nasty, `\`), `\`, `'`, "\n", "a\\\n'b", "$HOME (id)"} {
		value = strings.ToValidUTF8(value, "?") // it keeps characters, not bytes
		o := with(value)
		o.Region = value
		cmd := exec.CommandContext(t.Context(), path, "--no-config", "-c", `printf '%s' $TEXT | source; printf '%s|' $AWS_SECRET_ACCESS_KEY $AWS_DEFAULT_REGION; ls -A`)
		cmd.Dir = t.TempDir()
		cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=" + t.TempDir(), "TEXT=" + written(t, "fish", o)}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := string(out); got != value+"|"+value+"|" {
			t.Errorf("%q came back as %q", value, got)
		}
	}
}

// What nushell reads with "from json" is exactly what was there.
func TestNushellReadsBack(t *testing.T) {
	t.Parallel()
	for _, value := range slices.Concat(nasty, []string{strings.Join(nasty[:34], "")}) {
		if !utf8.ValidString(value) {
			continue
		}
		o := with(value)
		want := map[string]string{
			"AWS_ACCESS_KEY_ID": "ASIAROLE", "AWS_SECRET_ACCESS_KEY": value, "AWS_SESSION_TOKEN": "CANARY=token==",
			"AWS_CREDENTIAL_EXPIRATION": "2026-01-02T04:04:05Z", "AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "us-west-2",
		}
		var got map[string]string
		if err := json.Unmarshal([]byte(written(t, "nushell", o)), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", value, diff)
		}
	}
}

// There is no PowerShell and no cmd.exe here, so readers of their rules, written
// apart from the writers, say what would arrive: the value, or it was refused.
func TestWindowsShellsReadBack(t *testing.T) {
	t.Parallel()
	for format, read := range map[string]func(string) (string, bool){"powershell": readPowerShell, "windows-cmd": readCmd} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				value := rapid.OneOf(rapid.SampledFrom(nasty), rapid.StringOf(rapid.RuneFrom([]rune("aZ0/+= '\"%!^&|<>()$`\\;\n\r\u2018\u2019\u201a\u20ac")))).Draw(t, "value")
				f, _ := Named(format)
				var b strings.Builder
				err := f.Write(&b, with(value))
				if refused := (*ValueError)(nil); errors.As(err, &refused) {
					if b.Len() > 0 || value == "CANARY" {
						t.Fatalf("refused %q and wrote %q", value, b.String())
					}
					return
				}
				found := value == "" // a variable without a value is left out
				for line := range strings.Lines(b.String()) {
					name, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
					if !strings.Contains(name, "SECRET") {
						continue
					}
					got, ok := read(rest)
					if found = true; !ok || got != value {
						t.Fatalf("%q came back as %q (%v) from %q", value, got, ok, line)
					}
				}
				if !found {
					t.Fatalf("%q is not in %q", value, b.String())
				}
			})
		})
	}
}

// readPowerShell reads one single-quoted string, with all the characters that
// PowerShell takes for a single quote, and nothing behind it.
func readPowerShell(text string) (string, bool) {
	quotes := []rune("'\u2018\u2019\u201a\u201b")
	in := []rune(strings.TrimPrefix(text, " "))
	if len(in) < 2 || in[0] != '\'' {
		return "", false
	}
	var out []rune
	for i := 1; i < len(in); i++ {
		switch {
		case !slices.Contains(quotes, in[i]):
			out = append(out, in[i])
		case i+1 < len(in) && slices.Contains(quotes, in[i+1]):
			out = append(out, in[i])
			i++
		default:
			return string(out), i == len(in)-1
		}
	}
	return "", false
}

// readCmd reads what stands after set "NAME= : % and ! would be expanded, a
// quote would end the string, and a ^ before ! is taken away.
func readCmd(text string) (string, bool) {
	value, ok := strings.CutSuffix(text, `"`)
	return value, ok && !strings.ContainsAny(value, "%!\"^\r\n")
}
