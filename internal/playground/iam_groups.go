package playground

import "slices"

func groupOperations() map[string]operation {
	return map[string]operation{
		"iam:CreateGroup":         {resource: groupARN, run: (*Server).createGroup},
		"iam:GetGroup":            {resource: groupARN, run: (*Server).groupDetail},
		"iam:ListGroups":          {resource: under("group/"), run: (*Server).listGroups},
		"iam:DeleteGroup":         {resource: groupARN, run: (*Server).deleteGroup},
		"iam:AddUserToGroup":      {resource: groupARN, run: (*Server).joinGroup},
		"iam:RemoveUserFromGroup": {resource: groupARN, run: (*Server).leaveGroup},
		"iam:ListGroupsForUser":   {resource: userARN, run: (*Server).listOwnGroups},
	}
}

func groupARN(c *call) string {
	if g := c.id.account.groups[c.param("GroupName")]; g != nil {
		return g.arn
	}
	return "arn:aws:iam::" + c.id.account.ID + ":group" + c.path() + c.param("GroupName")
}

func (c *call) theGroup() (*group, error) {
	g := c.id.account.groups[c.param("GroupName")]
	if g == nil {
		return nil, noSuch("The group with name %s cannot be found.", c.param("GroupName"))
	}
	return g, nil
}

func (g *group) elements() []element {
	path := g.arn[len("arn:aws:iam::123456789012:group") : len(g.arn)-len(g.name)]
	return []element{leaf("Path", path), leaf("GroupName", g.name), leaf("GroupId", g.id),
		leaf("Arn", g.arn), moment("CreateDate", g.created)}
}

func (s *Server) createGroup(c *call) ([]element, error) {
	if err := c.checkEntityName("GroupName", 128); err != nil {
		return nil, err
	}
	name := c.param("GroupName")
	if c.id.account.groups[name] != nil {
		return nil, conflict("EntityAlreadyExists", "Group with name %s already exists.", name)
	}
	g := &group{name: name, id: s.random.entityID("AGPA"), arn: c.resource, created: s.now()}
	c.id.account.groups[name] = g
	return []element{tree("Group", g.elements()...)}, nil
}

func (s *Server) groupDetail(c *call) ([]element, error) {
	g, err := c.theGroup()
	if err != nil {
		return nil, err
	}
	names, rest, err := page(c, slices.Sorted(slices.Values(g.members)))
	if err != nil {
		return nil, err
	}
	var items [][]element
	for _, name := range names {
		items = append(items, c.id.account.users[name].elements())
	}
	return append([]element{tree("Group", g.elements()...), members("Users", items)}, rest...), nil
}

func (s *Server) listGroups(c *call) ([]element, error) {
	var all []*group
	for _, name := range sorted(c.id.account.groups) {
		all = append(all, c.id.account.groups[name])
	}
	return groupList(c, all)
}

func groupList(c *call, all []*group) ([]element, error) {
	groups, rest, err := page(c, all)
	if err != nil {
		return nil, err
	}
	var items [][]element
	for _, g := range groups {
		items = append(items, g.elements())
	}
	return append([]element{members("Groups", items)}, rest...), nil
}

func (s *Server) deleteGroup(c *call) ([]element, error) {
	g, err := c.theGroup()
	if err != nil {
		return nil, err
	}
	switch {
	case len(g.members) > 0:
		return nil, conflict("DeleteConflict", "Cannot delete entity, must remove users from group first.")
	case len(g.inline) > 0:
		return nil, conflict("DeleteConflict", "Cannot delete entity, must delete policies first.")
	case len(g.attached) > 0:
		return nil, conflict("DeleteConflict", "Cannot delete entity, must detach all policies first.")
	}
	delete(c.id.account.groups, g.name)
	return nil, nil
}

func (s *Server) joinGroup(c *call) ([]element, error) {
	g, u, err := c.groupAndUser()
	if err != nil {
		return nil, err
	}
	if slices.Contains(g.members, u.name) {
		return nil, nil
	}
	if len(u.account.groupsOf(u)) >= 10 {
		return nil, conflict("LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10")
	}
	g.members = append(g.members, u.name)
	return nil, nil
}

func (s *Server) leaveGroup(c *call) ([]element, error) {
	g, u, err := c.groupAndUser()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(g.members, u.name) {
		return nil, noSuch("User %s is not in group %s.", u.name, g.name)
	}
	g.leave(u.name)
	return nil, nil
}

func (c *call) groupAndUser() (*group, *user, error) {
	g, err := c.theGroup()
	if err != nil {
		return nil, nil, err
	}
	u, err := c.subject()
	return g, u, err
}

func (s *Server) listOwnGroups(c *call) ([]element, error) {
	u, err := c.subject()
	if err != nil {
		return nil, err
	}
	return groupList(c, u.account.groupsOf(u))
}
