package playground

import (
	"slices"
	"time"
)

// Call is one request as the server saw it, in the order of arrival.
type Call struct {
	Time      time.Time `json:"time"`
	Action    string    `json:"action"`         // sts:AssumeRole, s3:PutObject, signin:getSigninToken
	Resource  string    `json:"resource"`       // the ARN that policies were asked about, or *
	Verdict   string    `json:"verdict"`        // ok, an error code, or fault:500
	ARN       string    `json:"arn"`            // who signed; empty while that is not known
	Account   string    `json:"account"`        // of the one who signed
	Kind      string    `json:"kind"`           // user, session, role or federated
	MFA       bool      `json:"mfa"`            // the session had MFA, or the request brought a good code
	KeyID     string    `json:"key"`            // as the request claimed it
	UserAgent string    `json:"userAgent"`      // at most 200 bytes
	Code      string    `json:"code,omitempty"` // the error code, empty when all went well
	Message   string    `json:"message,omitempty"`
	Seconds   int       `json:"seconds,omitempty"` // the lifetime that was asked for, or its default
	Region    string    `json:"region,omitempty"`  // of the signature
	RequestID string    `json:"requestID"`
}

// Audit gives the calls since the start or the last ClearAudit.
func (s *Server) Audit() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// ClearAudit forgets the calls so far.
func (s *Server) ClearAudit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// record notes a call that was answered. Server.mu is held.
func (s *Server) record(c *call, err error) {
	seen := c.seen(s.now())
	seen.Verdict = "ok"
	if err != nil {
		r := asRefusal(err)
		seen.Verdict, seen.Code, seen.Message = r.code, r.code, r.message
	}
	s.calls = append(s.calls, seen)
}

func (c *call) seen(now time.Time) Call {
	agent := c.req.UserAgent()
	seen := Call{Time: now, Action: c.name(), Resource: c.resource, KeyID: c.keyID, Region: c.region,
		UserAgent: agent[:min(len(agent), 200)], Seconds: int(c.asked / time.Second), MFA: !c.mfaAt.IsZero(), RequestID: c.requestID}
	if c.id != nil {
		seen.ARN, seen.Account, seen.Kind = c.id.arn, c.id.account.ID, c.id.kind
		seen.MFA = seen.MFA || !c.id.mfaAt.IsZero()
	}
	return seen
}
