package source

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/profile"

	"github.com/google/go-cmp/cmp"
)

const anyRole = "arn:aws:iam::123456789012:role/x"

// Which kind a profile's settings ask for, what its step holds, and what is
// wrong with each setting.
func TestKindsThatBegin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       Step
		wrong      string
	}{
		{"nothing", "region = us-east-1", nil, ""},
		{"a process", "credential_process = /bin/p --key CANARY", Process{Profile: "t", Line: "/bin/p --key CANARY", From: "config:2"}, ""},
		{"an empty process", "credential_process =", nil, `credential_process "" (config:2) is empty`},
		{"the environment", "credential_source = Environment", Machine{Profile: "t", Source: FromEnvironment, From: "config:2"}, ""},
		{"a container", "credential_source = EcsContainer", Machine{Profile: "t", Source: FromContainer, From: "config:2"}, ""},
		{"an instance", "credential_source = Ec2InstanceMetadata", Machine{Profile: "t", Source: FromInstance, From: "config:2"}, ""},
		{"another source", "credential_source = ec2", nil, `credential_source "ec2" (config:2) is not one of Environment, EcsContainer and Ec2InstanceMetadata`},
		{"a token file", "web_identity_token_file = /run/t\nrole_arn = " + anyRole, WebIdentity{Profile: "t", RoleARN: anyRole, Token: TokenFrom{Profile: "t", File: "/run/t", From: "config:2"}}, ""},
		{"a token process", "web_identity_token_process = gettoken\nrole_arn = " + anyRole + "\nrole_session_name = ann",
			WebIdentity{Profile: "t", RoleARN: anyRole, SessionName: "ann", Token: TokenFrom{Profile: "t", Process: "gettoken", From: "config:2"}}, ""},
		{"a token without a role", "web_identity_token_file = /run/t", nil, "needs the role that the token opens"},
		{"two tokens", "web_identity_token_file = /run/t\nweb_identity_token_process = CANARY", nil, "only one of the two can be used"},
		{"an empty token file", "web_identity_token_file =\nrole_arn = " + anyRole, nil, "is empty"},
		{"a bad role", "web_identity_token_file = /run/t\nrole_arn = banana", nil, `role_arn "banana" (config:3) is not the ARN of a role`},
		{"a bad name", "web_identity_token_file = /run/t\nrole_arn = " + anyRole + "\nrole_session_name = a b", nil, "must be 2 to 64 letters"},
		{"identity center", "sso_session = corp", nil, "asks for credentials from IAM Identity Center"},
		{"aws login", "login_session = arn:aws:iam::123456789012:user/ann", nil, "asks for credentials from aws login"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			set, err := profile.Parse("config", []byte("[profile t]\n"+tt.text+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			p, err := set.Profile("t")
			if err != nil {
				t.Fatal(err)
			}
			var got Step
			for _, kind := range Kinds() {
				if kind.Begins() && got == nil && err == nil {
					got, err = kind.Plan(p)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if tt.wrong == "" && err != nil || tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
				t.Errorf("got %v, want %q", err, tt.wrong)
			}
			if err != nil && strings.Contains(err.Error(), "CANARY") {
				t.Errorf("the error shows a command line: %v", err)
			}
		})
	}
}

// given is an outside that always gives the same.
type given struct {
	session cred.Session
	err     error
}

func (g given) Process(context.Context, Process) (cred.Session, error) { return g.session, g.err }

func (g given) Machine(context.Context, Machine) (cred.Session, error) { return g.session, g.err }

func (g given) InClear(context.Context, InClear) (cred.Session, error) { return g.session, g.err }

func (g given) WebToken(context.Context, TokenFrom) (cred.Secret, error) {
	return cred.NewSecret("CANARY.jwt"), g.err
}

func (f *fakeSTS) AssumeRoleWithWebIdentity(_ context.Context, in WebIdentityCall) (Issued, error) {
	f.web = append(f.web, in)
	return f.issued, nil
}

// What comes from outside may be a key without an end; what is not whole, has
// ended, or could forge a line goes nowhere.
func TestOutsideFetch(t *testing.T) {
	t.Parallel()
	key := cred.Session{ID: "AKIA1", Secret: cred.NewSecret("CANARY")}
	ending := func(at time.Time) cred.Session { s := key; s.Token, s.Expires = cred.NewSecret("CANARY"), at; return s }
	forged := key
	forged.ID = "AKIA1\nX"
	for _, tt := range []struct {
		name string
		out  given
		want string
	}{
		{"a key", given{session: key}, ""},
		{"a session", given{session: ending(now.Add(time.Hour))}, ""},
		{"a session of a day", given{session: ending(now.Add(24 * time.Hour))}, ""},
		{"an ended one", given{session: ending(now.Add(-time.Hour))}, "the credentials ended at 2026-01-02T02:04:05Z"},
		{"nothing", given{}, "lacks a part"},
		{"a forged line", given{session: forged}, "characters that no credentials have"},
		{"a failure", given{err: errors.New("it failed")}, "it failed"},
	} {
		for _, step := range []Step{Process{}, Machine{Source: FromInstance}, InClear{Ends: true}} {
			got, err := step.Fetch(t.Context(), Env{Outside: tt.out, Now: func() time.Time { return now }}, Input{})
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
				}
			} else if err != nil || got != tt.out.session {
				t.Errorf("%s: got %v, %v", tt.name, got, err)
			}
		}
	}
}

