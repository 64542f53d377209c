package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"fob/internal/decide/iampolicy"
	"fob/internal/decide/refarch"
	"fob/internal/fault"
	"fob/internal/obtain/awsapi"
)

// Existence is what an account itself tells of a role.
type Existence int

// What is known of a role. Unseen is where nobody could be asked.
const (
	Unseen Existence = iota
	Absent
	Present
)

// Seen is what was read of a role in its own account, by a session there.
type Seen struct {
	Existence
	Trust string // the trust policy of a role that is present
}

// Evidence is all that is known when AWS has refused a role.
type Evidence struct {
	ARN string
	// Profile is the profile of the config that names the role, or "".
	Profile string
	// Err is what came of asking.
	Err error
	Who Person
	// MFA says that the session carries it.
	MFA bool
	// AddMFA is what gives the session MFA, in words, or "".
	AddMFA string
	Seen   Seen
	// Book has the accounts that are known by other means.
	Book Book
}

// Decide turns what came of asking for a role into a verdict.
func Decide(e Evidence) Verdict {
	if e.Err == nil {
		return Verdict{Answer: Yes}
	}
	refusal := (*awsapi.Refusal)(nil)
	switch {
	case errors.Is(e.Err, ErrNotAsked):
		return Verdict{Answer: Unknown, Reason: NotAsked, Why: e.Err.Error(), Next: []string{"ask for fewer: fob access PROFILE"}}
	case errors.Is(e.Err, context.Canceled):
		return Verdict{Answer: Unknown, Reason: NotAsked, Why: "it was interrupted before an answer came"}
	case !errors.As(e.Err, &refusal):
		return Verdict{Answer: Unknown, Reason: Unreachable, Why: e.Err.Error()}
	case throttled(refusal):
		return Verdict{Answer: Unknown, Reason: Throttled, Why: refusal.Error(), Next: []string{"wait a minute, then ask for fewer: fob access PROFILE"}}
	case refusal.Status >= 500:
		return Verdict{Answer: Unknown, Reason: Unreachable, Why: refusal.Error()}
	case refusal.Code != "AccessDenied" && refusal.Code != "AccessDeniedException":
		return odd(refusal)
	}
	v, ok := e.worded(refusal.Message)
	if !ok {
		v = e.weigh()
	}
	return e.withSlip(v)
}

// withSlip names the default role that the config may mean, where it names one that
// is none and is spelt nearly so.
func (e Evidence) withSlip(v Verdict) Verdict {
	near := refarch.NearRole(NameOf(e.ARN))
	if e.Profile == "" || near == "" || v.Reason != Unclear && v.Reason != RoleGone && v.Reason != NoGroup {
		return v
	}
	meant := strings.TrimSuffix(e.ARN, NameOf(e.ARN)) + near
	v.Next = append([]string{"if the default role is meant, correct role_arn" + e.ofProfile() + ": " + meant}, v.Next...)
	return v
}

// throttled says whether AWS refuses because of too many calls.
func throttled(r *awsapi.Refusal) bool {
	for _, begins := range []string{"Throttl", "RequestThrottl", "TooManyRequests", "RequestLimitExceeded", "SlowDown"} {
		if strings.HasPrefix(r.Code, begins) {
			return true
		}
	}
	return r.Status == http.StatusTooManyRequests
}

// odd is a refusal that says nothing of the person's rights.
func odd(r *awsapi.Refusal) Verdict {
	v := Verdict{Answer: Unknown, Reason: Unclear, Why: r.Error()}
	if r.Code == "ValidationError" && strings.Contains(r.Message, "ARN") {
		v.Answer, v.Reason = No, WrongAccount
		v.Next = []string{"see that the ARN is of this partition and of twelve digits"}
	}
	return v
}

// worded takes AWS's own reason, which stands in the text where caller and role
// are of one account or one organization
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html).
func (e Evidence) worded(message string) (Verdict, bool) {
	said := func(part string) bool { return strings.Contains(message, part) }
	v := Verdict{Answer: No, Why: "AWS says: " + message}
	switch {
	case said("TagSession"), said("SetSourceIdentity"):
		v.Reason, v.Next = Trust, []string{"remove session_tags and source_identity, or let the role's trust policy allow them"}
	case said("session policy"):
		v.Reason, v.Next = SessionPolicy, []string{"begin at credentials that no session policy narrows"}
	case said("explicit deny in the role trust policy"), said("no role trust policy allows"), said("resource-based policy"):
		v.Reason, v.Next = Trust, []string{e.askTrust()}
	case said("explicit deny"), said("service control policy"), said("resource control policy"), said("permissions boundary"):
		v.Reason, v.Next = Denied, []string{"ask who keeps that policy: no group can allow what it forbids"}
	case said("no identity-based policy allows") && e.likeMFA():
		return e.noMFA("a policy of yours allows it with MFA only"), true
	case said("no identity-based policy allows"):
		return e.noGroup(v.Why), true
	default:
		return v, false
	}
	return v, true
}

