package serve

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"fob/internal/cred"
)

// The paths of a container endpoint.
const (
	credentialsPath = "/credentials"
	healthPath      = "/health"
)

func containerRoutes() map[route]purpose {
	return map[route]purpose{{http.MethodGet, credentialsPath}: toCredentials, {http.MethodGet, healthPath}: toHealth}
}

func grantOf(g Grant) grant { return grant{uid: g.UID, sum: sumOf(g.Token.Reveal())} }

// containerAnswer is what the container credential provider of the SDKs reads. A
// key that does not end has no Expiration: a zero time would be in the past.
type containerAnswer struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string `json:",omitempty"`
	Expiration      string `json:",omitempty"`
	AccountID       string `json:"AccountId,omitempty"`
}

// metadataAnswer is what IMDS gives for a role.
type metadataAnswer struct {
	Code, LastUpdated, Type, AccessKeyID, SecretAccessKey, Token, Expiration, AccountID string
}

func (m metadataAnswer) MarshalJSON() ([]byte, error) {
	all := map[string]string{
		"Code": m.Code, "LastUpdated": m.LastUpdated, "Type": m.Type, "AccessKeyId": m.AccessKeyID,
		"SecretAccessKey": m.SecretAccessKey, "Token": m.Token,
	}
	if m.Expiration != "" {
		all["Expiration"] = m.Expiration
	}
	if m.AccountID != "" {
		all["AccountId"] = m.AccountID
	}
	return json.Marshal(all)
}

// encode makes both bodies of a session, once for all requests.
func encode(s cred.Session, account string, now time.Time) (container, metadata []byte, err error) {
	expires := ""
	if !s.Expires.IsZero() {
		expires = stamp(s.Expires)
	}
	id, secret, session := s.ID, s.Secret.Reveal(), s.Token.Reveal()
	container, err = json.Marshal(containerAnswer{id, secret, session, expires, account})
	if err != nil {
		return nil, nil, err
	}
	metadata, err = json.Marshal(metadataAnswer{"Success", stamp(now), "AWS-HMAC", id, secret, session, expires, account})
	return container, metadata, err
}

// stamp is RFC 3339 in UTC with a Z, whole seconds, as AWS writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// said is a body of an error, as SDKs show it. Its texts are constant: what AWS
// or fob said stands on fob's own standard error, not here.
func said(code, message string) []byte {
	text, _ := json.Marshal(struct { // plain texts marshal
		Code    string `json:"code"`
		Message string `json:"message"`
	}{code, message})
	return text
}

func busy() []byte { return said("Busy", "too many requests at once: ask again") }

func healthy() []byte { return []byte(`{"status":"ok"}`) }

func troubleBody(t Trouble) []byte {
	switch t {
	case NeedsPerson:
		return said(string(t), "the session has ended and a person is needed for the next: see what fob says on its standard error")
	case NotYet:
		return said(string(t), "the credentials are not there yet: ask again")
	}
	return said(string(Failed), "the session has ended and could not be renewed: see what fob says on its standard error")
}

func refusalBody(why refusal) []byte {
	switch why {
	case wrongToken:
		return said("Unauthorized", "the token is missing or wrong")
	case wrongMethod:
		return said("MethodNotAllowed", "this method is not answered")
	case wrongPath:
		return said("NotFound", "there is nothing here")
	case hasBody:
		return said("BodyRefused", "no request has a body here")
	}
	return said("Forbidden", "this request is not answered")
}

// plain answers with what is JSON only where it looks so.
func plain(w http.ResponseWriter, body []byte) {
	if len(body) == 0 || body[0] != '{' {
		w.Header()["Content-Type"] = []string{"text/plain"}
	}
	answer(w, http.StatusOK, body)
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}
