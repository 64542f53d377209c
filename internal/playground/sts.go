package playground

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limits of the STS API, from its reference.
const (
	minSession     = 900 * time.Second
	maxUserSession = 129600 * time.Second
	defaultSession = 43200 * time.Second
	maxRoleSession = 43200 * time.Second
	defaultRole    = 3600 * time.Second
	maxPolicy      = 2048 // characters of the session policies
)

func stsOperations() map[string]operation {
	return map[string]operation{
		"sts:GetCallerIdentity":  {open: true, run: (*Server).callerIdentity},
		"sts:GetSessionToken":    {open: true, run: (*Server).userSession},
		"sts:AssumeRole":         {open: true, run: (*Server).assumeRole, resource: func(c *call) string { return c.param("RoleArn") }},
		"sts:GetFederationToken": {run: (*Server).federatedSession, resource: federatedARN},
		"sts:GetAccessKeyInfo":   {run: (*Server).accessKeyInfo},
	}
}

func (s *Server) callerIdentity(c *call) ([]element, error) {
	return []element{leaf("Arn", c.id.arn), leaf("UserId", c.id.userID), leaf("Account", c.id.account.ID)}, nil
}

// userSession is GetSessionToken, which needs no permission and which no
// policy can forbid.
func (s *Server) userSession(c *call) ([]element, error) {
	life, err := c.duration(defaultSession, maxUserSession)
	if err != nil {
		return nil, err
	}
	if err := s.checkMFA(c); err != nil {
		return nil, err
	}
	i := *c.id
	i.kind, i.mfaAt = kindSession, c.mfaAt
	return []element{s.newSession(i, life).element()}, nil
}

// duration reads DurationSeconds.
func (c *call) duration(otherwise, most time.Duration) (time.Duration, error) {
	text := c.param("DurationSeconds")
	if !c.has("DurationSeconds") {
		c.asked = otherwise
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, refuse(http.StatusBadRequest, "MalformedInput", "Could not parse DurationSeconds")
	}
	c.asked = time.Duration(n) * time.Second
	switch {
	case c.asked < minSession:
		return 0, constraint(text, "durationSeconds", "have value greater than or equal to "+seconds(minSession))
	case c.asked > most:
		return 0, constraint(text, "durationSeconds", "have value less than or equal to "+seconds(most))
	}
	return c.asked, nil
}

