package playground

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func userOperations() map[string]operation {
	return map[string]operation{
		"iam:GetUser":            {resource: userARN, run: (*Server).userDetail},
		"iam:ListUsers":          {resource: under("user/"), run: (*Server).listUsers},
		"iam:CreateUser":         {resource: userARN, run: (*Server).createUser},
		"iam:DeleteUser":         {resource: userARN, run: (*Server).deleteUser},
		"iam:ListAccountAliases": {run: (*Server).listAliases},
	}
}

// under gives the ARN that lists are asked about, such as arn:…:user/.
func under(kind string) func(*call) string {
	return func(c *call) string { return "arn:aws:iam::" + c.id.account.ID + ":" + kind }
}

// userARN is the user that the call names, or the caller.
func userARN(c *call) string {
	name := c.param("UserName")
	if name == "" && c.id.user != nil {
		return c.id.user.arn
	}
	if u := c.id.account.users[name]; u != nil {
		return u.arn
	}
	return "arn:aws:iam::" + c.id.account.ID + ":user" + c.path() + name
}

// path is the Path of something new; it begins and ends with a slash.
func (c *call) path() string {
	if c.has("Path") {
		return c.param("Path")
	}
	return "/"
}

// subject is the user that the call names, or the caller.
func (c *call) subject() (*user, error) {
	if !c.has("UserName") {
		if c.id.user == nil {
			return nil, invalid("Must specify userName when calling with non-User credentials")
		}
		return c.id.user, nil
	}
	u := c.id.account.users[c.param("UserName")]
	if u == nil {
		return nil, noSuch("The user with name %s cannot be found.", c.param("UserName"))
	}
	return u, nil
}

// checkEntityName holds the names of users, groups, roles and policies.
func (c *call) checkEntityName(param string, most int) error {
	name := c.param(param)
	shown := lower(param[:1]) + param[1:]
	switch {
	case name == "":
		return invalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", shown)
	case len(name) > most:
		return constraint(name, shown, fmt.Sprintf("have length less than or equal to %d", most))
	case !wellNamed(name):
		return invalid("The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", shown)
	case !strings.HasPrefix(c.path(), "/") || !strings.HasSuffix(c.path(), "/"):
		return invalid("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return nil
}

// page cuts a list at Marker and MaxItems, and says where the next one begins.
func page[T any](c *call, all []T) (items []T, rest []element, err error) {
	from, err := strconv.Atoi("0" + c.param("Marker"))
	if err != nil || from > len(all) {
		return nil, nil, invalid("Invalid Marker.")
	}
	most := 100
	if c.has("MaxItems") {
		if most, err = strconv.Atoi(c.param("MaxItems")); err != nil || most < 1 || most > 1000 {
			return nil, nil, constraint(c.param("MaxItems"), "maxItems", "have value between 1 and 1000")
		}
	}
	to := min(from+most, len(all))
	rest = []element{flag("IsTruncated", to < len(all))}
	if to < len(all) {
		rest = append(rest, count("Marker", to))
	}
	return all[from:to], rest, nil
}

func (u *user) elements() []element {
	return []element{leaf("Path", u.path), leaf("UserName", u.name), leaf("UserId", u.id),
		leaf("Arn", u.arn), moment("CreateDate", u.created)}
}

func tagElements(tags map[string]string) element {
	var items [][]element
	for _, key := range sorted(tags) {
		items = append(items, []element{leaf("Key", key), leaf("Value", tags[key])})
	}
	return members("Tags", items)
}

func (s *Server) userDetail(c *call) ([]element, error) {
	u, err := c.subject()
	if err != nil {
		return nil, err
	}
	inside := u.elements()
	if len(u.tags) > 0 {
		inside = append(inside, tagElements(u.tags))
	}
	return []element{tree("User", inside...)}, nil
}

func (s *Server) listUsers(c *call) ([]element, error) {
	names, rest, err := page(c, sorted(c.id.account.users))
	if err != nil {
		return nil, err
	}
	var items [][]element
	for _, name := range names {
		items = append(items, c.id.account.users[name].elements())
	}
	return append([]element{members("Users", items)}, rest...), nil
}

func (s *Server) createUser(c *call) ([]element, error) {
	if err := c.checkEntityName("UserName", 64); err != nil {
		return nil, err
	}
	name, a := c.param("UserName"), c.id.account
	if a.users[name] != nil {
		return nil, conflict("EntityAlreadyExists", "User with name %s already exists.", name)
	}
	var sc scope
	if err := c.readTags(&sc); err != nil {
		return nil, err
	}
	u := &user{name: name, path: c.path(), id: s.random.entityID("AIDA"), arn: c.resource, created: s.now(), tags: sc.tags, account: a}
	a.users[name] = u
	return []element{tree("User", u.elements()...)}, nil
}

func (s *Server) deleteUser(c *call) ([]element, error) {
	u, err := c.subject()
	if err != nil {
		return nil, err
	}
	left := ""
	switch {
	case len(s.world.keysOf(u)) > 0:
		left = "delete access keys"
	case len(s.world.devicesOf(u)) > 0:
		left = "deactivate MFA devices"
	case len(u.account.groupsOf(u)) > 0:
		left = "remove users from group"
	case len(u.inline) > 0:
		left = "delete policies"
	case len(u.attached) > 0:
		left = "detach all policies"
	}
	if left != "" {
		return nil, conflict("DeleteConflict", "Cannot delete entity, must %s first.", left)
	}
	delete(u.account.users, u.name)
	return nil, nil
}

func (s *Server) listAliases(c *call) ([]element, error) {
	return []element{tree("AccountAliases", leaf("member", c.id.account.alias)), flag("IsTruncated", false)}, nil
}

// leave takes a user out of a group.
func (g *group) leave(name string) {
	g.members = slices.DeleteFunc(g.members, func(m string) bool { return m == name })
}
