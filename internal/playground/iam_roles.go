package playground

import (
	"strconv"
	"strings"
	"time"
)

func roleOperations() map[string]operation {
	return map[string]operation{
		"iam:CreateRole":             {resource: namedRoleARN, run: (*Server).createRole},
		"iam:GetRole":                {resource: namedRoleARN, run: (*Server).roleDetail},
		"iam:ListRoles":              {resource: under("role/"), run: (*Server).listRoles},
		"iam:UpdateRole":             {resource: namedRoleARN, run: (*Server).updateRole},
		"iam:DeleteRole":             {resource: namedRoleARN, run: (*Server).deleteRole},
		"iam:UpdateAssumeRolePolicy": {resource: namedRoleARN, run: (*Server).updateTrust},
	}
}

func namedRoleARN(c *call) string {
	if r := c.id.account.roles[c.param("RoleName")]; r != nil {
		return r.arn
	}
	return "arn:aws:iam::" + c.id.account.ID + ":role" + c.path() + c.param("RoleName")
}

func (c *call) theRole() (*role, error) {
	r := c.id.account.roles[c.param("RoleName")]
	if r == nil {
		return nil, noSuch("The role with name %s cannot be found.", c.param("RoleName"))
	}
	return r, nil
}

func (r *role) elements() []element {
	out := []element{leaf("Path", r.path), leaf("RoleName", r.name), leaf("RoleId", r.id), leaf("Arn", r.arn),
		moment("CreateDate", r.created), leaf("AssumeRolePolicyDocument", escape(r.trust.text)),
		leaf("Description", r.description), leaf("MaxSessionDuration", seconds(r.max))}
	if len(r.tags) > 0 {
		out = append(out, tagElements(r.tags))
	}
	return out
}

func (s *Server) createRole(c *call) ([]element, error) {
	if err := c.checkEntityName("RoleName", 64); err != nil {
		return nil, err
	}
	name, a := c.param("RoleName"), c.id.account
	if a.roles[name] != nil {
		return nil, conflict("EntityAlreadyExists", "Role with name %s already exists.", name)
	}
	trust, err := s.world.readTrust(c.param("AssumeRolePolicyDocument"))
	if err != nil {
		return nil, err
	}
	longest, err := c.maxSession(time.Hour)
	if err != nil {
		return nil, err
	}
	var sc scope
	if err := c.readTags(&sc); err != nil {
		return nil, err
	}
	r := &role{name: name, path: c.path(), id: s.random.entityID("AROA"), arn: c.resource, description: c.param("Description"),
		created: s.now(), trust: trust, max: longest, tags: sc.tags, account: a}
	a.roles[name] = r
	return []element{tree("Role", r.elements()...)}, nil
}

// maxSession reads MaxSessionDuration: one to twelve hours.
func (c *call) maxSession(otherwise time.Duration) (time.Duration, error) {
	if !c.has("MaxSessionDuration") {
		return otherwise, nil
	}
	text := c.param("MaxSessionDuration")
	n, err := strconv.Atoi(text)
	d := time.Duration(n) * time.Second
	switch {
	case err != nil || d > maxRoleSession:
		return 0, constraint(text, "maxSessionDuration", "have value less than or equal to "+seconds(maxRoleSession))
	case d < time.Hour:
		return 0, constraint(text, "maxSessionDuration", "have value greater than or equal to 3600")
	}
	return d, nil
}

// readTrust reads a trust policy and, as IAM does, refuses principals that are
// not there. The world has seven accounts.
func (w *world) readTrust(text string) (policy, error) {
	doc, err := parsePolicy(text, trustPolicy)
	if err != nil {
		return policy{}, err
	}
	for _, r := range doc.Statements {
		for _, p := range r.Principals {
			if !w.principal(p) {
				return policy{}, badPolicy(`Invalid principal in policy: "AWS":"%s"`, p)
			}
		}
	}
	return policy{text: text, doc: doc}, nil
}

func (w *world) principal(p string) bool {
	if p == "*" || w.account(p) != nil {
		return true
	}
	parts := strings.SplitN(p, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || w.account(parts[4]) == nil {
		return false
	}
	a, name := w.account(parts[4]), p[strings.LastIndex(p, "/")+1:]
	switch kind, _, _ := strings.Cut(parts[5], "/"); kind {
	case "root":
		return true
	case "user":
		return a.users[name] != nil
	case "role":
		return a.roles[name] != nil
	case "assumed-role", "federated-user":
		return true
	}
	return false
}

func (s *Server) roleDetail(c *call) ([]element, error) {
	r, err := c.theRole()
	if err != nil {
		return nil, err
	}
	used := tree("RoleLastUsed")
	if !r.lastUsed.IsZero() {
		used.inside = []element{moment("LastUsedDate", r.lastUsed), leaf("Region", Region)}
	}
	return []element{tree("Role", append(r.elements(), used)...)}, nil
}

func (s *Server) listRoles(c *call) ([]element, error) {
	names, rest, err := page(c, sorted(c.id.account.roles))
	if err != nil {
		return nil, err
	}
	var items [][]element
	for _, name := range names {
		items = append(items, c.id.account.roles[name].elements())
	}
	return append([]element{members("Roles", items)}, rest...), nil
}

// updateRole answers with an empty result, which AWS's SDKs expect.
func (s *Server) updateRole(c *call) ([]element, error) {
	r, err := c.theRole()
	if err != nil {
		return nil, err
	}
	longest, err := c.maxSession(r.max)
	if err != nil {
		return nil, err
	}
	r.max = longest
	if c.has("Description") {
		r.description = c.param("Description")
	}
	return []element{}, nil
}

func (s *Server) deleteRole(c *call) ([]element, error) {
	r, err := c.theRole()
	if err != nil {
		return nil, err
	}
	switch {
	case len(r.inline) > 0:
		return nil, conflict("DeleteConflict", "Cannot delete entity, must delete policies first.")
	case len(r.attached) > 0:
		return nil, conflict("DeleteConflict", "Cannot delete entity, must detach all policies first.")
	}
	delete(c.id.account.roles, r.name)
	return nil, nil
}

func (s *Server) updateTrust(c *call) ([]element, error) {
	r, err := c.theRole()
	if err != nil {
		return nil, err
	}
	trust, err := s.world.readTrust(c.param("PolicyDocument"))
	if err != nil {
		return nil, err
	}
	r.trust = trust
	return nil, nil
}
