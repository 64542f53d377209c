package source

import (
	"fob/internal/decide/profile"
	"fob/internal/fault"
)

// elsewhereKind knows the settings of sources that fob does not read yet. A
// profile that uses one is told so, instead of being taken for an empty one.
type elsewhereKind struct{}

// Begins is true: these are sources of their own.
func (elsewhereKind) Begins() bool { return true }

// Plan never gives a step: it gives an error or nothing.
func (elsewhereKind) Plan(p profile.Profile) (Step, error) {
	for _, one := range []struct{ key, way, next string }{
		{"sso_start_url", "IAM Identity Center", "until then: aws sso login, and as a source: credential_process = aws configure export-credentials --profile=" + fault.Word(p.Name)},
		{"sso_session", "IAM Identity Center", "until then: aws sso login, and as a source: credential_process = aws configure export-credentials --profile=" + fault.Word(p.Name)},
		{"login_session", "aws login", "until then, as a source: credential_process = aws configure export-credentials --profile=" + fault.Word(p.Name)},
	} {
		set, ok := p.Setting(one.key)
		if !ok {
			continue
		}
		return nil, &SettingError{Setting: set, Why: "asks for credentials from " + one.way + ", which this version of fob does not do", Next: []string{one.next}}
	}
	return nil, nil
}
