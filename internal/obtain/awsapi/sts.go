package awsapi

import (
	"context"
	"errors"
	"slices"
	"time"

	"fob/internal/cred"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go/middleware"
)

// Issued is a session as AWS gave it; ARN is the assumed-role user's, or "".
type Issued struct {
	Session cred.Session
	ARN     string
	// RequestID is AWS's id of the call.
	RequestID string
}

// SessionTokenCall holds the arguments of GetSessionToken. Serial and Code come
// together or not at all.
type SessionTokenCall struct {
	Lifetime     time.Duration
	Serial, Code string
}

// AssumeRoleCall holds the arguments of AssumeRole.
type AssumeRoleCall struct {
	RoleARN, SessionName, ExternalID, SourceIdentity string
	Lifetime                                         time.Duration
	Serial, Code                                     string
	Tags                                             []Tag
	TransitiveKeys                                   []string
	Policy                                           string
	PolicyARNs                                       []string
}

// Tag is one session tag.
type Tag struct{ Key, Value string }

// Identity is who AWS says the signer is.
type Identity struct {
	Account string `json:"account" doc:"account id"`
	ARN     string `json:"arn" doc:"who AWS says you are"`
	UserID  string `json:"user_id" doc:"AWS's unique id of that"`
}

// legacyRegions are those that sts_regional_endpoints = legacy sends to the
// global endpoint (https://docs.aws.amazon.com/sdkref/latest/guide/feature-sts-regionalized-endpoints.html).
func legacyRegion(region string) bool {
	return slices.Contains([]string{
		"ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "aws-global", "ca-central-1", "eu-central-1", "eu-north-1",
		"eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
	}, region)
}

func (c *Client) sts(once bool) (*sts.Client, error) {
	conf, err := c.sdk(once)
	if err != nil {
		return nil, err
	}
	if c.cfg.Legacy && legacyRegion(conf.Region) {
		conf.Region = "aws-global"
	}
	return sts.NewFromConfig(conf, func(o *sts.Options) {
		o.HTTPSignerV4 = c.cfg.Clock.signer()
		c.variants(&o.EndpointOptions.UseFIPSEndpoint, &o.EndpointOptions.UseDualStackEndpoint)
	}), nil
}

func requestID(m middleware.Metadata) string {
	id, _ := awsmiddleware.GetRequestIDMetadata(m)
	return id
}

func seconds(d time.Duration) *int32 { return aws.Int32(int32(d / time.Second)) }

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// GetSessionToken makes a session of the user. Errors: *Refusal, *UnreachableError.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html)
func (c *Client) GetSessionToken(ctx context.Context, in SessionTokenCall) (Issued, error) {
	api, err := c.sts(in.Code != "")
	if err != nil {
		return Issued{}, err
	}
	out, err := api.GetSessionToken(ctx, &sts.GetSessionTokenInput{DurationSeconds: seconds(in.Lifetime), SerialNumber: text(in.Serial), TokenCode: text(in.Code)})
	if err != nil {
		return Issued{}, c.refused("GetSessionToken", err)
	}
	s, err := c.session("GetSessionToken", out.Credentials)
	return Issued{Session: s, RequestID: requestID(out.ResultMetadata)}, err
}

