package devices

import (
	"context"
	"errors"
	"strings"

	"fob/internal/fault"
	"fob/internal/obtain/awsapi"
)

func (w *Work) failed(what string, why error, code fault.Code, next ...string) error {
	return &fault.Error{What: "cannot " + what, Why: why, Next: next, Code: code}
}

// refused tells what IAM said, and what helps against it.
func (w *Work) refused(what string, err error) error {
	done, no := (*fault.Error)(nil), (*awsapi.Refusal)(nil)
	switch {
	case errors.Is(err, context.Canceled), errors.As(err, &done):
		return err
	case !errors.As(err, &no):
		return w.failed(what, err, fault.Failed, "check the network, then run the command again")
	case no.Status >= 500, strings.HasPrefix(no.Code, "Throttling"):
		return w.failed(what, err, fault.Failed, "wait a minute and run the command again")
	}
	return w.failed(what, err, fault.Refused, w.advice(no)...)
}

// advice is what helps against a refusal.
func (w *Work) advice(r *awsapi.Refusal) []string {
	profile := fault.Operand(w.Profile)
	switch r.Code {
	case "AccessDenied":
		return w.denied(r)
	case "InvalidClientTokenId", "SignatureDoesNotMatch":
		return []string{"the stored key does not work: it was deleted or made inactive, or its secret is another one", "store the one that does: fob add " + profile}
	case "ExpiredToken":
		return []string{"get a new session: fob clear " + profile + ", then the command again"}
	case "LimitExceeded":
		return []string{"remove one that is not used: fob mfa list " + profile + ", then fob mfa remove --serial SERIAL " + profile}
	case "InvalidAuthenticationCode":
		return []string{"set the clock of the phone to the network's time, then run the command again"}
	case "NoSuchEntity":
		return []string{"something else changed the device meanwhile: see fob mfa list " + profile + ", and begin again"}
	}
	return nil
}

// denied tells apart why a policy may not allow what is asked for.
func (w *Work) denied(r *awsapi.Refusal) []string {
	var next []string
	deny := strings.Contains(r.Message, "explicit deny")
	switch {
	case deny && w.known != nil && len(w.known) == 0:
		next = append(next, "a policy denies it by name, so no group helps: who administers IAM can change that, or enrol the device for you")
	case !w.asked && (deny || r.Op == "DeactivateMFADevice"):
		next = append(next, "if the policies want MFA for this: name a device that works as mfa_serial in profile "+fault.Word(w.Profile)+", and leave --no-session out")
	}
	if w.Owner.Path != "/" {
		next = append(next, "the user has the path "+w.Owner.Path+" in its ARN, so a policy for user/${aws:username} does not mean it: it must be user"+w.Owner.Path+"${aws:username}")
	}
	next = append(next, "get into a group whose policy lets users manage the MFA device of their own name (iam-user-self-mgmt in the Reference Architecture)")
	if !strings.Contains(r.Message, w.Owner.Serial()) && strings.Contains(r.Message, ":mfa/") {
		next = append(next, "the device is not named like the user, and such a policy is for that name alone: who administers IAM can change the device")
	}
	return next[:min(len(next), 3)]
}
