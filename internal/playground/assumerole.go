package playground

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// assumeRole is AssumeRole. A request that is spelt wrong is refused first,
// then a wrong code, then a caller who may not, then a duration.
func (s *Server) assumeRole(c *call) ([]element, error) {
	if err := c.checkRoleARN(); err != nil {
		return nil, err
	}
	if err := c.checkName("RoleSessionName", 64); err != nil {
		return nil, err
	}
	life, err := c.duration(defaultRole, maxRoleSession)
	if err != nil {
		return nil, err
	}
	sc, err := c.readScope(s.world.account(strings.Split(c.param("RoleArn"), ":")[4]))
	if err != nil {
		return nil, err
	}
	if err := s.checkMFA(c); err != nil {
		return nil, err
	}
	r, err := s.assumable(c)
	if err != nil {
		return nil, err
	}
	if err := s.checkRoleLife(c, r, life); err != nil {
		return nil, err
	}
	i := c.roleIdentity(r, sc)
	r.lastUsed = s.now()
	out := []element{s.newSession(i, life).element(),
		tree("AssumedRoleUser", leaf("AssumedRoleId", i.userID), leaf("Arn", i.arn))}
	out = append(out, sc.packedSize()...)
	if i.sourceIdentity != "" {
		out = append(out, leaf("SourceIdentity", i.sourceIdentity))
	}
	return out, nil
}

// roleIdentity is who the caller becomes. The session of a role does not tell of
// MFA, however it was entered.
func (c *call) roleIdentity(r *role, sc scope) identity {
	name := c.param("RoleSessionName")
	i := identity{
		kind: kindRole, account: r.account, role: r, userID: r.id + ":" + name,
		arn:            "arn:aws:sts::" + r.account.ID + ":assumed-role/" + r.name + "/" + name,
		sourceIdentity: c.id.sourceIdentity, policies: sc.policies, scoped: sc.scoped,
		direct: c.id.kind == kindUser,
	}
	if c.has("SourceIdentity") {
		i.sourceIdentity = c.param("SourceIdentity")
	}
	inherited := c.inheritedTags()
	i.tags = overlay(overlay(r.tags, inherited), sc.tags)
	i.transitive = append(slices.Sorted(maps.Keys(inherited)), sc.transitive...)
	return i
}

func (c *call) checkRoleARN() error {
	arn := c.param("RoleArn")
	switch {
	case !c.has("RoleArn"):
		return invalid("1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null")
	case len(arn) < 20:
		return constraint(arn, "roleArn", "have length greater than or equal to 20")
	case !strings.HasPrefix(arn, "arn:aws:iam::") || strings.Count(arn, ":") != 5:
		return invalid("Request ARN is invalid")
	}
	return nil
}

// roleNamed finds a role by its exact ARN.
func (w *world) roleNamed(arn string) *role {
	parts := strings.SplitN(arn, ":", 6)
	a := w.account(parts[4])
	if a == nil {
		return nil
	}
	r := a.roles[arn[strings.LastIndex(arn, "/")+1:]]
	if r == nil || r.arn != arn {
		return nil
	}
	return r
}

// assumable gives the role when its trust policy and the caller's policies
// agree. STS tells no one whether a role exists: the text is the same.
func (s *Server) assumable(c *call) (*role, error) {
	r := s.world.roleNamed(c.param("RoleArn"))
	actions := []string{"sts:AssumeRole"}
	if c.has("Tags.member.1.Key") || len(c.inheritedTags()) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	if c.has("SourceIdentity") || c.id.sourceIdentity != "" {
		actions = append(actions, "sts:SetSourceIdentity")
	}
	for _, action := range actions {
		if err := s.mayAssume(c, r, action); err != nil {
			return nil, err
		}
	}
	if set := c.param("SourceIdentity"); c.id.sourceIdentity != "" && c.has("SourceIdentity") && set != c.id.sourceIdentity {
		return nil, accessDenied("User: %s is not authorized to perform: sts:SetSourceIdentity on resource: %s", c.id.arn, c.resource)
	}
	return r, nil
}

