package source

import (
	"context"

	"fob/internal/cred"
	"fob/internal/decide/profile"
)

// The values of credential_source
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html).
const (
	FromEnvironment = "Environment"
	FromContainer   = "EcsContainer"
	FromInstance    = "Ec2InstanceMetadata"
)

// Machine takes the credentials that this machine has: in the environment, or
// from the endpoint of its container or instance.
type Machine struct {
	Profile string
	// Source is one of the values of credential_source, From where it stands.
	Source, From string
}

type machineKind struct{}

// Begins is true: the credentials are there.
func (machineKind) Begins() bool { return true }

// Plan reads credential_source.
func (machineKind) Plan(p profile.Profile) (Step, error) {
	set, ok := p.Setting("credential_source")
	if !ok {
		return nil, nil
	}
	switch set.Value {
	case FromEnvironment, FromContainer, FromInstance:
		return Machine{Profile: p.Name, Source: set.Value, From: set.From}, nil
	}
	return nil, &SettingError{Setting: set, Why: "is not one of " + FromEnvironment + ", " + FromContainer + " and " + FromInstance}
}

// Describe says where the credentials are.
func (m Machine) Describe() string {
	switch m.Source {
	case FromEnvironment:
		return "take the credentials that are in the environment"
	case FromContainer:
		return "ask the container's credentials endpoint"
	}
	return "ask the instance metadata service"
}

// Card tells what explain shows.
func (m Machine) Card() Card { return Card{Call: m.Source, Owner: m.Profile} }

// A Machine has no Parts: whose credentials these are is known only when they
// are there, so neither they nor a role over them are kept for another run.

// PresentsMFA says whether the credentials may be a user's.
func (m Machine) PresentsMFA() bool { return m.Source == FromEnvironment }

// Fetch takes the credentials.
func (m Machine) Fetch(ctx context.Context, env Env, _ Input) (cred.Session, error) {
	got, err := env.Outside.Machine(ctx, m)
	if err != nil {
		return cred.Session{}, err
	}
	return usable(got, env.Now())
}
