package cli

import (
	"context"
	"strconv"

	"fob/internal/cred"
	"fob/internal/decide/source"
	"fob/internal/front"
	"fob/internal/obtain/awsapi"
)

// awsConfig joins a step's endpoint to the client that calls it.
func (s System) awsConfig(e source.Endpoint) awsapi.Config {
	attempts, err := strconv.Atoi(front.Lookup(s.Environ, "AWS_MAX_ATTEMPTS"))
	if err != nil || attempts < 1 || attempts > 10 {
		attempts = 0
	}
	return awsapi.Config{Region: e.Region, URL: e.URL, FIPS: e.FIPS, DualStack: e.DualStack, Legacy: e.Legacy, CABundle: e.CABundle, Attempts: attempts, Version: s.Version, Ahead: s.Ahead}
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
