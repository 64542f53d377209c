package takeover

import (
	"fmt"
	"strings"

	"fob/internal/decide/profile"
)

// MayReplace says why a profile's key must stay in its section, or nil: AWS's
// tools would then have no credentials there. config is the AWS config.
func MayReplace(set, config profile.Set, name string) error {
	section, err := set.Section(name)
	if err != nil {
		return err
	}
	if own, ok := section.Setting("credential_process"); ok {
		return fmt.Errorf("a credential_process is there too (%s)", own.From)
	}
	if p, err := config.Profile(name); err == nil {
		if role, ok := p.Setting("role_arn"); ok {
			return fmt.Errorf("the profile enters a role with its own key (%s), which the AWS tools must see", role.From)
		}
	}
	return nil
}

// Replace is the file's text with the keys of these profiles taken out, and a
// credential_process in place of each. No other line changes.
func Replace(set profile.Set, commands map[string]string) ([]byte, error) {
	text := set.Text()
	for _, name := range set.Names() {
		command, ok := commands[name]
		if !ok {
			continue
		}
		for _, edit := range []func(profile.Set) ([]byte, error){
			func(s profile.Set) ([]byte, error) { return s.WithSetting(name, "credential_process", command) },
			func(s profile.Set) ([]byte, error) { return s.WithoutSetting(name, keyID) },
			func(s profile.Set) ([]byte, error) { return s.WithoutSetting(name, keySecret) },
		} {
			var err error
			if text, err = edit(set); err != nil {
				return nil, err
			}
			if set, err = set.WithText(text); err != nil {
				return nil, err
			}
		}
	}
	return text, nil
}

// Diff shows what Replace changes, section by section, and no value that goes.
func Diff(before, after []byte, display string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", display, display)
	old, header := lines(before), ""
	tell := func(sign, line string) {
		if header != "" {
			fmt.Fprintf(&b, " %s\n", header)
		}
		header = ""
		fmt.Fprintf(&b, "%s%s\n", sign, line)
	}
	for _, line := range lines(after) {
		for len(old) > 0 && old[0] != line && isKey(old[0]) {
			name, _, _ := strings.Cut(old[0], "=")
			tell("-", name+"= ...")
			old = old[1:]
		}
		switch {
		case len(old) == 0 || old[0] != line:
			tell("+", line)
			continue
		case strings.HasPrefix(line, "["):
			header = line
		}
		old = old[1:]
	}
	return b.String()
}

// isKey tells the lines that Replace takes out.
func isKey(line string) bool {
	name, _, _ := strings.Cut(strings.ToLower(line), "=")
	name = strings.TrimSpace(name)
	return name == keyID || name == keySecret
}

// lines splits a text at the line ends that profile knows.
func lines(text []byte) []string {
	return strings.Split(strings.TrimSuffix(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text)), "\n"), "\n")
}