// AssumeRole enters a role. Errors: *Refusal, *UnreachableError.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)
func (c *Client) AssumeRole(ctx context.Context, in AssumeRoleCall) (Issued, error) {
	api, err := c.sts(in.Code != "")
	if err != nil {
		return Issued{}, err
	}
	req := &sts.AssumeRoleInput{
		RoleArn: &in.RoleARN, RoleSessionName: &in.SessionName, DurationSeconds: seconds(in.Lifetime),
		ExternalId: text(in.ExternalID), SourceIdentity: text(in.SourceIdentity), SerialNumber: text(in.Serial), TokenCode: text(in.Code),
		Policy: text(in.Policy), TransitiveTagKeys: in.TransitiveKeys,
	}
	for _, t := range in.Tags {
		req.Tags = append(req.Tags, types.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
	}
	for _, a := range in.PolicyARNs {
		req.PolicyArns = append(req.PolicyArns, types.PolicyDescriptorType{Arn: aws.String(a)})
	}
	out, err := api.AssumeRole(ctx, req)
	if err != nil {
		return Issued{}, c.refused("AssumeRole", err)
	}
	s, err := c.session("AssumeRole", out.Credentials)
	if out.AssumedRoleUser == nil {
		return Issued{Session: s, RequestID: requestID(out.ResultMetadata)}, err
	}
	return Issued{Session: s, ARN: aws.ToString(out.AssumedRoleUser.Arn), RequestID: requestID(out.ResultMetadata)}, err
}

func (c *Client) session(op string, got *types.Credentials) (cred.Session, error) {
	if got == nil || aws.ToString(got.AccessKeyId) == "" || aws.ToString(got.SecretAccessKey) == "" || aws.ToString(got.SessionToken) == "" || got.Expiration == nil {
		return cred.Session{}, &UnreachableError{Op: op, Host: c.host(), Err: errors.New("the answer is cut short or not one of AWS's")}
	}
	return cred.Session{
		ID:      *got.AccessKeyId,
		Secret:  cred.NewSecret(*got.SecretAccessKey),
		Token:   cred.NewSecret(*got.SessionToken),
		Expires: c.cfg.Clock.local(got.Expiration.UTC()),
	}, nil
}

// WebIdentityCall holds the arguments of AssumeRoleWithWebIdentity.
type WebIdentityCall struct {
	RoleARN, SessionName string
	WebToken             cred.Secret
	Lifetime             time.Duration
	Policy               string
	PolicyARNs           []string
}

// AssumeRoleWithWebIdentity enters a role with the token of an identity
// provider; the request is not signed. Errors: *Refusal, *UnreachableError.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html)
func (c *Client) AssumeRoleWithWebIdentity(ctx context.Context, in WebIdentityCall) (Issued, error) {
	api, err := c.sts(false)
	if err != nil {
		return Issued{}, err
	}
	input := &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: text(in.RoleARN), RoleSessionName: text(in.SessionName), WebIdentityToken: text(in.WebToken.Reveal()),
		DurationSeconds: seconds(in.Lifetime), Policy: text(in.Policy), PolicyArns: policies(in.PolicyARNs),
	}
	out, err := api.AssumeRoleWithWebIdentity(ctx, input)
	if err != nil {
		return Issued{}, c.refused("AssumeRoleWithWebIdentity", err)
	}
	s, err := c.session("AssumeRoleWithWebIdentity", out.Credentials)
	if err != nil || out.AssumedRoleUser == nil {
		return Issued{Session: s, RequestID: requestID(out.ResultMetadata)}, err
	}
	return Issued{Session: s, ARN: aws.ToString(out.AssumedRoleUser.Arn), RequestID: requestID(out.ResultMetadata)}, nil
}

// FederationTokenCall holds the arguments of GetFederationToken.
type FederationTokenCall struct {
	Name       string
	Lifetime   time.Duration
	Policy     string
	PolicyARNs []string
}

// GetFederationToken makes a session of the user that the console takes. Errors:
// *Refusal, *UnreachableError.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html)
func (c *Client) GetFederationToken(ctx context.Context, in FederationTokenCall) (Issued, error) {
	api, err := c.sts(false)
	if err != nil {
		return Issued{}, err
	}
	input := &sts.GetFederationTokenInput{Name: text(in.Name), DurationSeconds: seconds(in.Lifetime), Policy: text(in.Policy), PolicyArns: policies(in.PolicyARNs)}
	out, err := api.GetFederationToken(ctx, input)
	if err != nil {
		return Issued{}, c.refused("GetFederationToken", err)
	}
	s, err := c.session("GetFederationToken", out.Credentials)
	return Issued{Session: s, RequestID: requestID(out.ResultMetadata)}, err
}

func policies(arns []string) []types.PolicyDescriptorType {
	var out []types.PolicyDescriptorType
	for _, arn := range arns {
		out = append(out, types.PolicyDescriptorType{Arn: text(arn)})
	}
	return out
}

// CallerIdentity asks AWS who the signer is; no permission is needed for that.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html)
func (c *Client) CallerIdentity(ctx context.Context) (Identity, error) {
	api, err := c.sts(false)
	if err != nil {
		return Identity{}, err
	}
	out, err := api.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Identity{}, c.refused("GetCallerIdentity", err)
	}
	return Identity{Account: aws.ToString(out.Account), ARN: aws.ToString(out.Arn), UserID: aws.ToString(out.UserId)}, nil
}
