package source

import (
	"context"
	"strings"
	"time"

	"fob/internal/cred"
)

// OwnRights is a session policy that takes nothing away: a federated session
// may do what its policy and the user's own policies both allow.
const OwnRights = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// FederationToken makes a session of the IAM user that the console takes. It
// carries no MFA: AWS has no call that puts MFA into such a session. It is asked
// for by the key itself, never by a session
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html).
type FederationToken struct {
	Profile string
	// Name is what CloudTrail and the console show, 2 to 32 characters.
	Name       string
	Lifetime   time.Duration
	Policy     string
	PolicyARNs []string
	Endpoint   Endpoint
}

// FederationName makes a name of the device's, which is mostly the user's, or of
// the profile's.
func FederationName(serial, profileName string) string {
	name := profileName
	if i := strings.LastIndexByte(serial, '/'); i >= 0 {
		name = serial[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if wordy(string(r), "") {
			return r
		}
		return '-'
	}, name)
	if name = strings.Trim(name, "-"); len(name) < 2 {
		name = "fob-" + name
	}
	return name[:min(len(name), 32)]
}

// Describe says that the session carries no MFA.
func (f FederationToken) Describe() string {
	s := "get a federated session of the user for " + f.Lifetime.String() + ", without MFA"
	if f.Policy != OwnRights || len(f.PolicyARNs) > 0 {
		s += ", narrowed by a session policy"
	}
	return s
}

// Card tells what explain and list show.
func (f FederationToken) Card() Card {
	return Card{Call: "GetFederationToken", Owner: f.Profile, Detail: f.Name, Session: f.Name, Policy: f.Policy, PolicyARNs: f.PolicyARNs, Lifetime: f.Lifetime, Endpoint: f.Endpoint}
}

// Parts holds every argument that is sent.
func (f FederationToken) Parts() []string {
	parts := []string{"GetFederationToken", f.Name, f.Lifetime.String(), f.Policy, strings.Join(f.PolicyARNs, ",")}
	return append(parts, f.Endpoint.parts()...)
}

// Fetch calls GetFederationToken.
func (f FederationToken) Fetch(ctx context.Context, env Env, in Input) (cred.Session, error) {
	got, err := env.STS(f.Endpoint, in.Signer).GetFederationToken(ctx, FederationTokenCall{Name: f.Name, Lifetime: f.Lifetime, Policy: f.Policy, PolicyARNs: f.PolicyARNs})
	if err != nil {
		return cred.Session{}, err
	}
	return sane(got.Session, f.Lifetime, env.Now())
}
