package awsapi

import "context"

// UserPolicies gives the texts of a user's own policies, inline and attached.
func (c *Client) UserPolicies(ctx context.Context, user string) ([]string, error) {
	return c.policiesOf(ctx, user, c.UserPolicyNames, c.UserPolicy, c.AttachedUserPolicies)
}

// GroupPolicies is UserPolicies for a group.
func (c *Client) GroupPolicies(ctx context.Context, group string) ([]string, error) {
	return c.policiesOf(ctx, group, c.GroupPolicyNames, c.GroupPolicy, c.AttachedGroupPolicies)
}

type lister func(ctx context.Context, of string) ([]string, error)

// policiesOf gives all policies of a user or a group, or the first error.
func (c *Client) policiesOf(ctx context.Context, of string, names lister, text func(ctx context.Context, of, name string) (string, error), attached lister) ([]string, error) {
	var all []string
	own, err := names(ctx, of)
	if err != nil {
		return nil, err
	}
	for _, name := range own {
		one, err := text(ctx, of, name)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	arns, err := attached(ctx, of)
	if err != nil {
		return nil, err
	}
	for _, arn := range arns {
		one, err := c.ManagedPolicy(ctx, arn)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}
