// Package source holds the ways to get credentials, one file each: which
// settings ask for it, what its step says, and how the step is fetched. It does
// not know the SDK, prompts, caches or the order of steps.
package source

import (
	"context"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/profile"
)

// Kind is one way to get credentials.
type Kind interface {
	// Plan gives the step that p asks for, or nil if p does not ask for this
	// kind. Its errors are *SettingError.
	Plan(p profile.Profile) (Step, error)
	// Begins says that the kind's step needs no credentials before it, so that
	// a chain can begin there and needs no stored key. A kind that does not
	// begin is a role, assumed with what comes before it.
	Begins() bool
}

// Step is one exchange of a chain. It is plain data: everything that will be
// sent, known before anything is sent.
type Step interface {
	// Describe says what the step does, in the words of explain.
	Describe() string
	// Fetch makes the exchange. Its errors are those of Env.
	Fetch(context.Context, Env, Input) (cred.Session, error)
}

// Named is a step whose session may be kept. Parts holds every argument that
// shapes the session; two steps with equal parts and equal bases are the same.
type Named interface{ Parts() []string }

// NeedsMFA is a step that sends a code.
type NeedsMFA interface{ MFA() MFA }

// Shown is a step that tells more of itself than a sentence: explain prints it,
// list and clear find its session by it, what asks for a code quotes it, and the
// record keeps it.
type Shown interface{ Card() Card }

// Card is what a step tells of itself.
type Card struct {
	// Call is the API's name ("AssumeRole").
	Call string
	// Owner is the profile that asked for the step.
	Owner string
	// Detail is what tells the session from others of its kind: a role's ARN, a
	// device's serial. Role is the ARN where the step enters a role.
	Detail, Role string
	// Session is the name that CloudTrail shows; Policy and PolicyARNs are sent
	// with the call.
	Session, Policy string
	PolicyARNs      []string
	// Opens is what a code for this step opens.
	Opens    string
	Lifetime time.Duration
	Endpoint Endpoint
}

// CardOf is what a step tells of itself; a step that is not Shown has its
// description and nothing else.
func CardOf(s Step) Card {
	if c, ok := s.(Shown); ok {
		return c.Card()
	}
	return Card{Call: s.Describe()}
}

// Device is the MFA device whose code a step sends; without one its Serial is "".
func Device(s Step) MFA {
	if n, ok := s.(NeedsMFA); ok {
		return n.MFA()
	}
	return MFA{}
}

// PresentsMFA is a step that begins a chain and may give the credentials of a
// user, who can present a device to the role that comes next.
type PresentsMFA interface{ PresentsMFA() bool }

// MFA says which device a step needs a code of, and how the person wants to be
// asked for it. Without a Serial the step sends no code.
type MFA struct {
	Serial string
	// Process is the command line of mfa_process, or "", and ProcessFrom
	// where it stands.
	Process, ProcessFrom string
}

// Endpoint holds the inputs from which the address of a service is resolved.
type Endpoint struct {
	Region string
	// URL replaces AWS's own address; URLFrom says who asked for that.
	URL, URLFrom    string
	FIPS, DualStack bool
	// Legacy sends STS calls of the older regions to the global endpoint
	// (sts_regional_endpoints = legacy).
	Legacy bool
	// CABundle is a file, and CABundleFrom says who asked for it.
	CABundle, CABundleFrom string
}

// Input is what a step starts from: the signer that the step before it (or the
// stored key) gives, and the code of its device.
type Input struct {
	Signer cred.Signer
	Code   string
}

// Env is the outside, handed in: the calls that steps make.
type Env struct {
	STS     func(Endpoint, cred.Signer) STS
	Outside Outside
	Now     func() time.Time
}

// Outside gives what other programs and this machine give. Errors are its own.
type Outside interface {
	// Process runs a credential_process; the session's end is zero where the
	// program names none.
	Process(context.Context, Process) (cred.Session, error)
	// Machine gives the credentials of a credential_source.
	Machine(context.Context, Machine) (cred.Session, error)
	// InClear reads a key or a session out of a file.
	InClear(context.Context, InClear) (cred.Session, error)
	// WebToken reads a web identity token.
	WebToken(context.Context, TokenFrom) (cred.Secret, error)
}

// STS is the part of AWS STS that steps use. Errors are the caller's own.
type STS interface {
	GetSessionToken(context.Context, SessionTokenCall) (Issued, error)
	AssumeRole(context.Context, AssumeRoleCall) (Issued, error)
	AssumeRoleWithWebIdentity(context.Context, WebIdentityCall) (Issued, error)
	GetFederationToken(context.Context, FederationTokenCall) (Issued, error)
}

// SessionTokenCall holds the arguments of GetSessionToken
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html).
type SessionTokenCall struct {
	Lifetime     time.Duration
	Serial, Code string
}

// AssumeRoleCall holds the arguments of AssumeRole
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
type AssumeRoleCall struct {
	RoleARN, SessionName, ExternalID, SourceIdentity string
	Lifetime                                         time.Duration
	Serial, Code                                     string
	Tags                                             []Tag
	TransitiveKeys                                   []string
	Policy                                           string
	PolicyARNs                                       []string
}

// WebIdentityCall holds the arguments of AssumeRoleWithWebIdentity
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html).
type WebIdentityCall struct {
	RoleARN, SessionName string
	WebToken             cred.Secret
	Lifetime             time.Duration
	Policy               string
	PolicyARNs           []string
}

// FederationTokenCall holds the arguments of GetFederationToken
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html).
type FederationTokenCall struct {
	Name       string
	Lifetime   time.Duration
	Policy     string
	PolicyARNs []string
}

// Issued is what AWS answered: a session, and for a role the ARN of the
// assumed-role user.
type Issued struct {
	Session cred.Session
	ARN     string
	// RequestID is AWS's id of the call.
	RequestID string
}

// Tag is one session tag.
type Tag struct{ Key, Value string }

// Kinds lists every way to get credentials, in the order in which a profile's
// settings are tried; more are the last.
func Kinds(more ...Kind) []Kind {
	return append([]Kind{assumeRoleKind{}, webIdentityKind{}, processKind{}, machineKind{}, elsewhereKind{}}, more...)
}

// SettingError says that a setting cannot be used.
type SettingError struct {
	Setting profile.Setting
	Why     string
	Next    []string
}

// Error names the setting, its value cut short, and where it stands.
func (e *SettingError) Error() string {
	return e.Setting.Key + " " + quote(e.Setting.Value) + " (" + e.Setting.From + ") " + e.Why
}
