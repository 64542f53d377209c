package chain

import (
	"time"

	"fob/internal/decide/profile"
	"fob/internal/decide/source"
)

// Console says what a session shall open beside AWS's calls.
type Console int

const (
	// NoConsole is a session for calls.
	NoConsole Console = iota
	// OpensConsole is a session that the console takes, which that of a user's
	// GetSessionToken is not. A user with an MFA device gets none, since it would
	// carry no MFA: the error is a *NoConsoleError.
	OpensConsole
	// Federated is OpensConsole for such a user too, without MFA. Where there is a
	// role it changes nothing.
	Federated
)

// NoConsoleError says that a user with an MFA device has no console session that
// carries MFA. Account and Partition are where the user can sign in by hand.
type NoConsoleError struct{ Profile, Account, Partition string }

func (e *NoConsoleError) Error() string {
	return "it has no role, and STS cannot put MFA into the console session of an IAM user"
}

// environmentName stands in messages for the profile that nobody named.
const environmentName = "(environment)"

// fromEnvironment is the chain of a request without a profile: the credentials
// that stand in the environment.
func (v *resolver) fromEnvironment() []link {
	v.chain.Profile, v.req.Profile = environmentName, environmentName
	v.req.Unguarded = true // it is out already
	// Whose they are is not known, so nobody's MFA device is.
	over := append(overlay(v.req.Env, false), profile.Setting{Key: "mfa_serial"})
	p := v.set.Bare(environmentName).With(over...)
	return []link{{profile: p, begin: source.Machine{Profile: environmentName, Source: source.FromEnvironment, From: "the environment"}}}
}

// federate makes a user's session one that opens the console. The key signs, so
// it comes in the place of a session of GetSessionToken.
func (v *resolver) federate(base profile.Profile, d devices) error {
	if v.req.Console == OpensConsole && d.base.Serial != "" {
		return &NoConsoleError{Profile: v.req.Profile, Account: source.Account(d.base.Serial), Partition: source.Partition(d.base.Serial)}
	}
	end, err := v.endpoint("sts", base)
	if err != nil {
		return err
	}
	v.chain.STS, v.chain.Account = v.baseEndpoint(end, d.base.Serial), source.Account(d.base.Serial)
	step := source.FederationToken{
		Profile: base.Name, Name: source.FederationName(d.base.Serial, base.Name), Lifetime: time.Hour,
		Policy: source.OwnRights, PolicyARNs: v.req.Policy.ARNs, Endpoint: v.chain.STS,
	}
	if !v.req.Policy.IsZero() {
		step.Policy = v.req.Policy.Inline
		v.noteNarrowed()
	}
	asked, from, err := v.asked("AWS_FEDERATION_TOKEN_TTL", source.MaxSessionTokenLifetime)
	if err != nil {
		return err
	}
	if asked > 0 {
		step.Lifetime = v.guardedLife(asked, from)
	}
	v.chain.Asked = step.Lifetime
	v.note("a federated session of the user: the user's own rights, without MFA")
	v.chain.Steps = append(v.chain.Steps, step)
	return nil
}
