package playground

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"time"
)

// authenticate finds out who signed a request, and refuses as the service that
// was asked does. The order is AWS's: key, session, clock, signature.
func (s *Server) authenticate(c *call) error {
	a, ok := parseAuthorization(c.req.Header.Get("Authorization"))
	if !ok {
		return refuse(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	secret, who, err := s.keyHolder(c, a.keyID)
	if err != nil {
		return err
	}
	if name, missing := a.mustSign(c.req); missing {
		return signatureRefused("'" + name + "' must be a 'SignedHeader' in the AWS 'Authorization'.")
	}
	if err := s.checkClock(c, a); err != nil {
		return err
	}
	hash, err := c.payloadHash()
	if err != nil {
		return err
	}
	if !a.signatureMatches(c.req, secret, hash) {
		return signatureRefused("The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	c.id = &who
	return nil
}

func signatureRefused(text string) *refusal {
	return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "%s", text)
}

// keyHolder gives the secret and the identity behind a key id.
func (s *Server) keyHolder(c *call, keyID string) (secret string, who identity, err error) {
	given := c.req.Header.Get("X-Amz-Security-Token")
	if k := s.world.keys[keyID]; k != nil {
		if !k.active || given != "" || s.now().Before(k.usable) {
			return "", who, badClient()
		}
		k.used, k.usedService, k.usedRegion = s.now(), c.service, c.region
		return k.secret, identityOf(k.owner), nil
	}
	held := s.world.sessions[keyID]
	if held == nil {
		return "", who, badClient()
	}
	if subtle.ConstantTimeCompare([]byte(given), []byte(held.sessionToken)) != 1 || !held.identity.exists() {
		return "", who, badClient()
	}
	if !s.now().Before(held.expires) {
		return "", who, refuse(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
	}
	return held.secret, held.identity, nil
}

// checkClock compares the time of signing with the server's.
func (s *Server) checkClock(c *call, a authorization) error {
	text, now := c.req.Header.Get("X-Amz-Date"), s.now()
	at, err := time.Parse(dateLayout, text)
	if err != nil {
		return refuse(http.StatusForbidden, "IncompleteSignature", "Date must be in ISO-8601 'basic format'. Got '%s'.", text)
	}
	if !strings.HasPrefix(text, a.date) {
		return signatureRefused("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" +
			a.date + "' != '" + text[:8] + "', from '" + text + "'.")
	}
	stamp := now.Format(dateLayout)
	switch {
	case c.service == "s3" && (now.Sub(at) > oldest || at.Sub(now) > oldest):
		return &refusal{status: http.StatusForbidden, code: "RequestTimeTooSkewed",
			message: "The difference between the request time and the current time is too large.",
			more:    []element{leaf("RequestTime", text), moment("ServerTime", now), leaf("MaxAllowedSkewMilliseconds", "900000")}}
	case c.service == "s3":
		return nil
	case now.Sub(at) > oldest:
		return signatureRefused("Signature expired: " + text + " is now earlier than " + now.Add(-oldest).Format(dateLayout) + " (" + stamp + " - 15 min.)")
	case at.Sub(now) > newest:
		return signatureRefused("Signature not yet current: " + text + " is still later than " + now.Add(newest).Format(dateLayout) + " (" + stamp + " + 5 min.)")
	}
	return nil
}

// payloadHash is the last line of what was signed. A body that does not have
// the hash that its header claims is refused before the signature is looked at.
func (c *call) payloadHash() (string, error) {
	claimed := c.req.Header.Get("X-Amz-Content-Sha256")
	mine := sha256Hex(c.body)
	switch {
	case claimed == "" && c.service == "s3":
		return "", refuse(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
	case claimed == "":
		return mine, nil
	case c.service == "s3" && (claimed == unsignedPayload || claimed == unsignedTrailer):
		return claimed, nil
	case strings.HasPrefix(claimed, "STREAMING-"):
		return "", refuse(http.StatusNotImplemented, "NotImplemented", "the playground does not read %s bodies", claimed)
	case claimed != mine && c.service == "s3":
		return "", refuse(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return mine, nil
}
