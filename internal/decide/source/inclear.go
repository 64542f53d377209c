package source

import (
	"context"
	"errors"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/fault"
)

// InClear is a key, or a session, that stands in the clear in a file of the AWS
// tools: ~/.aws/credentials, or the config.
type InClear struct {
	Profile string
	// ID is the key's id, From where it stands.
	ID, From string
	// Ends says that it is a session, which ends some day, and no key.
	Ends bool
}

// InClearKind finds such keys by sections, which gives a profile's sections of
// the files in the order in which the AWS tools look; those that have none are
// left out. It is the last that is looked at: whatever else a profile says of its
// credentials goes before.
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html)
type InClearKind struct {
	Sections func(name string) ([]profile.Profile, error)
}

// Begins is true: the key is there.
func (InClearKind) Begins() bool { return true }

// Knows says whether a profile has a key in the clear, also where the config has
// no section for it.
func (k InClearKind) Knows(name string) bool {
	step, err := k.find(name)
	return step != nil || err != nil && errors.As(err, new(*SettingError))
}

// Plan gives the key of p's own sections.
func (k InClearKind) Plan(p profile.Profile) (Step, error) { return k.find(p.Name) }

func (k InClearKind) find(name string) (Step, error) {
	sections, err := k.Sections(name)
	if err != nil {
		return nil, err
	}
	for _, section := range sections {
		id, ok := section.Setting("aws_access_key_id")
		if !ok || id.Value == "" {
			continue
		}
		if section.Value("aws_secret_access_key") == "" {
			return nil, &SettingError{Setting: hidden(id), Why: "has no aws_secret_access_key beside it", Next: []string{"store the whole key: fob add " + fault.Operand(name)}}
		}
		return InClear{Profile: name, ID: id.Value, From: id.From, Ends: section.Value("aws_session_token") != ""}, nil
	}
	return nil, nil
}

// Describe says where it stands.
func (c InClear) Describe() string {
	if c.Ends {
		return "take the session that stands in the clear at " + c.From
	}
	return "take the key that stands in the clear at " + c.From
}

// Card tells what explain shows.
func (c InClear) Card() Card {
	return Card{Call: "SharedCredentials", Owner: c.Profile, Detail: c.From}
}

// Fetch reads it. It has no Parts: a session that is in a file already needs not
// be kept in another one.
func (c InClear) Fetch(ctx context.Context, env Env, _ Input) (cred.Session, error) {
	got, err := env.Outside.InClear(ctx, c)
	if err != nil {
		return cred.Session{}, err
	}
	return usable(got, env.Now())
}
