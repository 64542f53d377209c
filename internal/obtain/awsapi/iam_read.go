package awsapi

import (
	"context"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// mostPages bounds what is read of one list. IAM's quotas are far below it, and a
// server that always has another page must not hold a run for ever.
const mostPages = 50

// paged reads a list to its end; next reads one page, given where it begins, and
// says where the next one does.
func paged(next func(marker *string) (*string, bool, error)) error {
	var marker *string
	for range mostPages {
		at, more, err := next(marker)
		if err != nil || !more || aws.ToString(at) == "" {
			return err
		}
		marker = at
	}
	return nil
}

// OwnMFADevices lists the serials of the devices of the user that signs.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html)
func (c *Client) OwnMFADevices(ctx context.Context) ([]string, error) {
	api, err := c.iam(false)
	if err != nil {
		return nil, err
	}
	serials := []string{}
	err = paged(func(marker *string) (*string, bool, error) {
		out, err := api.ListMFADevices(ctx, &iam.ListMFADevicesInput{Marker: marker})
		if err != nil {
			return nil, false, c.refused("ListMFADevices", err)
		}
		for _, d := range out.MFADevices {
			serials = append(serials, aws.ToString(d.SerialNumber))
		}
		return out.Marker, out.IsTruncated, nil
	})
	return serials, err
}

// GroupsOfUser lists the names of the groups that a user is in. The errors of
// each of these calls: *Refusal, *UnreachableError.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupsForUser.html)
func (c *Client) GroupsOfUser(ctx context.Context, user string) ([]string, error) {
	api, err := c.iam(false)
	if err != nil {
		return nil, err
	}
	names := []string{}
	err = paged(func(marker *string) (*string, bool, error) {
		out, err := api.ListGroupsForUser(ctx, &iam.ListGroupsForUserInput{UserName: text(user), Marker: marker})
		if err != nil {
			return nil, false, c.refused("ListGroupsForUser", err)
		}
		for _, g := range out.Groups {
			names = append(names, aws.ToString(g.GroupName))
		}
		return out.Marker, out.IsTruncated, nil
	})
	return names, err
}

// GroupPolicyNames lists the policies that stand in a group itself.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupPolicies.html)
func (c *Client) GroupPolicyNames(ctx context.Context, group string) ([]string, error) {
	api, err := c.iam(false)
	if err != nil {
		return nil, err
	}
	var names []string
	err = paged(func(marker *string) (*string, bool, error) {
		out, err := api.ListGroupPolicies(ctx, &iam.ListGroupPoliciesInput{GroupName: text(group), Marker: marker})
		if err != nil {
			return nil, false, c.refused("ListGroupPolicies", err)
		}
		names = append(names, out.PolicyNames...)
		return out.Marker, out.IsTruncated, nil
	})
	return names, err
}

// GroupPolicy gives the text of a policy that stands in a group itself.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroupPolicy.html)
func (c *Client) GroupPolicy(ctx context.Context, group, name string) (string, error) {
	api, err := c.iam(false)
	if err != nil {
		return "", err
	}
	out, err := api.GetGroupPolicy(ctx, &iam.GetGroupPolicyInput{GroupName: text(group), PolicyName: text(name)})
	if err != nil {
		return "", c.refused("GetGroupPolicy", err)
	}
	return document(out.PolicyDocument), nil
}

// UserPolicyNames lists the policies that stand in a user itself.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserPolicies.html)
func (c *Client) UserPolicyNames(ctx context.Context, user string) ([]string, error) {
	api, err := c.iam(false)
	if err != nil {
		return nil, err
	}
	var names []string
	err = paged(func(marker *string) (*string, bool, error) {
		out, err := api.ListUserPolicies(ctx, &iam.ListUserPoliciesInput{UserName: text(user), Marker: marker})
		if err != nil {
			return nil, false, c.refused("ListUserPolicies", err)
		}
		names = append(names, out.PolicyNames...)
		return out.Marker, out.IsTruncated, nil
	})
	return names, err
}

// UserPolicy gives the text of a policy that stands in a user itself.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUserPolicy.html)
func (c *Client) UserPolicy(ctx context.Context, user, name string) (string, error) {
	api, err := c.iam(false)
	if err != nil {
		return "", err
	}
	out, err := api.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: text(user), PolicyName: text(name)})
	if err != nil {
		return "", c.refused("GetUserPolicy", err)
	}
	return document(out.PolicyDocument), nil
}

// AttachedGroupPolicies lists the ARNs of the managed policies of a group.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedGroupPolicies.html)
func (c *Client) AttachedGroupPolicies(ctx context.Context, group string) ([]string, error) {
	api, err := c.iam(false)
	if err != nil {
		return nil, err
	}
	var arns []string
	err = paged(func(marker *string) (*string, bool, error) {
		out, err := api.ListAttachedGroupPolicies(ctx, &iam.ListAttachedGroupPoliciesInput{GroupName: text(group), Marker: marker})
		if err != nil {
			return nil, false, c.refused("ListAttachedGroupPolicies", err)
		}
		arns = append(arns, arnsOf(out.AttachedPolicies)...)
		return out.Marker, out.IsTruncated, nil
	})
	return arns, err
}

// AttachedUserPolicies lists the ARNs of the managed policies of a user.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedUserPolicies.html)
func (c *Client) AttachedUserPolicies(ctx context.Context, user string) ([]string, error) {
	api, err := c.iam(false)
	if err != nil {
		return nil, err
	}
	var arns []string
	err = paged(func(marker *string) (*string, bool, error) {
		out, err := api.ListAttachedUserPolicies(ctx, &iam.ListAttachedUserPoliciesInput{UserName: text(user), Marker: marker})
		if err != nil {
			return nil, false, c.refused("ListAttachedUserPolicies", err)
		}
		arns = append(arns, arnsOf(out.AttachedPolicies)...)
		return out.Marker, out.IsTruncated, nil
	})
	return arns, err
}

func arnsOf(attached []types.AttachedPolicy) []string {
	arns := make([]string, 0, len(attached))
	for _, p := range attached {
		arns = append(arns, aws.ToString(p.PolicyArn))
	}
	return arns
}

// ManagedPolicy gives the text of a managed policy, in its default version.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html)
func (c *Client) ManagedPolicy(ctx context.Context, arn string) (string, error) {
	api, err := c.iam(false)
	if err != nil {
		return "", err
	}
	about, err := api.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: text(arn)})
	if err != nil {
		return "", c.refused("GetPolicy", err)
	}
	if about.Policy == nil {
		return "", nil
	}
	out, err := api.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: text(arn), VersionId: about.Policy.DefaultVersionId})
	if err != nil {
		return "", c.refused("GetPolicyVersion", err)
	}
	if out.PolicyVersion == nil {
		return "", nil
	}
	return document(out.PolicyVersion.Document), nil
}

// RoleTrust gives the trust policy of a role of the signer's account, by the
// role's name without its path.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html)
func (c *Client) RoleTrust(ctx context.Context, name string) (string, error) {
	api, err := c.iam(false)
	if err != nil {
		return "", err
	}
	out, err := api.GetRole(ctx, &iam.GetRoleInput{RoleName: text(name)})
	if err != nil {
		return "", c.refused("GetRole", err)
	}
	if out.Role == nil {
		return "", nil
	}
	return document(out.Role.AssumeRolePolicyDocument), nil
}

// document is a policy's text, which IAM sends URL-encoded (RFC 3986).
func document(sent *string) string {
	plain, err := url.PathUnescape(aws.ToString(sent))
	if err != nil {
		return aws.ToString(sent)
	}
	return plain
}