// WorthALook says whether reading the role in its own account would tell more.
func (e Evidence) WorthALook() bool {
	refusal := (*awsapi.Refusal)(nil)
	if !errors.As(e.Err, &refusal) || !strings.HasPrefix(refusal.Code, "AccessDenied") {
		return false
	}
	if _, ok := e.worded(refusal.Message); ok {
		return false
	}
	leave, _ := iampolicy.MayAssume(e.Who.Policies, e.Who.Name, e.ARN, e.MFA)
	return leave != iampolicy.Forbidden && (leave != iampolicy.Silent || !e.Who.Complete)
}

// weigh finds the reason where AWS names none, from what is known of the person
// and of the role.
func (e Evidence) weigh() Verdict {
	leave, from := iampolicy.MayAssume(e.Who.Policies, e.Who.Name, e.ARN, e.MFA)
	known := e.Who.Complete
	switch {
	case e.Who.WithoutMFA && !machine(e.ARN):
		return e.noMFA("IAM refuses the session as one without MFA, and roles for people ask for it")
	case leave == iampolicy.Forbidden:
		return Verdict{Answer: No, Reason: Denied, Why: "it is denied by a policy of " + from, Next: []string{"ask who keeps that policy: no other group can allow what it forbids"}}
	case leave == iampolicy.Silent && known && e.likeMFA():
		return e.noMFA("a policy of yours allows it with MFA only")
	case leave == iampolicy.Silent && known:
		return e.noGroup("none of your policies allows it (groups: " + e.Who.groups() + ")")
	case e.Seen.Existence == Absent:
		return e.absent(leave, from)
	case e.Seen.Existence == Present:
		return e.present(leave, from)
	case !e.MFA && !machine(e.ARN):
		return e.noMFA("the session carries no MFA, which roles for people ask for")
	}
	return e.unclear(leave, from)
}

// likeMFA says whether the person's policies would allow it with MFA.
func (e Evidence) likeMFA() bool {
	leave, _ := iampolicy.MayAssume(e.Who.Policies, e.Who.Name, e.ARN, true)
	return !e.MFA && leave >= iampolicy.Perhaps
}

func (e Evidence) noMFA(why string) Verdict {
	v := Verdict{Answer: No, Reason: NoMFA, Why: why}
	if e.AddMFA != "" {
		v.Next = append(v.Next, e.AddMFA)
	}
	return v
}

func (e Evidence) noGroup(why string) Verdict {
	if near := e.Book.Near(AccountOf(e.ARN)); near != "" {
		return Verdict{
			Answer: No, Reason: WrongAccount, Why: fmt.Sprintf("%s, and %s is known nowhere else, but %s is", why, AccountOf(e.ARN), near),
			Next: []string{"correct the account's id in role_arn" + e.ofProfile() + ": " + near},
		}
	}
	return Verdict{Answer: No, Reason: NoGroup, Why: why, Next: []string{e.askGroup()}}
}

func (e Evidence) absent(leave iampolicy.Leave, from string) Verdict {
	v := Verdict{Answer: No, Reason: RoleGone, Why: "the account says that it has no such role"}
	keeper := "ask who keeps the baseline of account " + e.Book.Called(AccountOf(e.ARN)) + " to make the role"
	v.Next = []string{keeper}
	if leave >= iampolicy.Perhaps && slices.Contains(iampolicy.Named(e.Who.Policies, e.Who.Name), e.ARN) {
		v.Reason, v.Why = RoleMissing, "a policy of "+from+" allows it, and the account says that it has no such role"
		v.Next = []string{keeper + ", or to take it out of the groups"}
	}
	if human(e.ARN) && AccountOf(e.ARN) == e.Who.Account {
		v.Next = []string{"the account of the users has no roles for people: use the user's own session there"}
	}
	switch {
	case e.Profile != "":
		v.Next = append(v.Next, "or correct role_arn"+e.ofProfile())
	case v.Reason == RoleGone:
		// It was tried because all are: nobody is missing it.
		v.Why, v.Next = v.Why+", and neither a profile nor a group names it: nothing is to be mended", nil
	}
	return v
}

