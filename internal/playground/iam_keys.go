package playground

// keysPerUser is IAM's quota.
const keysPerUser = 2

func keyOperations() map[string]operation {
	return map[string]operation{
		"iam:CreateAccessKey":      {resource: userARN, run: (*Server).createKey},
		"iam:ListAccessKeys":       {resource: userARN, run: (*Server).listKeys},
		"iam:UpdateAccessKey":      {resource: userARN, run: (*Server).updateKey},
		"iam:DeleteAccessKey":      {resource: userARN, run: (*Server).deleteKey},
		"iam:GetAccessKeyLastUsed": {resource: (*call).keyOwner, run: (*Server).keyLastUsed},
	}
}

func (k *accessKey) status() element {
	if k.active {
		return leaf("Status", "Active")
	}
	return leaf("Status", "Inactive")
}

func (s *Server) createKey(c *call) ([]element, error) {
	u, err := c.subject()
	if err != nil {
		return nil, err
	}
	if len(s.world.keysOf(u)) >= keysPerUser {
		return nil, conflict("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: %d", keysPerUser)
	}
	b := builder{world: s.world, random: s.random, now: s.now()}
	k := b.key(u, s.set.NewKeyDelay)
	return []element{tree("AccessKey", leaf("UserName", u.name), leaf("AccessKeyId", k.id), k.status(),
		leaf("SecretAccessKey", k.secret), moment("CreateDate", k.created))}, nil
}

func (s *Server) listKeys(c *call) ([]element, error) {
	u, err := c.subject()
	if err != nil {
		return nil, err
	}
	keys, rest, err := page(c, s.world.keysOf(u))
	if err != nil {
		return nil, err
	}
	var items [][]element
	for _, k := range keys {
		items = append(items, []element{leaf("UserName", u.name), leaf("AccessKeyId", k.id), k.status(), moment("CreateDate", k.created)})
	}
	return append([]element{leaf("UserName", u.name), members("AccessKeyMetadata", items)}, rest...), nil
}

// theKey is the key that the call names, of the user that it names.
func (s *Server) theKey(c *call) (*accessKey, error) {
	u, err := c.subject()
	if err != nil {
		return nil, err
	}
	k := s.world.keys[c.param("AccessKeyId")]
	if k == nil || k.owner != u {
		return nil, noSuch("The Access Key with id %s cannot be found.", c.param("AccessKeyId"))
	}
	return k, nil
}

func (s *Server) updateKey(c *call) ([]element, error) {
	status := c.param("Status")
	if status != "Active" && status != "Inactive" {
		return nil, constraint(status, "status", "satisfy enum value set: [Active, Inactive]")
	}
	k, err := s.theKey(c)
	if err != nil {
		return nil, err
	}
	k.active = status == "Active"
	return nil, nil
}

func (s *Server) deleteKey(c *call) ([]element, error) {
	k, err := s.theKey(c)
	if err != nil {
		return nil, err
	}
	delete(s.world.keys, k.id)
	return nil, nil
}

// keyOwner is the resource of GetAccessKeyLastUsed: the user with that key.
func (c *call) keyOwner() string {
	if c.owner != nil && c.owner.account == c.id.account {
		return c.owner.arn
	}
	return "arn:aws:iam::" + c.id.account.ID + ":user/"
}

func (s *Server) keyLastUsed(c *call) ([]element, error) {
	k := s.world.keys[c.param("AccessKeyId")]
	if k == nil || k.owner.account != c.id.account {
		return nil, noSuch("The Access Key with id %s cannot be found.", c.param("AccessKeyId"))
	}
	used := []element{leaf("ServiceName", "N/A"), leaf("Region", "N/A")}
	if !k.used.IsZero() {
		used = []element{moment("LastUsedDate", k.used), leaf("ServiceName", k.usedService), leaf("Region", k.usedRegion)}
	}
	return []element{leaf("UserName", k.owner.name), tree("AccessKeyLastUsed", used...)}, nil
}
