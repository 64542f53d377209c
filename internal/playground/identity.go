package playground

import (
	"strings"
	"time"
)

// The kinds of caller.
const (
	kindUser      = "user"      // a long-term key
	kindSession   = "session"   // GetSessionToken
	kindRole      = "role"      // AssumeRole
	kindFederated = "federated" // GetFederationToken
)

// identity is who a request was made as.
type identity struct {
	kind, arn, userID string
	account           *account
	user              *user // of all kinds but a role session
	role              *role // of a role session
	issued            time.Time
	mfaAt             time.Time // zero without MFA
	sourceIdentity    string
	tags              map[string]string // session tags, or the user's own
	transitive        []string
	policies          []document // session policies; the session may do what one of them allows
	scoped            bool       // policies limit the session, even when there are none
	direct            bool       // a role assumed straight from a long-term key
}

// session is a set of temporary credentials that was handed out.
type session struct {
	id, secret, sessionToken string
	expires                  time.Time
	identity                 identity
}

func identityOf(u *user) identity {
	return identity{kind: kindUser, arn: u.arn, userID: u.id, account: u.account, user: u, tags: u.tags}
}

func (i identity) temporary() bool { return i.kind != kindUser }

// exists is false for a session whose user or role is no more.
func (i identity) exists() bool {
	if i.role != nil {
		return i.account.roles[i.role.name] == i.role
	}
	return i.account.users[i.user.name] == i.user
}

// documents gives the identity's own policies, without session policies.
func (i identity) documents() []document {
	if i.role != nil {
		return i.account.documents(i.role.grants)
	}
	docs := i.account.documents(i.user.grants)
	for _, g := range i.account.groupsOf(i.user) {
		docs = append(docs, i.account.documents(g.grants)...)
	}
	return docs
}

// names are the ARNs by which a trust policy can mean this caller.
func (i identity) names() []string {
	if i.role != nil {
		return []string{i.role.arn, i.arn}
	}
	return []string{i.arn}
}

// sessionName is the last part of the ARN: a role session's or user's name.
func (i identity) sessionName() string { return i.arn[strings.LastIndex(i.arn, "/")+1:] }

// newSession hands out temporary credentials.
func (s *Server) newSession(i identity, life time.Duration) *session {
	i.issued = s.now()
	if i.kind == kindRole && s.set.RoleLife > 0 {
		life = min(life, s.set.RoleLife)
	}
	made := &session{
		id: s.random.keyID("ASIA", i.account.ID), secret: s.random.secretKey(), sessionToken: s.random.sessionToken(),
		expires: i.issued.Add(life).Truncate(time.Second), identity: i,
	}
	s.world.sessions[made.id] = made
	return made
}

func (s *session) element() element {
	return tree("Credentials", leaf("AccessKeyId", s.id), leaf("SecretAccessKey", s.secret),
		leaf("SessionToken", s.sessionToken), moment("Expiration", s.expires))
}

// facts gives the condition keys of a request by this identity.
func (i identity) facts(now time.Time) facts {
	f := facts{
		"aws:principalarn":          {i.arn},
		"aws:principalaccount":      {i.account.ID},
		"aws:userid":                {i.userID},
		"aws:currenttime":           {now.Format(time.RFC3339)},
		"aws:epochtime":             {epoch(now)},
		"aws:securetransport":       {"true"}, // loopback stands where TLS stands at AWS
		"aws:sourceip":              {"127.0.0.1"},
		"aws:viaawsservice":         {"false"},
		"aws:principalisawsservice": {"false"},
		"aws:principaltype":         {map[string]string{kindRole: "AssumedRole", kindFederated: "FederatedUser"}[i.kind]},
	}
	if i.kind == kindUser || i.kind == kindSession {
		f["aws:principaltype"] = []string{"User"}
		f["aws:username"] = []string{i.user.name}
	}
	if i.role != nil {
		f["aws:principalarn"] = []string{i.role.arn}
	}
	if i.temporary() {
		f["aws:tokenissuetime"] = []string{i.issued.Format(time.RFC3339)}
		f.setMFA(i.mfaAt, now)
	}
	if i.sourceIdentity != "" {
		f["aws:sourceidentity"] = []string{i.sourceIdentity}
	}
	for key, value := range i.tags {
		f["aws:principaltag/"+strings.ToLower(key)] = []string{value}
	}
	return f
}

// setMFA says false for a session without MFA. Long-term keys never come here:
// with them the key is absent, which Bool and BoolIfExists tell apart.
func (f facts) setMFA(at, now time.Time) {
	delete(f, "aws:multifactorauthage")
	f["aws:multifactorauthpresent"] = []string{"false"}
	if !at.IsZero() {
		f["aws:multifactorauthpresent"] = []string{"true"}
		f["aws:multifactorauthage"] = []string{seconds(now.Sub(at))}
	}
}
