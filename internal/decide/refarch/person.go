package refarch

import (
	"strings"
)

// User is the name of the IAM user of an ARN, without its path; ok is false for
// the root user, a role and anything else.
func User(arn string) (name string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "iam" || !strings.HasPrefix(parts[5], "user/") {
		return "", false
	}
	name = parts[5][strings.LastIndexByte(parts[5], '/')+1:]
	return name, name != ""
}

// SerialOf is the MFA device that a user of an account has, since the
// architecture lets each user enrol one of their own name only.
func SerialOf(account, user string) string { return "arn:aws:iam::" + account + ":mfa/" + user }

// Device picks the MFA device that codes are sent for: the one that is named like
// the user, else the only one. "" says that there is none. Security keys are
// left out: the API takes no code of theirs.
func Device(user string, serials []string) (string, error) {
	var usable []string
	for _, s := range serials {
		if parts := strings.SplitN(s, ":", 6); len(parts) == 6 && !strings.HasPrefix(parts[5], "mfa/") {
			continue
		}
		if s[strings.LastIndexByte(s, '/')+1:] == user {
			return s, nil
		}
		usable = append(usable, s)
	}
	switch len(usable) {
	case 0:
		return "", nil
	case 1:
		return usable[0], nil
	}
	return "", &Error{Text: "user " + shown(user) + " has several MFA devices, none of which is named like the user: " + strings.Join(usable, ", "), Next: []string{"name the one to use: --mfa-serial ARN"}}
}
