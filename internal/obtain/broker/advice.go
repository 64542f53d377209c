package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/keep/cache"
	"fob/internal/obtain/awsapi"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// TooLongError says that a role does not allow sessions of that length. The
// broker has remembered it, so that the next plan asks for less.
type TooLongError struct {
	Role  string
	Asked time.Duration
	Err   error
}

// Error gives AWS's own words.
func (e *TooLongError) Error() string { return e.Err.Error() }

// Unwrap gives the refusal.
func (e *TooLongError) Unwrap() error { return e.Err }

// advise makes a step's failure into a fault: what was wanted, AWS's own words,
// and what helps in that case.
func (b *Broker) advise(ctx context.Context, w walk, i int, err error) error {
	if done := (*fault.Error)(nil); errors.As(err, &done) || errors.Is(err, ErrShut) || errors.Is(err, context.Canceled) {
		return err
	}
	where := fmt.Errorf("step %d of %d, %s: %w", i+1, len(w.Steps), w.Steps[i].Describe(), err)
	f := &fault.Error{What: fault.NoCredentials(w.Profile), Why: where, Code: fault.Failed}
	refusal, gone, bundle := (*awsapi.Refusal)(nil), (*awsapi.UnreachableError)(nil), (*awsapi.BundleError)(nil)
	switch {
	case errors.As(err, &bundle):
		f.Code, f.Next = fault.Config, []string{"correct ca_bundle, or AWS_CA_BUNDLE where that is set"}
	case errors.As(err, &gone):
		f.Next = unreachable(source.CardOf(w.Steps[i]).Endpoint)
	case errors.As(err, &refusal):
		if f.Code = fault.Refused; refusal.Status >= 500 {
			f.Code = fault.Failed // AWS is out of order, and has not said no
		}
		f.Next = b.advice(w, i, refusal)
		if tooLong(refusal) {
			f.Why = b.remember(ctx, w.Steps[i], where)
		}
	}
	return f
}

func unreachable(e source.Endpoint) []string {
	next := []string{"check the network, and HTTPS_PROXY if a proxy is needed"}
	if e.URLFrom != "" {
		next = append(next, "check endpoint_url: "+e.URL+" ("+e.URLFrom+")")
	}
	return next
}

func tooLong(r *awsapi.Refusal) bool {
	return r.Code == "ValidationError" && (contains(r.Message, "MaxSessionDuration") || contains(r.Message, "exceeds"))
}

// remember keeps the length that a role refused, so that it is not asked for
// again: each try may cost a code.
func (b *Broker) remember(ctx context.Context, s source.Step, why error) error {
	card := source.CardOf(s)
	if card.Role == "" || card.Lifetime <= time.Hour {
		return why
	}
	err := b.Cache().Update(ctx, b.Now, func(ix *cache.Index) error {
		if old, ok := ix.Refused(b.Now())[card.Role]; !ok || card.Lifetime < old {
			ix.Limits[card.Role] = cache.Limit{Refused: card.Lifetime, At: b.Now()}
		}
		return nil
	})
	if err != nil {
		return why
	}
	return &TooLongError{Role: card.Role, Asked: card.Lifetime, Err: why}
}

// skewLimit is how far a clock may be off before AWS refuses a signature
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html).
const skewLimit = 5 * time.Minute

// advice is the table of what helps against which refusal.
func (b *Broker) advice(w walk, i int, r *awsapi.Refusal) []string {
	off := b.Now().Sub(r.Date)
	if wrong := !r.Date.IsZero() && off.Abs() > skewLimit; wrong && (awsapi.OfClock(r.Code) || wrongCode(r)) {
		// A program that makes codes goes by this machine's clock too.
		return []string{"set this machine's clock: it is " + Off(-off), "sudo timedatectl set-ntp true"}
	}
	if next := webIdentity(w, i, r); next != nil {
		return next
	}
	switch r.Code {
	case "AccessDenied", "AccessDeniedException":
		next := denied(w, i, r)
		if old := b.aged(w, i, r); old != "" {
			next = append([]string{next[0], old}, next[max(1, len(next)-1):]...)
		}
		return next
	case "ExpiredToken", "ExpiredTokenException":
		return []string{"get a new session: fob clear " + fault.Operand(w.Profile) + ", then the command again", "check this machine's clock"}
	case "InvalidClientTokenId", "UnrecognizedClientException":
		if i == 0 {
			return []string{fmt.Sprintf("the stored key of profile %q is not known to AWS: it was deleted or made inactive, or is of another partition", w.Key), "store the new one: fob add " + fault.Operand(w.Key)}
		}
		return []string{"fob clear " + fault.Operand(w.Profile) + ", then the command again"}
	case "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture":
		return []string{"set this machine's clock, which AWS does not say how far off it is: sudo timedatectl set-ntp true"}
	case "SignatureDoesNotMatch":
		return []string{fmt.Sprintf("the secret stored for profile %q does not belong to its key id: fob add %s", w.Key, fault.Operand(w.Key))}
	case "RegionDisabledException":
		return []string{"use a region that is enabled in that account: --region us-east-1"}
	case "ValidationError":
		if tooLong(r) {
			return []string{"ask for less: --duration 1h", "raise MaxSessionDuration of the role"}
		}
	case "PackedPolicyTooLarge", "MalformedPolicyDocument":
		return narrowed(w, r)
	case "InternalFailure", "InternalError", "ServiceUnavailable", "Throttling", "ThrottlingException", "RequestLimitExceeded":
		return []string{"wait a minute and run the command again"}
	}
	return []string{explain(w)}
}

func explain(w walk) string {
	return "see what is asked of whom: fob explain " + fault.Operand(w.Profile)
}

