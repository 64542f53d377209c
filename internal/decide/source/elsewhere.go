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
		{"sso_start_url", "IAM Identity Center", "until then: aws sso login, and aws configure export-credentials --profile " + fault.Word(p.Name)},
		{"sso_session", "IAM Identity Center", "until then: aws sso login, and aws configure export-credentials --profile " + fault.Word(p.Name)},
		{"web_identity_token_file", "a web identity token", "use the profile with the AWS CLI or SDK directly: they read the token file themselves"},
		{"web_identity_token_process", "a web identity token", ""},
		{"credential_process", "an external process", "use the profile with the AWS CLI or SDK directly: they run the process themselves"},
		{"credential_source", "the machine's own credentials", "use the profile with the AWS CLI or SDK directly on that machine"},
		{"login_session", "aws login", "use the profile with the AWS CLI directly"},
		{"aws_access_key_id", "a key in the clear", "store the key: fob add " + fault.Word(p.Name) + ", then remove it from the file"},
	} {
		set, ok := p.Setting(one.key)
		if !ok {
			continue
		}
		e := &SettingError{Setting: profile.Setting{Key: one.key, Value: shown(one.key, set.Value), From: set.From}, Why: "asks for credentials from " + one.way + ", which this version of fob does not do"}
		if one.next != "" {
			e.Next = []string{one.next}
		}
		return nil, e
	}
	return nil, nil
}

// shown keeps values out of messages that may hold a secret.
func shown(key, value string) string {
	switch key {
	case "credential_process", "web_identity_token_process", "aws_access_key_id":
		return "..."
	}
	return value
}
