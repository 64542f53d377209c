package console

import "time"

// Origin is how a session came to be, as far as the sign-in service makes a
// difference.
type Origin int

const (
	// Other is any way that is not named below: a role that was assumed from a
	// role, a federated user, credentials that somebody else has made.
	Other Origin = iota
	// RoleByKey is a role that a long-term key has assumed.
	RoleByKey
	// RoleByToken is a role that a web identity token has opened.
	RoleByToken
)

// Lifetime is how long the console session shall last, zero for as long as the
// credentials. Only a role that was not reached from another session may ask for
// a length of its own
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html).
// A kept session is older than what was asked for, so it is not more than left.
func Lifetime(o Origin, asked, left time.Duration) time.Duration {
	if o == Other {
		return 0
	}
	return min(asked, max(left, shortest)).Truncate(time.Second)
}

// shortest is the least that SessionDuration takes.
const shortest = 15 * time.Minute