func TestWebIdentityFetch(t *testing.T) {
	t.Parallel()
	step := WebIdentity{RoleARN: anyRole, SessionName: "fob", Lifetime: time.Hour}
	fetch := func(f *fakeSTS, out given) error {
		_, err := step.Fetch(t.Context(), Env{STS: func(Endpoint, cred.Signer) STS { return f }, Outside: out, Now: func() time.Time { return now }}, Input{})
		return err
	}
	good := &fakeSTS{issued: issued("arn:aws:sts::123456789012:assumed-role/x/fob", now.Add(time.Hour))}
	if err := fetch(good, given{}); err != nil || len(good.web) != 1 || good.web[0].WebToken.Reveal() != "CANARY.jwt" || good.web[0].Lifetime != time.Hour {
		t.Errorf("got %v, %v", good.web, err)
	}
	if err := fetch(&fakeSTS{issued: issued("arn:aws:sts::123456789012:assumed-role/y/fob", now.Add(time.Hour))}, given{}); !errors.Is(err, ErrOtherRole) {
		t.Errorf("another role: %v", err)
	}
	if err := fetch(good, given{err: errors.New("no such file")}); err == nil || len(good.web) != 1 {
		t.Errorf("without a token: %v, %d calls", err, len(good.web))
	}
}

// Every argument that shapes a session names it; the generated name does not.
func TestOutsideParts(t *testing.T) {
	t.Parallel()
	w := WebIdentity{RoleARN: anyRole, SessionName: "fob", Generated: true, Lifetime: time.Hour, Token: TokenFrom{File: "/run/t"}}
	for name, change := range map[string]func(*WebIdentity){
		"role": func(w *WebIdentity) { w.RoleARN += "y" }, "life": func(w *WebIdentity) { w.Lifetime++ }, "file": func(w *WebIdentity) { w.Token.File = "/run/u" },
		"process": func(w *WebIdentity) { w.Token.Process = "p" }, "named": func(w *WebIdentity) { w.Generated = false }, "policy": func(w *WebIdentity) { w.Policy = "{}" },
		"arns": func(w *WebIdentity) { w.PolicyARNs = []string{"a"} }, "endpoint": func(w *WebIdentity) { w.Endpoint.Region = "eu-west-1" },
	} {
		other := w
		change(&other)
		if cmp.Equal(w.Parts(), other.Parts()) {
			t.Errorf("%s does not name the session", name)
		}
	}
	if cmp.Equal(Process{Line: "a"}.Parts(), Process{Line: "b"}.Parts()) {
		t.Error("two command lines name one session")
	}
	if _, named := Step(Machine{}).(Named); named {
		t.Error("the machine's credentials are kept under a name that does not say whose they are")
	}
}