func (e Evidence) present(leave iampolicy.Leave, from string) Verdict {
	trust, err := iampolicy.Trusted(e.Seen.Trust, e.Who.ARN, e.MFA)
	switch {
	case err != nil || e.Who.ARN == "":
		return e.unclear(leave, from)
	case trust == iampolicy.WantsMFA:
		return e.noMFA("the role's trust policy asks for MFA, and the session carries none")
	case trust == iampolicy.Refuses:
		return Verdict{Answer: No, Reason: Trust, Why: "the role is there, and its trust policy does not name " + e.Who.ARN + " or its account", Next: []string{e.askTrust()}}
	case trust == iampolicy.WantsMore && strings.Contains(strings.ToLower(e.Seen.Trust), "aws:multifactorauthage"):
		return Verdict{Answer: No, Reason: Trust, Why: "the role's trust policy limits the age of the MFA code (aws:MultiFactorAuthAge)", Next: []string{"send it a fresh code: --no-session"}}
	case trust == iampolicy.WantsMore:
		return Verdict{Answer: No, Reason: Trust, Why: "the role's trust policy has a condition that was not met, such as an external id", Next: []string{"set external_id" + e.ofProfile() + ", or " + e.askTrust()}}
	case leave == iampolicy.Silent:
		return e.noGroup("the role is there and trusts your account, so what is missing is a policy of yours")
	}
	return e.unclear(leave, from)
}

// unclear says what it can be, and what would tell.
func (e Evidence) unclear(leave iampolicy.Leave, from string) Verdict {
	v := Verdict{Answer: No, Reason: Unclear}
	switch {
	case e.Seen.Existence == Present && leave >= iampolicy.Perhaps:
		v.Why = "a policy of " + from + " allows it and the role trusts your account: a permissions boundary or a policy of the organization may forbid it"
		v.Next = []string{"ask who keeps the organization's policies"}
	case leave >= iampolicy.Perhaps:
		v.Why = "a policy of " + from + " allows it: the role does not exist, or its trust policy refuses; AWS gives the same answer for both"
		v.Next = []string{"see which roles there are in account " + e.Book.Called(AccountOf(e.ARN)) + ": aws iam list-roles"}
	case e.Who.Name == "" && e.Who.ARN != "":
		v.Why = "who asks is " + e.Who.ARN + ": its role's policies or a session policy may leave it out, or the role may not exist or not trust it"
		v.Next = []string{"see what is asked of whom: fob explain PROFILE"}
		if e.Profile != "" {
			v.Next = []string{"see what is asked of whom: fob explain " + fault.Operand(e.Profile)}
		}
	default:
		v.Why = "AWS gives the same answer where no group allows it and where the role does not exist, and your groups cannot be read here"
		if e.Who.Why != "" {
			v.Why += " (" + e.Who.Why + ")"
		}
		v.Next = []string{e.askGroup()}
	}
	if near := e.Book.Near(AccountOf(e.ARN)); near != "" {
		v.Reason, v.Why = WrongAccount, AccountOf(e.ARN)+" is known nowhere else, but "+near+" is"
		v.Next = []string{"correct the account's id in role_arn" + e.ofProfile() + ": " + near}
	}
	return v
}

func (e Evidence) ofProfile() string {
	if e.Profile == "" {
		return ""
	}
	return fmt.Sprintf(" of profile %q", e.Profile)
}

// askGroup says what to ask of whom, in the words of the architecture's
// users.yml.
func (e Evidence) askGroup() string {
	whom := e.Who.Name
	if whom == "" {
		whom = "your user"
	}
	if group := e.Book.Group(e.ARN); group != "" {
		return "ask who keeps users.yml of the account of the users to add to the groups of " + whom + ": " + group
	}
	return "ask who keeps the account of the users for a group that allows " + whom + " sts:AssumeRole on " + e.ARN
}

func (e Evidence) askTrust() string {
	account := AccountOf(e.Who.ARN)
	if account == "" {
		account = "of the users"
	}
	return "ask who keeps the baseline of account " + e.Book.Called(AccountOf(e.ARN)) + " to let the role trust account " + account
}
