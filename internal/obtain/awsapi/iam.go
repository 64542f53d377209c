package awsapi

import (
	"context"
	"errors"
	"time"

	"fob/internal/cred"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// KeyState is what IAM tells of one access key of a user.
type KeyState struct {
	ID      string
	Active  bool
	Created time.Time
}

// LastUse is when and for what a key was used last; At is zero where IAM knows
// of no use.
type LastUse struct {
	At      time.Time
	Service string
}

func (c *Client) iam(once bool) (*iam.Client, error) {
	conf, err := c.sdk(once)
	if err != nil {
		return nil, err
	}
	return iam.NewFromConfig(conf, func(o *iam.Options) {
		o.HTTPSignerV4 = c.cfg.Clock.signer()
		c.variants(&o.EndpointOptions.UseFIPSEndpoint, &o.EndpointOptions.UseDualStackEndpoint)
	}), nil
}

// AccessKeys lists the keys of a user, at most two. In each of these calls an
// empty user is the one that signs. Errors: *Refusal, *UnreachableError.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html)
func (c *Client) AccessKeys(ctx context.Context, user string) ([]KeyState, error) {
	api, err := c.iam(false)
	if err != nil {
		return nil, err
	}
	out, err := api.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: text(user)})
	if err != nil {
		return nil, c.refused("ListAccessKeys", err)
	}
	keys := make([]KeyState, 0, len(out.AccessKeyMetadata))
	for _, k := range out.AccessKeyMetadata {
		keys = append(keys, KeyState{ID: aws.ToString(k.AccessKeyId), Active: k.Status == types.StatusTypeActive, Created: aws.ToTime(k.CreateDate).UTC()})
	}
	return keys, nil
}

// CreateAccessKey makes a key. It is sent once: where the answer is lost a
// second try would leave a key behind whose secret nobody has.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html)
func (c *Client) CreateAccessKey(ctx context.Context, user string) (cred.AccessKey, error) {
	api, err := c.iam(true)
	if err != nil {
		return cred.AccessKey{}, err
	}
	out, err := api.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: text(user)})
	if err != nil {
		return cred.AccessKey{}, c.refused("CreateAccessKey", err)
	}
	if out.AccessKey == nil || aws.ToString(out.AccessKey.AccessKeyId) == "" || aws.ToString(out.AccessKey.SecretAccessKey) == "" {
		return cred.AccessKey{}, &UnreachableError{Op: "CreateAccessKey", Host: c.host(), Err: errors.New("the answer is cut short or not one of AWS's")}
	}
	return cred.AccessKey{ID: *out.AccessKey.AccessKeyId, Secret: cred.NewSecret(*out.AccessKey.SecretAccessKey)}, nil
}

// SetKeyActive makes a key active or inactive.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html)
func (c *Client) SetKeyActive(ctx context.Context, user, id string, active bool) error {
	api, err := c.iam(false)
	if err != nil {
		return err
	}
	status := types.StatusTypeInactive
	if active {
		status = types.StatusTypeActive
	}
	if _, err = api.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: text(user), AccessKeyId: &id, Status: status}); err != nil {
		return c.refused("UpdateAccessKey", err)
	}
	return nil
}

// DeleteAccessKey deletes a key for good.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html)
func (c *Client) DeleteAccessKey(ctx context.Context, user, id string) error {
	api, err := c.iam(false)
	if err != nil {
		return err
	}
	if _, err = api.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: text(user), AccessKeyId: &id}); err != nil {
		return c.refused("DeleteAccessKey", err)
	}
	return nil
}

// KeyLastUsed tells when a key was used last.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html)
func (c *Client) KeyLastUsed(ctx context.Context, id string) (LastUse, error) {
	api, err := c.iam(false)
	if err != nil {
		return LastUse{}, err
	}
	out, err := api.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &id})
	if err != nil {
		return LastUse{}, c.refused("GetAccessKeyLastUsed", err)
	}
	if out.AccessKeyLastUsed == nil || out.AccessKeyLastUsed.LastUsedDate == nil {
		return LastUse{}, nil
	}
	return LastUse{At: out.AccessKeyLastUsed.LastUsedDate.UTC(), Service: aws.ToString(out.AccessKeyLastUsed.ServiceName)}, nil
}