// checkMFA spends the code that the request brings, if it brings one. Only a
// user's long-term key can.
func (s *Server) checkMFA(c *call) error {
	serial, code := c.param("SerialNumber"), c.param("TokenCode")
	if !c.has("SerialNumber") && !c.has("TokenCode") {
		return nil
	}
	if serial == "" || code == "" {
		return accessDenied("MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.")
	}
	d := c.id.account.devices[serial]
	if c.id.kind != kindUser || d == nil || d.owner != c.id.user {
		return accessDenied("MultiFactorAuthentication failed, unable to validate MFA code.  " +
			"Please verify your MFA serial number is valid and associated with this user.")
	}
	if !d.take(code, s.now()) {
		return accessDenied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	c.mfaAt = s.now()
	return nil
}

func federatedARN(c *call) string {
	return "arn:aws:sts::" + c.id.account.ID + ":federated-user/" + c.param("Name")
}

// federatedSession is GetFederationToken: what the session policy and the
// user's own policies both allow, and nothing without a session policy.
func (s *Server) federatedSession(c *call) ([]element, error) {
	if err := c.checkName("Name", 32); err != nil {
		return nil, err
	}
	life, err := c.duration(defaultSession, maxUserSession)
	if err != nil {
		return nil, err
	}
	scope, err := c.readScope(c.id.account)
	if err != nil {
		return nil, err
	}
	i := *c.id
	i.kind, i.arn, i.userID = kindFederated, c.resource, c.id.account.ID+":"+c.param("Name")
	i.policies, i.scoped = scope.policies, true
	i.tags = overlay(i.tags, scope.tags)
	out := []element{s.newSession(i, life).element(),
		tree("FederatedUser", leaf("FederatedUserId", i.userID), leaf("Arn", i.arn))}
	return append(out, scope.packedSize()...), nil
}

// accessKeyInfo reads the account out of a key id, as AWS can for any id.
func (s *Server) accessKeyInfo(c *call) ([]element, error) {
	id := c.param("AccessKeyId")
	account, ok := accountOf(id)
	if !ok {
		return nil, invalid("Invalid Access Key ID format")
	}
	return []element{leaf("Account", account)}, nil
}

// checkName holds session names: 2 to most of [\w+=,.@-].
func (c *call) checkName(param string, most int) error {
	name := c.param(param)
	shown := strings.ToLower(param[:1]) + param[1:]
	switch {
	case !c.has(param):
		return invalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", shown)
	case len(name) < 2:
		return constraint(name, shown, "have length greater than or equal to 2")
	case len(name) > most:
		return constraint(name, shown, "have length less than or equal to "+strconv.Itoa(most))
	case !wellNamed(name):
		return constraint(name, shown, `satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	return nil
}

// wellNamed is the pattern [\w+=,.@-]* of names at STS and IAM.
func wellNamed(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool {
		return r > 0x7f || !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_+=,.@-", r))
	}) < 0
}

// scope is what a request asks a session to carry: policies and tags.
type scope struct {
	policies   []document
	scoped     bool
	tags       map[string]string
	transitive []string
	packed     int // percent of what AWS has room for
}

// readScope reads Policy, PolicyArns, Tags and TransitiveTagKeys. The ARNs are
// of AWS's managed policies or of the account's; a nil account has none.
func (c *call) readScope(a *account) (scope, error) {
	var sc scope
	text := c.param("Policy")
	if len([]rune(text)) > maxPolicy {
		return sc, constraint(text, "policy", "have length less than or equal to "+strconv.Itoa(maxPolicy))
	}
	if text != "" {
		doc, err := parsePolicy(text, identityPolicy)
		if err != nil {
			return sc, err
		}
		sc.policies, sc.scoped = append(sc.policies, doc), true
	}
	arns := c.list("PolicyArns", ".arn")
	if len(arns) > 10 {
		return sc, constraint("["+strings.Join(arns, ", ")+"]", "policyArns", "have length less than or equal to 10")
	}
	for _, arn := range arns {
		p, ok := a.managed(arn)
		if !ok {
			return sc, noSuchPolicy(arn)
		}
		sc.policies, sc.scoped = append(sc.policies, p.doc), true
	}
	if err := c.readTags(&sc); err != nil {
		return sc, err
	}
	if size := len([]rune(text)) + len(strings.Join(arns, "")); size > maxPolicy {
		return sc, packedTooLarge("policy", size*100/maxPolicy)
	}
	return sc, sc.pack(text, arns)
}

// packedTooLarge has AWS's words for what does not fit.
func packedTooLarge(what string, percent int) *refusal {
	if what == "tags" {
		return refuse(http.StatusBadRequest, "PackedPolicyTooLarge", "Packed size of session tags consumes %d%% of allotted space.", percent)
	}
	return refuse(http.StatusBadRequest, "PackedPolicyTooLarge", "Packed policy consumes %d%% of allotted space, please use smaller policy.", percent)
}

func noSuchPolicy(arn string) *refusal {
	return refuse(http.StatusBadRequest, "MalformedPolicyDocument", "Policy ARN %s does not exist or is not attachable.", arn)
}

// packedRoom is how many characters fill the room for policies and tags, as AWS had
// it until September 2026. It packed them in its own way and said only how much of
// the room they took; the tightest that was reported is a policy of 1,690 characters
// with 157%.
const packedRoom = 1690 * 100 / 157

// pack measures policies and tags.
func (sc *scope) pack(policyText string, arns []string) error {
	if policyText == "" && len(arns) == 0 && len(sc.tags) == 0 {
		return nil
	}
	var b bytes.Buffer
	_ = json.Compact(&b, []byte(policyText)) // it was parsed before
	for _, arn := range arns {
		b.WriteString(arn)
	}
	for _, key := range sorted(sc.tags) {
		b.WriteString(key + "=" + sc.tags[key])
	}
	sc.packed = max(1, b.Len()*100/packedRoom)
	switch {
	case sc.packed <= 100:
		return nil
	case policyText == "" && len(arns) == 0:
		return packedTooLarge("tags", sc.packed)
	}
	return packedTooLarge("policy", sc.packed)
}

// packedSize is empty when nothing was passed, as at AWS.
func (sc scope) packedSize() []element {
	if sc.packed == 0 {
		return nil
	}
	return []element{count("PackedPolicySize", sc.packed)}
}