// mayAssume judges one of AssumeRole's actions. Across accounts both sides
// must allow it; within one, a trust policy that names the caller is enough.
func (s *Server) mayAssume(c *call, r *role, action string) error {
	refused := func(why string) error {
		return accessDenied("User: %s is not authorized to perform: %s on resource: %s%s", c.id.arn, action, c.resource, why)
	}
	q := c.question(action, c.resource, s.now())
	own, err := judge(c.id.documents(), q)
	if err != nil {
		return err
	}
	if own == denied {
		return refused(" with an explicit deny in an identity-based policy")
	}
	scope := allowed
	if c.id.scoped {
		if scope, err = judge(c.id.policies, q); err != nil {
			return err
		}
	}
	if scope == denied {
		return refused(" with an explicit deny in a session policy")
	}
	if r == nil {
		return refused("")
	}
	trust, how, err := judgeTrust(r.trust.doc, q, c.id)
	if err != nil {
		return err
	}
	if r.account != c.id.account {
		how = min(how, byAccount)
	}
	// To name the session itself is to grant to it, past its session policies.
	if trust != allowed || own != allowed && how < byName || scope != allowed && how < bySession {
		return refused("")
	}
	return nil
}

// checkRoleLife refuses what is longer than the role or the chain allows; AWS
// never cuts it short by itself.
func (s *Server) checkRoleLife(c *call, r *role, life time.Duration) error {
	chained := c.id.kind == kindRole || c.id.kind == kindSession && s.set.CapSessionToken
	switch {
	case chained && life > time.Hour:
		return invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case life > r.max:
		return invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return nil
}

// inheritedTags are the transitive tags that a chain carries on.
func (c *call) inheritedTags() map[string]string {
	if c.id.kind != kindRole || len(c.id.transitive) == 0 {
		return nil
	}
	tags := map[string]string{}
	for _, key := range c.id.transitive {
		tags[key] = c.id.tags[key]
	}
	return tags
}

// readTags reads session tags and which of them are transitive.
func (c *call) readTags(sc *scope) error {
	keys, values := c.list("Tags", ".Key"), c.list("Tags", ".Value")
	sc.transitive = c.list("TransitiveTagKeys", "")
	if len(keys) > 50 {
		return constraint("tags", "tags", "have length less than or equal to 50")
	}
	if len(keys) != len(values) {
		return invalid("1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null")
	}
	inherited := c.inheritedTags()
	seen := map[string]bool{}
	for i, key := range keys {
		if err := checkTag(key, values[i], seen); err != nil {
			return err
		}
		if _, taken := inherited[key]; taken {
			return badParameter("One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		sc.tags = overlay(sc.tags, map[string]string{key: values[i]})
	}
	for _, key := range sc.transitive {
		if !slices.Contains(keys, key) {
			return badParameter("The specified transitive tag key must be included in the requested tags.")
		}
	}
	return nil
}

func badParameter(text string) *refusal {
	return refuse(http.StatusBadRequest, "InvalidParameterValue", "%s", text)
}

func checkTag(key, value string, seen map[string]bool) error {
	switch {
	case key == "" || len(key) > 128:
		return constraint(key, "tags.1.member.key", "have length less than or equal to 128")
	case len(value) > 256:
		return constraint(value, "tags.1.member.value", "have length less than or equal to 256")
	case strings.HasPrefix(lower(key), "aws:"):
		return badParameter("Tag keys that start with aws: are reserved.")
	case seen[lower(key)]:
		return badParameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	}
	seen[lower(key)] = true
	return nil
}

// overlay copies base with the tags of over in it.
func overlay(base, over map[string]string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, base)
	maps.Copy(out, over)
	return out
}

func lower(s string) string { return strings.ToLower(s) }
