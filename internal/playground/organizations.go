package playground

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Member is an account of the organization. State "" stands for ACTIVE.
type Member struct {
	Account
	State string
}

// accountsPerPage is how many accounts AWS gives at once, at most.
const accountsPerPage = 20

// SetOrganization puts other accounts into the organization's list. They are
// listed only: nothing else knows those that are not of the fixture.
func (s *Server) SetOrganization(members []Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.members = slices.Clone(members)
}

// postOrganization takes the list as JSON.
func (s *Server) postOrganization(_ *http.Request, body []byte) (any, error) {
	var in []struct{ Name, ID, State string }
	if err := strictly(body, &in); err != nil {
		return nil, err
	}
	var members []Member
	for _, m := range in {
		members = append(members, Member{Account{m.Name, m.ID}, m.State})
	}
	s.SetOrganization(members)
	return s.state(), nil
}

// organizations answers AWS Organizations, whose protocol is JSON 1.1. It answers
// in the management account only, and policies are asked first.
func (s *Server) organizations(c *call) (answer, error) {
	c.resource = "*"
	out, err := s.organization(c)
	if err != nil {
		return c.refused(asRefusal(err)), err
	}
	return c.json(http.StatusOK, out), nil
}

func (s *Server) organization(c *call) (map[string]any, error) {
	if err := s.authenticate(c); err != nil {
		return nil, err
	}
	if c.action != "ListAccounts" {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "the playground does not hold %s", c.name())
	}
	if err := s.authorize(c); err != nil {
		return nil, err
	}
	if c.id.account.ID != Root().ID {
		return nil, accessDenied("You don't have permissions to access this resource.")
	}
	return s.listAccounts(c)
}

// listAccounts is ListAccounts
// (https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html).
func (s *Server) listAccounts(c *call) (map[string]any, error) {
	var in struct {
		MaxResults *int
		NextToken  *string
	}
	if len(c.body) > 0 && json.Unmarshal(c.body, &in) != nil {
		return nil, refuse(http.StatusBadRequest, "SerializationException", "the request is not what ListAccounts takes")
	}
	size, from := accountsPerPage, 0
	switch {
	case in.MaxResults == nil:
	case *in.MaxResults < 1:
		return nil, refuse(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.MaxResults)
	case *in.MaxResults > accountsPerPage:
		return nil, refuse(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to %d", *in.MaxResults, accountsPerPage)
	default:
		size = *in.MaxResults
	}
	if in.NextToken != nil {
		at, err := strconv.Atoi(*in.NextToken)
		if err != nil || at < 1 || at >= len(s.world.members) {
			return nil, refuse(http.StatusBadRequest, "InvalidInputException", "You specified an invalid value for nextToken. You must get the value from the response to a previous call to the API.")
		}
		from = at
	}
	to := min(from+size, len(s.world.members))
	accounts := []map[string]any{}
	for _, m := range s.world.members[from:to] {
		accounts = append(accounts, m.listed(s.now()))
	}
	out := map[string]any{"Accounts": accounts}
	if to < len(s.world.members) {
		out["NextToken"] = strconv.Itoa(to)
	}
	return out, nil
}

// listed is what AWS tells of an account since it took Status out, in 2026.
func (m Member) listed(now time.Time) map[string]any {
	const organization = "o-acme123456"
	state, joined := m.State, "CREATED"
	if state == "" {
		state = "ACTIVE"
	}
	if m.ID == Root().ID {
		joined = "INVITED"
	}
	return map[string]any{
		"Id": m.ID, "Arn": "arn:aws:organizations::" + Root().ID + ":account/" + organization + "/" + m.ID, "Name": m.Name,
		"Email": "aws+" + m.ID + "@acme.com", "State": state, "JoinedMethod": joined, "JoinedTimestamp": now.Add(-1000 * time.Hour).Unix(),
		"Paths": []string{organization + "/r-acme/" + m.ID + "/"},
	}
}

func (c *call) json(status int, body any) answer {
	text, _ := json.Marshal(body) // plain text and numbers marshal
	return answer{status: status, body: text, header: http.Header{
		"Content-Type": {"application/x-amz-json-1.1"}, "X-Amzn-Requestid": {c.requestID}}}
}

// inJSON gives a refusal the code that services of the JSON protocol have for it,
// and their one status for what the caller did wrong.
func inJSON(r *refusal) *refusal {
	code := map[string]string{
		"AccessDenied": "AccessDeniedException", "ExpiredToken": "ExpiredTokenException", "InvalidClientTokenId": "UnrecognizedClientException",
		"SignatureDoesNotMatch": "InvalidSignatureException", "MissingAuthenticationToken": "MissingAuthenticationTokenException",
		"IncompleteSignature": "IncompleteSignatureException", "Throttling": "TooManyRequestsException",
	}[r.code]
	if code == "" {
		return r
	}
	return &refusal{status: http.StatusBadRequest, code: code, message: r.message}
}
