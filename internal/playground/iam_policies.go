package playground

import (
	"slices"
	"strings"
)

// policyOperations are the same for users, groups and roles.
func policyOperations() map[string]operation {
	all := map[string]operation{
		"iam:GetPolicy":        {resource: policyARN, run: (*Server).policyDetail},
		"iam:GetPolicyVersion": {resource: policyARN, run: (*Server).policyVersion},
	}
	for kind, resource := range map[string]func(*call) string{"User": userARN, "Group": groupARN, "Role": namedRoleARN} {
		h := holderKind(kind)
		all["iam:Put"+kind+"Policy"] = operation{resource: resource, run: h.put}
		all["iam:Get"+kind+"Policy"] = operation{resource: resource, run: h.show}
		all["iam:Delete"+kind+"Policy"] = operation{resource: resource, run: h.remove}
		all["iam:List"+kind+"Policies"] = operation{resource: resource, run: h.list}
		all["iam:Attach"+kind+"Policy"] = operation{resource: resource, run: h.attach}
		all["iam:Detach"+kind+"Policy"] = operation{resource: resource, run: h.detach}
		all["iam:ListAttached"+kind+"Policies"] = operation{resource: resource, run: h.listAttached}
	}
	return all
}

// holderKind is User, Group or Role, as in the names of the actions.
type holderKind string

// grants finds the policies of the user, group or role that the call names.
func (h holderKind) grants(c *call) (*grants, error) {
	switch h {
	case "Group":
		g, err := c.theGroup()
		if err != nil {
			return nil, err
		}
		return &g.grants, nil
	case "Role":
		r, err := c.theRole()
		if err != nil {
			return nil, err
		}
		return &r.grants, nil
	}
	if !c.has("UserName") {
		return nil, invalid("1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null")
	}
	u, err := c.subject()
	if err != nil {
		return nil, err
	}
	return &u.grants, nil
}

func (h holderKind) put(_ *Server, c *call) ([]element, error) {
	g, err := h.grants(c)
	if err != nil {
		return nil, err
	}
	if err := c.checkEntityName("PolicyName", 128); err != nil {
		return nil, err
	}
	return nil, g.put(c.param("PolicyName"), c.param("PolicyDocument"))
}

func (h holderKind) inline(c *call) (*grants, policy, error) {
	g, err := h.grants(c)
	if err != nil {
		return nil, policy{}, err
	}
	p, ok := g.inline[c.param("PolicyName")]
	if !ok {
		return nil, p, noSuch("The %s policy with name %s cannot be found.", lower(string(h)), c.param("PolicyName"))
	}
	return g, p, nil
}

func (h holderKind) show(_ *Server, c *call) ([]element, error) {
	_, p, err := h.inline(c)
	if err != nil {
		return nil, err
	}
	name := string(h) + "Name"
	return []element{leaf(name, c.param(name)), leaf("PolicyName", p.name), leaf("PolicyDocument", escape(p.text))}, nil
}

func (h holderKind) remove(_ *Server, c *call) ([]element, error) {
	g, p, err := h.inline(c)
	if err != nil {
		return nil, err
	}
	delete(g.inline, p.name)
	return nil, nil
}

func (h holderKind) list(_ *Server, c *call) ([]element, error) {
	g, err := h.grants(c)
	if err != nil {
		return nil, err
	}
	names, rest, err := page(c, sorted(g.inline))
	if err != nil {
		return nil, err
	}
	list := tree("PolicyNames")
	for _, name := range names {
		list.inside = append(list.inside, leaf("member", name))
	}
	return append([]element{list}, rest...), nil
}

func (h holderKind) attach(_ *Server, c *call) ([]element, error) {
	g, err := h.grants(c)
	if err != nil {
		return nil, err
	}
	arn := c.param("PolicyArn")
	if _, ok := c.id.account.managed(arn); !ok {
		return nil, noSuch("Policy %s does not exist or is not attachable.", arn)
	}
	if slices.Contains(g.attached, arn) {
		return nil, nil
	}
	if len(g.attached) >= 10 {
		return nil, conflict("LimitExceeded", "Cannot exceed quota for PoliciesPer%s: 10", string(h))
	}
	g.attached = append(g.attached, arn)
	return nil, nil
}

func (h holderKind) detach(_ *Server, c *call) ([]element, error) {
	g, err := h.grants(c)
	if err != nil {
		return nil, err
	}
	at := slices.Index(g.attached, c.param("PolicyArn"))
	if at < 0 {
		return nil, noSuch("Policy %s was not found.", c.param("PolicyArn"))
	}
	g.attached = slices.Delete(slices.Clone(g.attached), at, at+1)
	return nil, nil
}

func (h holderKind) listAttached(_ *Server, c *call) ([]element, error) {
	g, err := h.grants(c)
	if err != nil {
		return nil, err
	}
	arns, rest, err := page(c, g.attached)
	if err != nil {
		return nil, err
	}
	var items [][]element
	for _, arn := range arns {
		items = append(items, []element{leaf("PolicyName", arn[strings.LastIndex(arn, "/")+1:]), leaf("PolicyArn", arn)})
	}
	return append([]element{members("AttachedPolicies", items)}, rest...), nil
}

func policyARN(c *call) string { return c.param("PolicyArn") }

func (c *call) thePolicy() (policy, error) {
	p, ok := c.id.account.managed(c.param("PolicyArn"))
	if !ok {
		return p, noSuch("Policy %s was not found.", c.param("PolicyArn"))
	}
	return p, nil
}

func (s *Server) policyDetail(c *call) ([]element, error) {
	p, err := c.thePolicy()
	if err != nil {
		return nil, err
	}
	return []element{tree("Policy", leaf("PolicyName", p.name), leaf("Arn", c.resource),
		leaf("DefaultVersionId", "v1"), flag("IsAttachable", true))}, nil
}

// policyVersion gives the document; every managed policy here has version v1.
func (s *Server) policyVersion(c *call) ([]element, error) {
	p, err := c.thePolicy()
	if err != nil {
		return nil, err
	}
	if c.param("VersionId") != "v1" {
		return nil, noSuch("Policy %s version %s does not exist or is not attachable.", c.resource, c.param("VersionId"))
	}
	return []element{tree("PolicyVersion", leaf("Document", escape(p.text)), leaf("VersionId", "v1"), flag("IsDefaultVersion", true))}, nil
}
