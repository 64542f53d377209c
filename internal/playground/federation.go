package playground

import (
	"crypto/subtle"
	"encoding/json"
	"html"
	"net/http"
	"strconv"
	"time"
)

const signinLife = 15 * time.Minute // of a sign-in token, which works once

// signin is a token for the console's login page.
type signin struct {
	identity identity
	until    time.Time     // of the token
	console  time.Duration // how long the console stays open
}

// federation is the console's sign-in endpoint. It answers a bad request with
// a bare page and no reason, as AWS does.
func (s *Server) federation(c *call) (answer, error) {
	c.resource = "*"
	var a answer
	var err error
	switch c.action {
	case "getSigninToken":
		a, err = s.signinToken(c)
	case "login":
		a, err = s.login(c)
	default:
		err = badSignin("the Action is neither getSigninToken nor login")
	}
	if err != nil {
		return htmlPage(http.StatusBadRequest, "<title>400 Bad Request</title><h1>Bad Request</h1>"), err
	}
	return a, nil
}

// badSignin has its reason for the audit only.
func badSignin(why string) *refusal { return refuse(http.StatusBadRequest, "BadRequest", "%s", why) }

func htmlPage(status int, body string) answer {
	return answer{status: status, body: []byte("<!doctype html><meta charset=utf-8>" + body), header: http.Header{
		"Content-Type":            {"text/html; charset=utf-8"},
		"Cache-Control":           {"no-store"},
		"Content-Security-Policy": {"default-src 'none'"},
	}}
}

// signinToken trades a role's or a federated user's session for a token.
func (s *Server) signinToken(c *call) (answer, error) {
	var in struct {
		ID      string `json:"sessionId"`
		Key     string `json:"sessionKey"`
		Session string `json:"sessionToken"`
	}
	if json.Unmarshal([]byte(c.param("Session")), &in) != nil {
		return answer{}, badSignin("Session is not the JSON of three fields")
	}
	c.keyID = in.ID
	held := s.world.sessions[in.ID]
	if held == nil || subtle.ConstantTimeCompare([]byte(held.secret), []byte(in.Key)) != 1 ||
		subtle.ConstantTimeCompare([]byte(held.sessionToken), []byte(in.Session)) != 1 ||
		!held.identity.exists() || !s.now().Before(held.expires) {
		return answer{}, badSignin("these are no credentials of a session that holds")
	}
	c.id = &held.identity
	if c.id.kind != kindRole && c.id.kind != kindFederated {
		return answer{}, badSignin("credentials of GetSessionToken do not open the console")
	}
	length, err := c.consoleLength(held.expires.Sub(s.now()))
	if err != nil {
		return answer{}, err
	}
	made := s.random.sessionToken()
	s.world.signins[made] = &signin{identity: held.identity, until: s.now().Add(signinLife), console: length}
	body, _ := json.Marshal(map[string]string{"SigninToken": made}) // plain text marshals
	return answer{status: http.StatusOK, body: body, header: http.Header{
		"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}}, nil
}

// consoleLength reads SessionDuration, 900 to 43200. AWS fails it for chained
// roles and federated users: the console then ends with the credentials.
func (c *call) consoleLength(left time.Duration) (time.Duration, error) {
	if !c.has("SessionDuration") {
		return left, nil
	}
	n, err := strconv.Atoi(c.param("SessionDuration"))
	asked := time.Duration(n) * time.Second
	c.asked = asked
	switch {
	case err != nil || asked < minSession || asked > maxRoleSession:
		return 0, badSignin("SessionDuration is not from 900 to 43200")
	case c.id.kind != kindRole || !c.id.direct:
		return 0, badSignin("SessionDuration is only for a role that a long-term key assumed")
	}
	return asked, nil
}

// login stands for the console: it says who has come in, where, and for how
// long.
func (s *Server) login(c *call) (answer, error) {
	given := c.param("SigninToken")
	held := s.world.signins[given]
	delete(s.world.signins, given)
	if held == nil || !s.now().Before(held.until) {
		return answer{}, badSignin("the sign-in token is unknown, used or over 15 minutes old")
	}
	if c.param("Destination") == "" {
		return answer{}, badSignin("Destination is missing")
	}
	c.id = &held.identity
	what := "federated user"
	if c.id.role != nil {
		what = "role " + c.id.role.name
	}
	row := func(name, value string) string {
		return "<dt>" + name + "</dt><dd>" + html.EscapeString(value) + "</dd>"
	}
	return htmlPage(http.StatusOK, "<title>AWS console (playground)</title><h1>Signed in</h1><dl>"+
		row("Account", c.id.account.ID+" ("+c.id.account.Name+")")+row("Identity", what)+row("Session", c.id.sessionName())+
		row("ARN", c.id.arn)+row("Open for", held.console.Round(time.Second).String())+
		row("Destination", c.param("Destination"))+row("Issuer", c.param("Issuer"))+"</dl>"), nil
}
