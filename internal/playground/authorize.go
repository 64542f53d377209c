package playground

import (
	"net/http"
	"slices"
)

// operation is one API action of the query protocol.
type operation struct {
	open     bool                                        // needs no permission, or its handler asks itself
	resource func(c *call) string                        // what policies are asked about; nil for "*"
	run      func(s *Server, c *call) ([]element, error) // gives what is inside the Result element
}

func operations() map[string]operation {
	all := map[string]operation{}
	for _, table := range []map[string]operation{stsOperations(), userOperations(), keyOperations(),
		mfaOperations(), groupOperations(), policyOperations(), roleOperations()} {
		for name, o := range table {
			all[name] = o
		}
	}
	return all
}

// perform does a call of the query protocol, after its signature was right.
func (s *Server) perform(c *call) ([]element, error) {
	o, ok := s.operations[c.name()]
	if !ok {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "the playground does not hold %s", c.name())
	}
	if k := s.world.keys[c.param("AccessKeyId")]; k != nil {
		c.owner = k.owner
	}
	c.resource = "*"
	if o.resource != nil {
		c.resource = o.resource(c)
	}
	if err := c.admissible(); err != nil {
		return nil, err
	}
	if !o.open {
		if err := s.authorize(c); err != nil {
			return nil, err
		}
	}
	return o.run(s, c)
}

// admissible holds what temporary credentials may not call at all, from "Compare
// AWS STS credentials" in the IAM User Guide.
func (c *call) admissible() error {
	if c.name() == "sts:GetCallerIdentity" {
		return nil
	}
	kind, noMFA := c.id.kind, c.id.mfaAt.IsZero()
	switch {
	case c.service == "iam" && (kind == kindFederated || kind == kindSession && noMFA):
		return badClient()
	case c.service == "sts" && kind == kindFederated:
		return accessDenied("Cannot call %s with federated user credentials", c.action)
	case c.service == "sts" && kind == kindSession && c.action != "AssumeRole":
		return accessDenied("Cannot call %s with session credentials", c.action)
	case kind == kindRole && slices.Contains([]string{"sts:GetSessionToken", "sts:GetFederationToken"}, c.name()):
		return accessDenied("Cannot call %s with session credentials", c.action)
	}
	return nil
}

// authorize asks the caller's own policies about the call's resource.
func (s *Server) authorize(c *call) error {
	q := c.question(c.name(), c.resource, s.now())
	found, err := judge(c.id.documents(), q)
	if err != nil {
		return err
	}
	if found == denied {
		return c.denied(" with an explicit deny in an identity-based policy")
	}
	if err := c.sessionPoliciesAllow(q); err != nil {
		return err
	}
	if found == silent {
		return c.denied(" because no identity-based policy allows the " + q.action + " action")
	}
	return nil
}

// sessionPoliciesAllow refuses what the session's own policies do not allow.
func (c *call) sessionPoliciesAllow(q question) error {
	if !c.id.scoped {
		return nil
	}
	found, err := judge(c.id.policies, q)
	switch {
	case err != nil:
		return err
	case found == denied:
		return c.denied(" with an explicit deny in a session policy")
	case found == silent:
		return c.denied(" because no session policy allows the " + q.action + " action")
	}
	return nil
}

func (c *call) denied(why string) *refusal {
	resource := c.resource
	if c.service == "s3" {
		resource = `"` + resource + `"`
	}
	return accessDenied("User: %s is not authorized to perform: %s on resource: %s%s", c.id.arn, c.name(), resource, why)
}
