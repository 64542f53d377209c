// Package access finds out which roles a person can enter, and why not. What to
// ask, and what an answer means together with what else is known, is decided
// without asking anybody; asking is thin. It does not know where credentials
// come from, nor how the result is printed.
package access

import "strings"

// Answer is whether a role can be entered.
type Answer string

// The answers. Unknown is for what was not asked, or got no answer.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown"
)

// Reason is why a role cannot be entered, or why that is not known.
type Reason string

// The reasons, as programs read them.
const (
	NoMFA         Reason = "no-mfa"         // the session carries no MFA
	MFADevice     Reason = "mfa-device"     // the config names a device that the user does not have
	NoGroup       Reason = "no-group"       // no policy of the user or of their groups allows it
	RoleMissing   Reason = "role-missing"   // a group allows a role that does not exist
	RoleGone      Reason = "role-gone"      // the config names a role that does not exist
	Trust         Reason = "trust"          // the role's trust policy refuses
	SessionPolicy Reason = "session-policy" // a session policy leaves it out
	Denied        Reason = "denied"         // a policy forbids it, whatever others allow
	WrongAccount  Reason = "wrong-account"  // the account's id is wrong
	Unclear       Reason = "unclear"        // AWS gives no reason, and what could tell cannot be read
	Unreachable   Reason = "unreachable"    // no answer came
	Throttled     Reason = "throttled"      // AWS wants fewer calls, after some tries too
	Config        Reason = "config"         // the profile cannot be used
	OwnCode       Reason = "own-code"       // asking would cost an MFA code of its own
	NotAsked      Reason = "not-asked"      // too many before it got no answer
)

// Verdict is what is known of one role.
type Verdict struct {
	Answer Answer
	Reason Reason // "" for yes
	// Why says what the reason rests on.
	Why string
	// Next is what helps, the likeliest first.
	Next []string
}

// AccountOf is the account id in an ARN, or "".
func AccountOf(arn string) string { return field(arn, 4) }

// PartitionOf is the partition of an ARN, or "".
func PartitionOf(arn string) string { return field(arn, 1) }

// NameOf is the name at the end of an ARN, without its path.
func NameOf(arn string) string { return arn[strings.LastIndexAny(arn, "/:")+1:] }

func field(arn string, i int) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return ""
	}
	return parts[i]
}

// RoleARN is the ARN of a role by its name.
func RoleARN(partition, account, name string) string {
	return "arn:" + partition + ":iam::" + account + ":role/" + name
}
