package awsapi

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
)

// mostAccountPages bounds a list that would never end: 20 accounts are on a page,
// and AWS lets no organization have 20,000.
const mostAccountPages = 1000

// OrganizationAccount is an account of an organization. State is ACTIVE where it
// can be used.
type OrganizationAccount struct{ ID, Name, State, ARN string }

// OrganizationAccounts lists all accounts of the signer's organization, in AWS's
// order, or none: what comes with an error is not a part of the list. The signer's
// account must be the management account, or one to which it has delegated this.
// Errors: *Refusal, *UnreachableError.
// (https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html)
func (c *Client) OrganizationAccounts(ctx context.Context) ([]OrganizationAccount, error) {
	const op = "ListAccounts"
	conf, err := c.sdk(false)
	if err != nil {
		return nil, err
	}
	api := organizations.NewFromConfig(conf, func(o *organizations.Options) {
		o.HTTPSignerV4 = c.cfg.Clock.signer()
		c.variants(&o.EndpointOptions.UseFIPSEndpoint, &o.EndpointOptions.UseDualStackEndpoint)
	})
	all := []OrganizationAccount{}
	next, seen := (*string)(nil), map[string]bool{}
	for range mostAccountPages {
		out, err := api.ListAccounts(ctx, &organizations.ListAccountsInput{NextToken: next})
		if err != nil {
			return nil, c.refused(op, err)
		}
		if out.Accounts == nil && aws.ToString(out.NextToken) == "" {
			return nil, &UnreachableError{Op: op, Host: c.host(), Err: errors.New("the answer is cut short or not one of AWS's")}
		}
		for _, a := range out.Accounts {
			// Status is what State was called until 2026.
			state := string(a.State)
			if state == "" {
				state = string(a.Status)
			}
			all = append(all, OrganizationAccount{ID: aws.ToString(a.Id), Name: aws.ToString(a.Name), State: state, ARN: aws.ToString(a.Arn)})
		}
		next = out.NextToken
		if aws.ToString(next) == "" {
			return all, nil
		}
		if seen[*next] {
			return nil, &UnreachableError{Op: op, Host: c.host(), Err: errors.New("the list does not end: it goes on at a page that was read already")}
		}
		seen[*next] = true
	}
	return nil, &UnreachableError{Op: op, Host: c.host(), Err: fmt.Errorf("the list does not end: it has more than %d pages", mostAccountPages)}
}
