package playground

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// issuer is the identity provider that lives in the playground. Nothing is
	// fetched from that name: both halves of its key are here.
	issuer      = "oidc.playground.test"
	audience    = "sts.amazonaws.com"
	webRole     = "allow-ci-from-web-identity"
	webSubject  = "repo:acme/infrastructure:ref:refs/heads/main"
	webTokenFor = time.Hour
	kindWeb     = "web-identity" // the caller of AssumeRoleWithWebIdentity
)

func providerARN(account string) string {
	return "arn:aws:iam::" + account + ":oidc-provider/" + issuer
}

// webTrust lets the CI jobs of one branch in, as the page on GitHub's provider
// in the IAM User Guide has it.
func webTrust(account string) statement {
	return statement{
		Effect: "Allow", Principal: map[string]any{"Federated": providerARN(account)}, Action: "sts:AssumeRoleWithWebIdentity",
		Condition: map[string]any{"StringEquals": map[string]any{issuer + ":aud": audience}, "StringLike": map[string]any{issuer + ":sub": webSubject}},
	}
}

// newIssuer makes the provider's key (FIPS 186-5, P-256).
func newIssuer(random io.Reader) (*ecdsa.PrivateKey, error) {
	return ecdsa.GenerateKey(elliptic.P256(), random)
}

// claims are what a token says (RFC 7519, section 4.1).
type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	ID       string `json:"jti"`
}

// WebToken makes a token of the playground's identity provider for a subject; ""
// is the one that the fixture's role trusts.
func (s *Server) WebToken(subject string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if subject == "" {
		subject = webSubject
	}
	now := s.now()
	body, err := json.Marshal(claims{Issuer: "https://" + issuer, Subject: subject, Audience: audience, Issued: now.Unix(), Expires: now.Add(webTokenFor).Unix(), ID: s.random.requestID()})
	if err != nil {
		return "", err
	}
	raw := base64.RawURLEncoding.EncodeToString
	signed := raw([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + raw(body)
	sum := sha256.Sum256([]byte(signed))
	r, v, err := ecdsa.Sign(rand.Reader, s.issuer, sum[:])
	if err != nil {
		return "", err
	}
	signature := append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...)
	return signed + "." + raw(signature), nil
}

// readWebToken checks a token's signature and times. AWS's words for what is
// wrong are those of the API reference.
func (s *Server) readWebToken(text string) (claims, error) {
	bad := func(why string) (claims, error) {
		return claims{}, refuse(http.StatusBadRequest, "InvalidIdentityToken", "%s", why)
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return bad("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	var head struct {
		Alg string `json:"alg"`
	}
	var c claims
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !unpack(parts[0], &head) || !unpack(parts[1], &c) {
		return bad("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	if c.Issuer != "https://"+issuer {
		return bad("No OpenIDConnect provider found in your account for " + c.Issuer)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if head.Alg != "ES256" || len(signature) != 64 ||
		!ecdsa.Verify(&s.issuer.PublicKey, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return bad("Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
	}
	if now := s.now().Unix(); c.Expires <= now {
		return claims{}, refuse(http.StatusBadRequest, "ExpiredTokenException", "Token expired: current date/time %d must be before the expiration date/time %d", now, c.Expires)
	}
	return c, nil
}

func unpack(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}

// webIdentitySession is AssumeRoleWithWebIdentity: nobody has signed the
// request, and the token says who asks.
func (s *Server) webIdentitySession(c *call) ([]element, error) {
	if err := c.checkRoleARN(); err != nil {
		return nil, err
	}
	a := s.world.account(strings.Split(c.param("RoleArn"), ":")[4])
	c.resource = c.param("RoleArn")
	c.id = &identity{kind: kindWeb, arn: providerARN(strings.Split(c.resource, ":")[4]), account: a}
	if a == nil {
		c.id = nil
		return nil, unwelcome()
	}
	if err := c.checkName("RoleSessionName", 64); err != nil {
		return nil, err
	}
	life, err := c.duration(defaultRole, maxRoleSession)
	if err != nil {
		return nil, err
	}
	sc, err := c.readScope(a)
	if err != nil {
		return nil, err
	}
	who, err := s.readWebToken(c.param("WebIdentityToken"))
	if err != nil {
		return nil, err
	}
	r := s.world.roleNamed(c.resource)
	if r == nil {
		return nil, unwelcome()
	}
	q := question{action: c.name(), resource: c.resource, facts: facts{issuer + ":aud": {who.Audience}, issuer + ":sub": {who.Subject}}}
	found, err := judgeFor([]document{r.trust.doc}, q, func(r rule) bool { return slices.Contains(r.Federated, c.id.arn) })
	if err != nil || found != allowed {
		if err == nil {
			err = unwelcome()
		}
		return nil, err
	}
	if life > r.max {
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	name := c.param("RoleSessionName")
	i := identity{kind: kindRole, account: a, role: r, userID: r.id + ":" + name, arn: fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", a.ID, r.name, name), policies: sc.policies, scoped: sc.scoped, tags: overlay(r.tags, nil)}
	r.lastUsed = s.now()
	return []element{s.newSession(i, life).element(),
		leaf("SubjectFromWebIdentityToken", who.Subject), leaf("Audience", who.Audience), leaf("Provider", c.id.arn),
		tree("AssumedRoleUser", leaf("AssumedRoleId", i.userID), leaf("Arn", i.arn))}, nil
}

func unwelcome() *refusal {
	return accessDenied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
}
