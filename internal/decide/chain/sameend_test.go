package chain

import (
	"testing"
	"time"

	"fob/internal/decide/guard"
	"fob/internal/decide/source"
)

func TestSameEnd(t *testing.T) {
	t.Parallel()
	role := source.AssumeRole{RoleARN: "arn:aws:iam::111122223333:role/a", Lifetime: time.Hour, Policy: "{}", PolicyARNs: []string{"arn:x"}}
	of := func(change func(*Chain, *source.AssumeRole)) Chain {
		c := Chain{Profile: "dev", Key: "base", Account: "111122223333", Policy: Policy{Name: "view", Inline: "{}", ARNs: []string{"arn:x"}, From: "config:2"}}
		r := role
		change(&c, &r)
		c.Steps = append(c.Steps, source.SessionToken{}, r)
		return c
	}
	step := func(s source.Step) Chain { return Chain{Steps: []source.Step{s}} }
	over := func(steps ...source.Step) Chain { return Chain{Steps: append(steps, role)} }
	before := of(func(*Chain, *source.AssumeRole) {})
	for what, tc := range map[string]struct {
		a, b Chain
		want bool
	}{
		"nothing":                        {before, of(func(*Chain, *source.AssumeRole) {}), true},
		"its length":                     {before, of(func(_ *Chain, r *source.AssumeRole) { r.Lifetime = 2 * time.Hour }), true},
		"who has the code":               {before, of(func(_ *Chain, r *source.AssumeRole) { r.Device.Serial = "arn:mfa" }), true},
		"where it stands":                {before, of(func(c *Chain, r *source.AssumeRole) { c.Policy.From, r.Profile = "config:9", "other" }), true},
		"the role":                       {before, of(func(_ *Chain, r *source.AssumeRole) { r.RoleARN += "b" }), false},
		"the text":                       {before, of(func(_ *Chain, r *source.AssumeRole) { r.Policy = "" }), false},
		"the ARNs":                       {before, of(func(_ *Chain, r *source.AssumeRole) { r.PolicyARNs = nil }), false},
		"tags":                           {before, of(func(_ *Chain, r *source.AssumeRole) { r.Tags = []source.Tag{{Key: "a", Value: "b"}} }), false},
		"the policy":                     {before, of(func(c *Chain, _ *source.AssumeRole) { c.Policy = Policy{} }), false},
		"its name":                       {before, of(func(c *Chain, _ *source.AssumeRole) { c.Policy.Name = "" }), false},
		"the key":                        {before, of(func(c *Chain, _ *source.AssumeRole) { c.Key = "other" }), false},
		"the guard":                      {before, of(func(c *Chain, _ *source.AssumeRole) { c.Guard = guard.Code }), false},
		"the account":                    {before, of(func(c *Chain, _ *source.AssumeRole) { c.Account = "" }), false},
		"the endpoint":                   {before, of(func(c *Chain, _ *source.AssumeRole) { c.Endpoint = "http://127.0.0.1:1" }), false},
		"no step":                        {Chain{Key: "base"}, Chain{Key: "base"}, true},
		"a step":                         {Chain{}, before, false},
		"a moved line":                   {step(source.Process{Line: "cat a", From: "config:2"}), step(source.Process{Line: "cat a", From: "config:3"}), true},
		"another program":                {step(source.Process{Line: "cat a", From: "config:2"}), step(source.Process{Line: "cat b", From: "config:2"}), false},
		"another file":                   {step(source.InClear{From: "a:2"}), step(source.InClear{From: "b:2"}), false},
		"another program under the role": {over(source.Process{Line: "cat a"}), over(source.Process{Line: "cat b"}), false},
		"tags on the way":                {over(source.AssumeRole{RoleARN: "arn:b"}), over(source.AssumeRole{RoleARN: "arn:b", Tags: []source.Tag{{Key: "a", Value: "b"}}}), false},
		"a role on the way":              {over(source.AssumeRole{RoleARN: "arn:b"}), over(), false},
		"no MFA session":                 {over(source.SessionToken{}), over(), true},
		"a user's length":                {step(source.SessionToken{Lifetime: 1}), step(source.SessionToken{Lifetime: 2}), true},
		"a user's device":                {step(source.SessionToken{Device: source.MFA{Serial: "a"}}), step(source.SessionToken{Device: source.MFA{Serial: "b"}}), false},
		"a web identity":                 {step(source.WebIdentity{Lifetime: 1}), step(source.WebIdentity{Lifetime: 2}), true},
		"its token":                      {step(source.WebIdentity{Token: source.TokenFrom{File: "a"}}), step(source.WebIdentity{Token: source.TokenFrom{File: "b"}}), false},
		"a federation":                   {step(source.FederationToken{Lifetime: 1}), step(source.FederationToken{Lifetime: 2}), true},
		"its rights":                     {step(source.FederationToken{Policy: "a"}), step(source.FederationToken{Policy: "b"}), false},
	} {
		if tc.a.SameEnd(tc.b) != tc.want || tc.b.SameEnd(tc.a) != tc.want {
			t.Errorf("%s: want %v", what, tc.want)
		}
	}
}
