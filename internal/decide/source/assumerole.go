package source

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/fault"
)

// Limits of AssumeRole (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
const (
	MinLifetime     = 15 * time.Minute
	MaxRoleLifetime = 12 * time.Hour
	maxPolicyARNs   = 10
	maxPolicyChars  = 2048
	maxTags         = 50
)

// AssumeRole enters a role of this or another account.
type AssumeRole struct {
	Profile string
	RoleARN string
	// SessionName is what CloudTrail shows. Generated says that no one asked
	// for it, so it does not name the session.
	SessionName string
	Generated   bool

	ExternalID, SourceIdentity string
	// Lifetime is what we ask AWS for; zero until chain has decided it.
	Lifetime       time.Duration
	Device         MFA
	Tags           []Tag
	TransitiveKeys []string
	// Policy and PolicyARNs narrow the session; they add no rights.
	Policy     string
	PolicyARNs []string
	Endpoint   Endpoint
}

type assumeRoleKind struct{}

// Begins is false: a role is assumed with other credentials.
func (assumeRoleKind) Begins() bool { return false }

// Plan reads the settings of a role. The lifetime, the MFA device and the
// endpoint depend on the neighbours: chain sets them.
func (assumeRoleKind) Plan(p profile.Profile) (Step, error) {
	arn, ok := p.Setting("role_arn")
	if !ok {
		return nil, nil
	}
	if why := badRoleARN(arn.Value); why != "" {
		return nil, &SettingError{Setting: arn, Why: why, Next: []string{"write it as arn:aws:iam::111122223333:role/NAME"}}
	}
	step := AssumeRole{Profile: p.Name, RoleARN: arn.Value}
	for _, one := range []struct {
		key   string
		to    *string
		check func(string) string
	}{
		{"role_session_name", &step.SessionName, badSessionName},
		{"external_id", &step.ExternalID, badExternalID},
		{"source_identity", &step.SourceIdentity, badSessionName},
	} {
		set, ok := p.Setting(one.key)
		if !ok || set.Value == "" {
			continue
		}
		if why := one.check(set.Value); why != "" {
			return nil, &SettingError{Setting: set, Why: why}
		}
		*one.to = set.Value
	}
	var err error
	if step.Tags, step.TransitiveKeys, err = tags(p); err != nil {
		return nil, err
	}
	return step, nil
}

// Describe names the role and the lifetime.
func (a AssumeRole) Describe() string {
	s := "assume " + a.RoleARN + " for " + a.Lifetime.String()
	if a.Policy != "" || len(a.PolicyARNs) > 0 {
		s += ", narrowed by a session policy"
	}
	return s
}

// MFA is the device whose code this call sends, if any.
func (a AssumeRole) MFA() MFA { return a.Device }

// Card tells what explain, list, the question for a code and the record show.
func (a AssumeRole) Card() Card {
	return Card{
		Call: "AssumeRole", Owner: a.Profile, Detail: a.RoleARN, Role: a.RoleARN, Lifetime: a.Lifetime, Endpoint: a.Endpoint,
		Session: a.SessionName, Policy: a.Policy, PolicyARNs: a.PolicyARNs,
		Opens: "This code opens one session only: " + a.RoleARN + " for " + fault.Lasting(a.Lifetime) + ".",
	}
}

// Parts holds every argument that is sent but a generated session name.
func (a AssumeRole) Parts() []string {
	name := a.SessionName
	if a.Generated {
		name = ""
	}
	parts := []string{"AssumeRole", a.RoleARN, name, a.ExternalID, a.SourceIdentity, a.Lifetime.String(), a.Device.Serial, a.Policy}
	parts = append(parts, strconv.Itoa(len(a.Tags)))
	for _, t := range a.Tags {
		parts = append(parts, t.Key, t.Value)
	}
	parts = append(append(parts, strconv.Itoa(len(a.TransitiveKeys))), a.TransitiveKeys...)
	parts = append(append(parts, strconv.Itoa(len(a.PolicyARNs))), a.PolicyARNs...)
	return append(parts, a.Endpoint.parts()...)
}

// ErrOtherRole says that AWS, or something that stands for it, answered with
// the session of a role that was not asked for.
var ErrOtherRole = errors.New("the answer is for another role")

// Fetch calls AssumeRole and checks that the answer is for the role that was
// asked for: a session of another account is as bad as a stolen one.
func (a AssumeRole) Fetch(ctx context.Context, env Env, in Input) (cred.Session, error) {
	got, err := env.STS(a.Endpoint, in.Signer).AssumeRole(ctx, AssumeRoleCall{
		RoleARN: a.RoleARN, SessionName: a.SessionName, ExternalID: a.ExternalID, SourceIdentity: a.SourceIdentity,
		Lifetime: a.Lifetime, Serial: a.Device.Serial, Code: in.Code,
		Tags: a.Tags, TransitiveKeys: a.TransitiveKeys, Policy: a.Policy, PolicyARNs: a.PolicyARNs,
	})
	if err != nil {
		return cred.Session{}, err
	}
	if want := assumedPrefix(a.RoleARN); !strings.HasPrefix(got.ARN, want) {
		return cred.Session{}, fmt.Errorf("%w: asked for %s, got %q", ErrOtherRole, a.RoleARN, got.ARN)
	}
	return sane(got.Session, a.Lifetime, env.Now())
}
