package source

import (
	"context"
	"strconv"
	"time"

	"fob/internal/cred"
	"fob/internal/fault"
)

// MaxSessionTokenLifetime is what GetSessionToken gives an IAM user at most
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html).
const MaxSessionTokenLifetime = 36 * time.Hour

// SessionToken makes a session of the IAM user itself, with MFA where Device
// has a serial. No profile asks for it by a setting: chain puts it in, because
// whether it helps depends on the steps around it.
type SessionToken struct {
	Profile  string
	Lifetime time.Duration
	Device   MFA
	Endpoint Endpoint
	// Alone says that no role is entered with the session.
	Alone bool
}

// Describe says what the session is for.
func (s SessionToken) Describe() string {
	if s.Device.Serial == "" {
		return "get a session of the user for " + s.Lifetime.String() + ", without MFA"
	}
	return "get a session of the user for " + s.Lifetime.String() + ", with MFA device " + s.Device.Serial
}

// MFA is the device whose code this call sends, if any.
func (s SessionToken) MFA() MFA { return s.Device }

// Card tells what explain, list, the question for a code and the record show.
func (s SessionToken) Card() Card {
	opens := "One code opens every role of at most 1h over this key, for " + fault.Lasting(s.Lifetime) + "."
	if s.Alone {
		opens = "This code opens one session only: that of the user itself, for " + fault.Lasting(s.Lifetime) + "."
	}
	return Card{Call: "GetSessionToken", Owner: s.Profile, Detail: s.Device.Serial, Opens: opens, Lifetime: s.Lifetime, Endpoint: s.Endpoint}
}

// Parts holds every argument that is sent.
func (s SessionToken) Parts() []string {
	return append([]string{"GetSessionToken", s.Lifetime.String(), s.Device.Serial}, s.Endpoint.parts()...)
}

// Fetch calls GetSessionToken.
func (s SessionToken) Fetch(ctx context.Context, env Env, in Input) (cred.Session, error) {
	got, err := env.STS(s.Endpoint, in.Signer).GetSessionToken(ctx, SessionTokenCall{Lifetime: s.Lifetime, Serial: s.Device.Serial, Code: in.Code})
	if err != nil {
		return cred.Session{}, err
	}
	return sane(got.Session, s.Lifetime, env.Now())
}

// parts lists the inputs, never a resolved address: a new SDK may resolve the
// same inputs differently, and that is still the same session.
func (e Endpoint) parts() []string {
	return []string{e.Region, e.URL, strconv.FormatBool(e.FIPS), strconv.FormatBool(e.DualStack), strconv.FormatBool(e.Legacy), e.CABundle}
}
