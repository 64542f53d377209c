package source

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/profile"
)

// WebIdentity enters a role with a token of an OpenID Connect provider, as
// EKS and CI systems give one to what runs on them. No key of AWS's is needed.
type WebIdentity struct {
	Profile     string
	RoleARN     string
	SessionName string
	Generated   bool
	Lifetime    time.Duration
	Token       TokenFrom
	Policy      string
	PolicyARNs  []string
	Endpoint    Endpoint
}

// TokenFrom says where a web identity token is: in a file, or what a command
// prints. From is where that is said, Profile whose setting it is.
type TokenFrom struct{ Profile, File, Process, From string }

type webIdentityKind struct{}

// Begins is true: the token is all that is needed.
func (webIdentityKind) Begins() bool { return true }

// Plan reads web_identity_token_file or web_identity_token_process, and the role
// that stands beside it. The endpoint and the lifetime are chain's to set.
func (webIdentityKind) Plan(p profile.Profile) (Step, error) {
	file, inFile := p.Setting("web_identity_token_file")
	process, byProcess := p.Setting("web_identity_token_process")
	switch {
	case !inFile && !byProcess:
		return nil, nil
	case inFile && byProcess:
		return nil, &SettingError{Setting: hidden(process), Why: "stands beside web_identity_token_file (" + file.From + "), and only one of the two can be used", Next: []string{"remove one of the two lines"}}
	case inFile && file.Value == "":
		return nil, &SettingError{Setting: file, Why: "is empty"}
	case byProcess && process.Value == "":
		return nil, &SettingError{Setting: process, Why: "is empty"}
	}
	where := file
	if byProcess {
		where = hidden(process)
	}
	arn, ok := p.Setting("role_arn")
	if !ok {
		return nil, &SettingError{Setting: where, Why: "needs the role that the token opens", Next: []string{"add a line: role_arn = arn:aws:iam::111122223333:role/NAME"}}
	}
	if why := badRoleARN(arn.Value); why != "" {
		return nil, &SettingError{Setting: arn, Why: why, Next: []string{"write it as arn:aws:iam::111122223333:role/NAME"}}
	}
	step := WebIdentity{Profile: p.Name, RoleARN: arn.Value, Token: TokenFrom{Profile: p.Name, File: file.Value, Process: process.Value, From: where.From}}
	if name, ok := p.Setting("role_session_name"); ok && name.Value != "" {
		if why := badSessionName(name.Value); why != "" {
			return nil, &SettingError{Setting: name, Why: why}
		}
		step.SessionName = name.Value
	}
	return step, nil
}

// hidden is a setting whose value may hold a secret, for messages.
func hidden(s profile.Setting) profile.Setting {
	s.Value = "..."
	return s
}

// Describe names the role and the lifetime.
func (w WebIdentity) Describe() string {
	s := "enter " + w.RoleARN + " for " + w.Lifetime.String() + " with a web identity token"
	if w.Policy != "" || len(w.PolicyARNs) > 0 {
		s += ", narrowed by a session policy"
	}
	return s
}

// Card tells what explain and list show.
func (w WebIdentity) Card() Card {
	return Card{Call: "AssumeRoleWithWebIdentity", Owner: w.Profile, Detail: w.RoleARN, Role: w.RoleARN, Session: w.SessionName, Policy: w.Policy, PolicyARNs: w.PolicyARNs, Lifetime: w.Lifetime, Endpoint: w.Endpoint}
}

// Parts holds every argument that is sent but the token, which is another each
// time, and a generated session name.
func (w WebIdentity) Parts() []string {
	name := w.SessionName
	if w.Generated {
		name = ""
	}
	parts := []string{"AssumeRoleWithWebIdentity", w.RoleARN, name, w.Lifetime.String(), w.Token.File, w.Token.Process, w.Policy, strings.Join(w.PolicyARNs, ",")}
	return append(parts, w.Endpoint.parts()...)
}

// Fetch reads the token and calls AssumeRoleWithWebIdentity.
func (w WebIdentity) Fetch(ctx context.Context, env Env, _ Input) (cred.Session, error) {
	given, err := env.Outside.WebToken(ctx, w.Token)
	if err != nil {
		return cred.Session{}, err
	}
	got, err := env.STS(w.Endpoint, cred.Signer{}).AssumeRoleWithWebIdentity(ctx, WebIdentityCall{
		RoleARN: w.RoleARN, SessionName: w.SessionName, WebToken: given, Lifetime: w.Lifetime, Policy: w.Policy, PolicyARNs: w.PolicyARNs,
	})
	if err != nil {
		return cred.Session{}, err
	}
	if want := assumedPrefix(w.RoleARN); !strings.HasPrefix(got.ARN, want) {
		return cred.Session{}, fmt.Errorf("%w: asked for %s, got %q", ErrOtherRole, w.RoleARN, got.ARN)
	}
	return sane(got.Session, w.Lifetime, env.Now())
}
