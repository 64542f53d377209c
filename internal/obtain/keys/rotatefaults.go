package keys

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/fault"
	"fob/internal/obtain/awsapi"
)

// userName is the last part of a user's ARN: its path stands before it. Root has
// no name.
func userName(who awsapi.Identity) string {
	_, rest, ok := strings.Cut(who.ARN, ":user/")
	if !ok {
		return ""
	}
	return rest[strings.LastIndexByte(rest, '/')+1:]
}

func (r *Rotator) again() string { return "fob rotate " + fault.Operand(r.Profile) }

func (r *Rotator) failed(why error, code fault.Code, next ...string) error {
	return &fault.Error{What: "cannot rotate the key of profile " + profile.Shown(r.Profile), Why: why, Next: next, Code: code}
}

// refused tells what IAM said, and what helps against it.
func (r *Rotator) refused(err error) error {
	no := (*awsapi.Refusal)(nil)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case !errors.As(err, &no):
		return r.failed(err, fault.Failed, "check the network, then: "+r.again())
	case transient(err):
		return r.failed(err, fault.Failed, "wait a minute, then: "+r.again())
	case no.Code == "AccessDenied" && r.KeySigns:
		return r.failed(err, fault.Refused, "if the policies of the user want MFA: set mfa_serial in the profile, and leave --no-session out", "else let the user manage its own access keys (iam:CreateAccessKey and the like)")
	case no.Code == "AccessDenied":
		return r.failed(err, fault.Refused, "let the user manage its own access keys (iam:CreateAccessKey and the like)")
	case no.Code == "ExpiredToken", no.Code == "InvalidClientTokenId":
		return r.failed(err, fault.Refused, "get a new session: fob clear "+fault.Operand(r.Profile)+", then "+r.again())
	}
	return r.failed(err, fault.Refused)
}

// unfinished is a failure behind which the journal stands: nothing is lost.
func (r *Rotator) unfinished(err error) error {
	if errors.Is(err, context.Canceled) {
		r.Say("the rotation is not finished; go on with it: %s", r.again())
		return err
	}
	code := fault.Failed
	if no := (*awsapi.Refusal)(nil); errors.As(err, &no) && no.Status < 500 {
		code = fault.Refused
	}
	return r.failed(fmt.Errorf("the rotation has begun and is not finished: %w", err), code, "go on with it: "+r.again(), "see where it stands: fob status")
}

// notKnown says that the stored key itself is of no use.
func (r *Rotator) notKnown(key cred.AccessKey, err error) error {
	if !unknownKey(err) && !refusedBy(err, "SignatureDoesNotMatch") {
		return r.refused(err)
	}
	return r.failed(fmt.Errorf("the stored key %s does not work: %w", cred.Short(key.ID), err), fault.Refused, "store the one that does: fob add "+fault.Operand(r.Profile))
}

// twoKeys explains why no third key can be made.
func (r *Rotator) twoKeys(ctx context.Context, s *state) error {
	return r.failed(errors.New("a user may have two access keys, and both are there:\n"+r.describe(ctx, s, s.have)), fault.Refused,
		"delete the one that nothing uses, in the IAM console, then: "+r.again())
}

// unsettled says what stands in the way when nobody has agreed to remove it.
func (r *Rotator) unsettled(text string, err error) error {
	code := fault.Failed
	if err != nil {
		if code = fault.CodeOf(err); code != fault.Attend {
			return err
		}
	}
	return r.failed(errors.New("AWS has a key that a rotation which was cut off has made, and whose secret nobody has:\n"+text), code,
		"delete it and go on: fob rotate --yes "+fault.Operand(r.Profile))
}

// describe gives a line for each key: enough to tell which one is in use.
func (r *Rotator) describe(ctx context.Context, s *state, keys []awsapi.KeyState) string {
	lines := make([]string, 0, len(keys))
	for _, k := range keys {
		line := cred.Short(k.ID)
		if k.ID == s.stored.ID {
			line += ", stored here"
		}
		if k.Active {
			line += ", active"
		} else {
			line += ", inactive"
		}
		line += fmt.Sprintf(", %d days old", int(r.Now().Sub(k.Created).Hours()/24))
		// Who may not ask that still gets the rest.
		if use, err := r.IAM(s.stored).KeyLastUsed(ctx, k.ID); err == nil {
			line += lastUse(use)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func lastUse(u awsapi.LastUse) string {
	if u.At.IsZero() {
		return ", never used"
	}
	return ", last used at " + u.At.Format("2006-01-02 15:04") + " UTC for " + fault.Printable(u.Service)
}
