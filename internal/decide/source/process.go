package source

import (
	"context"

	"fob/internal/cred"
	"fob/internal/decide/profile"
)

// Process asks another program for credentials
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html).
type Process struct {
	Profile string
	// Line is the command line, and From where it stands. The line may hold a
	// secret, so no message shows it.
	Line, From string
}

type processKind struct{}

// Begins is true: the program has credentials of its own.
func (processKind) Begins() bool { return true }

// Plan reads credential_process.
func (processKind) Plan(p profile.Profile) (Step, error) {
	set, ok := p.Setting("credential_process")
	if !ok {
		return nil, nil
	}
	if set.Value == "" {
		return nil, &SettingError{Setting: set, Why: "is empty"}
	}
	return Process{Profile: p.Name, Line: set.Value, From: set.From}, nil
}

// Describe says whose command is run.
func (p Process) Describe() string { return "run the credential_process of " + p.From }

// Card tells what explain and list show.
func (p Process) Card() Card {
	return Card{Call: "credential_process", Owner: p.Profile, Detail: p.From}
}

// Parts holds the command line: another one may give another identity.
func (p Process) Parts() []string { return []string{"credential_process", p.Line} }

// PresentsMFA is true: what the program gives may be the key of a user, who has
// a device.
func (Process) PresentsMFA() bool { return true }

// Fetch runs the program. Without an end its credentials are not kept, and the
// program is asked each time.
func (p Process) Fetch(ctx context.Context, env Env, _ Input) (cred.Session, error) {
	got, err := env.Outside.Process(ctx, p)
	if err != nil {
		return cred.Session{}, err
	}
	return usable(got, env.Now())
}
