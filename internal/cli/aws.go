package cli

import (
	"context"
	"fmt"
	"strconv"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/obtain/awsapi"
)

// awsConfig joins a step's endpoint to the client that calls it.
func (s System) awsConfig(e source.Endpoint) awsapi.Config {
	attempts, _ := front.Attempts(s.Environ) // checkCalls has looked at it
	clock := s.clock
	if clock == nil { // not a run of Main's
		clock = awsapi.NewClock(s.Now)
	}
	return awsapi.Config{Region: e.Region, URL: e.URL, FIPS: e.FIPS, DualStack: e.DualStack, Legacy: e.Legacy, CABundle: e.CABundle, Attempts: attempts, Version: s.Version, Clock: clock}
}

// patient is how to make many calls: with more tries than others, since each that
// is throttled waits longer before the next try.
func (s System) patient(e source.Endpoint) awsapi.Config {
	const tries = 6
	c := s.awsConfig(e)
	if s.lookup("AWS_MAX_ATTEMPTS") == "" {
		c.Attempts = tries
	}
	return c
}

// checkCalls says what is wrong with the variables that shape every call.
func (s System) checkCalls() error {
	if _, ok := front.Attempts(s.Environ); !ok {
		return badVariable("AWS_MAX_ATTEMPTS", s.lookup("AWS_MAX_ATTEMPTS"), "is not a number of tries, 1 or more")
	}
	return nil
}

func badVariable(name, value, why string) error {
	return &fault.Error{What: fmt.Sprintf("cannot use the environment variable %s", name), Why: fmt.Errorf("%s %s", profile.Shown(value), why), Next: []string{"correct it, or leave it unset"}, Code: fault.Usage}
}

// switched reads the first of these variables that is set, which turns something
// on or off.
func (s System) switched(names ...string) (bool, error) {
	for _, name := range names {
		text := s.lookup(name)
		if text == "" {
			continue
		}
		on, err := strconv.ParseBool(text)
		if err != nil {
			return false, badVariable(name, text, "is neither true nor false")
		}
		return on, nil
	}
	return false, nil
}

// checkBundle says why the calls to an endpoint could not be trusted, before a code
// is spent on them.
func checkBundle(e source.Endpoint) error {
	if e.CABundle == "" {
		return nil
	}
	if _, err := awsapi.HTTPClient(e.CABundle, 0); err != nil {
		return fmt.Errorf("ca_bundle (%s): %w", e.CABundleFrom, err)
	}
	return nil
}

// trusted is checkBundle for every step of a plan.
func trusted(c chain.Chain) error {
	for _, step := range c.Steps {
		if err := checkBundle(source.CardOf(step).Endpoint); err != nil {
			return &fault.Error{What: fault.NoCredentials(c.Profile), Why: err, Next: []string{"correct ca_bundle, or AWS_CA_BUNDLE where that is set"}, Code: fault.Config}
		}
	}
	return nil
}

// sts joins the calls that sources declare to the client that makes them.
func (s System) sts(e source.Endpoint, signer cred.Signer) source.STS {
	return stsClient{awsapi.New(s.awsConfig(e), signer)}
}

type stsClient struct{ *awsapi.Client }

func (c stsClient) GetSessionToken(ctx context.Context, in source.SessionTokenCall) (source.Issued, error) {
	out, err := c.Client.GetSessionToken(ctx, awsapi.SessionTokenCall(in))
	return source.Issued(out), err
}

func (c stsClient) AssumeRoleWithWebIdentity(ctx context.Context, in source.WebIdentityCall) (source.Issued, error) {
	out, err := c.Client.AssumeRoleWithWebIdentity(ctx, awsapi.WebIdentityCall(in))
	return source.Issued(out), err
}

func (c stsClient) GetFederationToken(ctx context.Context, in source.FederationTokenCall) (source.Issued, error) {
	out, err := c.Client.GetFederationToken(ctx, awsapi.FederationTokenCall(in))
	return source.Issued(out), err
}

func (c stsClient) AssumeRole(ctx context.Context, in source.AssumeRoleCall) (source.Issued, error) {
	call := awsapi.AssumeRoleCall{
		RoleARN: in.RoleARN, SessionName: in.SessionName, ExternalID: in.ExternalID, SourceIdentity: in.SourceIdentity,
		Lifetime: in.Lifetime, Serial: in.Serial, Code: in.Code, TransitiveKeys: in.TransitiveKeys, Policy: in.Policy, PolicyARNs: in.PolicyARNs,
	}
	for _, t := range in.Tags {
		call.Tags = append(call.Tags, awsapi.Tag(t))
	}
	out, err := c.Client.AssumeRole(ctx, call)
	return source.Issued(out), err
}
