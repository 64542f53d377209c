package playground

import (
	"errors"
	"fmt"
	"net/http"
)

// refusal is an error as AWS answers it. More holds elements beside code and
// message, which S3 has.
type refusal struct {
	status        int
	code, message string
	more          []element
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func refuse(status int, code, format string, a ...any) *refusal {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, a...)}
}

func accessDenied(format string, a ...any) *refusal {
	return refuse(http.StatusForbidden, "AccessDenied", format, a...)
}

func invalid(format string, a ...any) *refusal {
	return refuse(http.StatusBadRequest, "ValidationError", format, a...)
}

// constraint is the text that every AWS query service has for a bad parameter.
func constraint(value, name, rule string) *refusal {
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must %s", value, name, rule)
}

func noSuch(format string, a ...any) *refusal {
	return refuse(http.StatusNotFound, "NoSuchEntity", format, a...)
}

func conflict(code, format string, a ...any) *refusal {
	return refuse(http.StatusConflict, code, format, a...)
}

// badClient is what STS and IAM say of a key they do not know, of a key that
// is inactive, and of a session that may not come near IAM.
func badClient() *refusal {
	return refuse(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
}

// asRefusal gives every error the shape of an answer. What the playground
// cannot judge is a 501, which no SDK tries again.
func asRefusal(err error) *refusal {
	if r := (*refusal)(nil); errors.As(err, &r) {
		return r
	}
	if u := (*unjudged)(nil); errors.As(err, &u) {
		return refuse(http.StatusNotImplemented, "NotImplemented", "%s", u.Error())
	}
	if m := (*malformed)(nil); errors.As(err, &m) {
		return refuse(http.StatusBadRequest, "MalformedPolicyDocument", "%s", m.why)
	}
	return refuse(http.StatusInternalServerError, "InternalFailure", "%s", err.Error())
}