// askLive is the command that asks AWS for the reason which its answer leaves open.
// It is about the profile whose role was refused, which may be on the way to another.
func askLive(w walk, i int) string {
	owner := source.CardOf(w.Steps[i]).Owner
	if owner == "" {
		return explain(w)
	}
	return "ask AWS for the reason: fob access " + fault.Operand(owner)
}

// denied tells the cases apart that AWS answers with the same word.
func denied(w walk, i int, r *awsapi.Refusal) []string {
	role, serial := source.CardOf(w.Steps[i]).Role, mfaOf(w, i)
	switch {
	case r.Op == "GetFederationToken":
		return []string{"the user needs sts:GetFederationToken, without a condition on MFA, and the key itself must ask: a session cannot"}
	case wrongCode(r):
		return []string{
			"if the code was mistyped or already used, wait for the next one and try again",
			"check that " + serial + " is your device: " + listDevices(w),
			explain(w),
		}
	case contains(r.Message, "TagSession"), contains(r.Message, "SetSourceIdentity"):
		return []string{"the role's trust policy does not allow session tags or a source identity: remove session_tags and source_identity, or extend the policy"}
	case role != "" && serial == "" && !takesMFA(w):
		return []string{
			"see that the trust policy of " + role + " names what the chain begins with: " + w.Steps[0].Describe(),
			"if that policy asks for MFA (aws:MultiFactorAuthPresent): these credentials cannot bring any, so begin at a stored key or take the condition out",
			askLive(w, i),
		}
	case role != "" && serial == "":
		return []string{
			"the role may require MFA, and no mfa_serial is set: add one to profile " + strings.Join(withoutDevice(w), " or "),
			"you need to be in a group that allows " + role,
			askLive(w, i),
		}
	case role != "":
		return []string{
			"you need to be in a group that allows " + role,
			"check that the role exists and trusts your account: AWS gives the same answer when it does not",
			askLive(w, i),
		}
	}
	return []string{explain(w)}
}

// narrowed is what helps against the refusal of a session policy.
func narrowed(w walk, r *awsapi.Refusal) []string {
	from := w.Policy.From
	switch {
	case from == "" || contains(r.Message, "session tags"):
		return []string{"set fewer or shorter session_tags: AWS has room for them and the session policy together, and no more", explain(w)}
	case r.Code == "PackedPolicyTooLarge":
		return []string{
			"shorten the session policy (" + from + "): AWS packs it in a way of its own, with less room than the 2048 characters that it counts",
			"or put it into the role's account as a managed policy, and name that: --policy-arns ARN",
		}
	}
	return []string{"correct the session policy (" + from + "), as AWS says; a managed policy must be there, in the role's account or as AWS's own", "see what is sent: fob explain --json " + fault.Operand(w.Profile)}
}

// youngMFA is the age below which no trust policy is taken to find a code too old.
const youngMFA = 5 * time.Minute

// aged tells of the age of the code behind a kept session: a trust policy may ask
// for a younger one (aws:MultiFactorAuthAge), and AWS does not say so.
func (b *Broker) aged(w walk, i int, r *awsapi.Refusal) string {
	if i == 0 || wrongCode(r) || source.CardOf(w.Steps[i]).Role == "" || source.Device(w.Steps[i-1]).Serial == "" || w.names[i-1] == "" {
		return ""
	}
	kept, err := b.Cache().Load(w.names[i-1])
	if err != nil || b.Now().Sub(kept.Made) < youngMFA {
		return ""
	}
	return "the MFA code is " + b.Now().Sub(kept.Made).Truncate(time.Minute).String() + " old: if the role's trust policy wants a younger one (aws:MultiFactorAuthAge), send one: --no-session"
}

// listDevices is the command that shows a user's devices. Ours knows a stored key.
func listDevices(w walk) string {
	if w.Key == "" || w.InClear.ID != "" {
		return "aws iam list-mfa-devices"
	}
	return "fob mfa list " + fault.Operand(w.Key)
}

// takesMFA says whether a device can be presented at all: by a stored key, or by
// what may be a user's credentials. A token of an identity provider, or what a
// machine is given, is nobody who has a device.
func takesMFA(w walk) bool {
	user, ok := w.Steps[0].(source.PresentsMFA)
	return w.Key != "" || ok && user.PresentsMFA()
}

// withoutDevice are the profiles in which an mfa_serial would count.
func withoutDevice(w walk) []string {
	if w.Key == "" || w.Key == w.Profile {
		return []string{w.Profile}
	}
	return []string{w.Profile, w.Key}
}

// mfaOf is the device whose code stands behind step i, or "".
func mfaOf(w walk, i int) string {
	for ; i >= 0; i-- {
		if m := source.Device(w.Steps[i]); m.Serial != "" {
			return m.Serial
		}
	}
	return ""
}

// Off says how far this machine's clock is from AWS's, which is ahead of it by
// that much.
func Off(ahead time.Duration) string {
	if ahead < 0 {
		return (-ahead).Round(time.Second).String() + " ahead of AWS's"
	}
	return ahead.Round(time.Second).String() + " behind AWS's"
}

// webIdentity is what helps against the refusal of a token of an identity
// provider, whose codes mean something else for a signed call.
func webIdentity(w walk, i int, r *awsapi.Refusal) []string {
	if r.Op != "AssumeRoleWithWebIdentity" {
		return nil
	}
	switch r.Code {
	case "ExpiredTokenException", "InvalidIdentityToken":
		return []string{"get a new token into place: the one that was sent is not taken any more, or never was one", explain(w)}
	case "AccessDenied":
		return []string{"see that the trust policy of " + source.CardOf(w.Steps[i]).Role + " names the identity provider, and the aud and sub of the token", explain(w)}
	}
	return nil
}
