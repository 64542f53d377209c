package awsapi

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Groups lists the groups of a user. In each of these calls an empty user is the
// one that signs. Errors: *Refusal, *UnreachableError.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupsForUser.html)
func (c *Client) Groups(ctx context.Context, user string) ([]string, error) {
	api, err := c.iam(false)
	if err != nil {
		return nil, err
	}
	var names []string
	for p := iam.NewListGroupsForUserPaginator(api, &iam.ListGroupsForUserInput{UserName: text(user)}); p.HasMorePages(); {
		out, err := p.NextPage(ctx)
		if err != nil {
			return nil, c.refused("ListGroupsForUser", err)
		}
		for _, g := range out.Groups {
			names = append(names, aws.ToString(g.GroupName))
		}
	}
	return names, nil
}

// UserPolicies gives the texts of a user's own policies, inline and attached.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUserPolicy.html)
func (c *Client) UserPolicies(ctx context.Context, user string) ([]string, error) {
	api, err := c.iam(false)
	if err != nil {
		return nil, err
	}
	var all []string
	for p := iam.NewListUserPoliciesPaginator(api, &iam.ListUserPoliciesInput{UserName: &user}); p.HasMorePages(); {
		out, err := p.NextPage(ctx)
		if err != nil {
			return nil, c.refused("ListUserPolicies", err)
		}
		for _, name := range out.PolicyNames {
			one, err := api.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: &user, PolicyName: &name})
			if err != nil {
				return nil, c.refused("GetUserPolicy", err)
			}
			all = append(all, aws.ToString(one.PolicyDocument))
		}
	}
	var attached []types.AttachedPolicy
	for p := iam.NewListAttachedUserPoliciesPaginator(api, &iam.ListAttachedUserPoliciesInput{UserName: &user}); p.HasMorePages(); {
		out, err := p.NextPage(ctx)
		if err != nil {
			return nil, c.refused("ListAttachedUserPolicies", err)
		}
		attached = append(attached, out.AttachedPolicies...)
	}
	return c.policies(ctx, api, all, attached)
}

// GroupPolicies is UserPolicies for a group.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroupPolicy.html)
func (c *Client) GroupPolicies(ctx context.Context, group string) ([]string, error) {
	api, err := c.iam(false)
	if err != nil {
		return nil, err
	}
	var all []string
	for p := iam.NewListGroupPoliciesPaginator(api, &iam.ListGroupPoliciesInput{GroupName: &group}); p.HasMorePages(); {
		out, err := p.NextPage(ctx)
		if err != nil {
			return nil, c.refused("ListGroupPolicies", err)
		}
		for _, name := range out.PolicyNames {
			one, err := api.GetGroupPolicy(ctx, &iam.GetGroupPolicyInput{GroupName: &group, PolicyName: &name})
			if err != nil {
				return nil, c.refused("GetGroupPolicy", err)
			}
			all = append(all, aws.ToString(one.PolicyDocument))
		}
	}
	var attached []types.AttachedPolicy
	for p := iam.NewListAttachedGroupPoliciesPaginator(api, &iam.ListAttachedGroupPoliciesInput{GroupName: &group}); p.HasMorePages(); {
		out, err := p.NextPage(ctx)
		if err != nil {
			return nil, c.refused("ListAttachedGroupPolicies", err)
		}
		attached = append(attached, out.AttachedPolicies...)
	}
	return c.policies(ctx, api, all, attached)
}

// policies adds what the attached policies say in the version that counts. Their
// texts come encoded as in a URL (RFC 3986).
func (c *Client) policies(ctx context.Context, api *iam.Client, all []string, attached []types.AttachedPolicy) ([]string, error) {
	for _, a := range attached {
		one, err := api.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: a.PolicyArn})
		if err != nil {
			return nil, c.refused("GetPolicy", err)
		}
		if one.Policy == nil {
			return nil, fmt.Errorf("the answer of GetPolicy lacks the policy %s", aws.ToString(a.PolicyArn))
		}
		v, err := api.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: a.PolicyArn, VersionId: one.Policy.DefaultVersionId})
		if err != nil {
			return nil, c.refused("GetPolicyVersion", err)
		}
		if v.PolicyVersion != nil {
			all = append(all, aws.ToString(v.PolicyVersion.Document))
		}
	}
	for i, text := range all {
		plain, err := url.PathUnescape(text)
		if err != nil {
			return nil, fmt.Errorf("the text of a policy is not encoded as IAM does it: %w", err)
		}
		all[i] = plain
	}
	return all, nil
}
