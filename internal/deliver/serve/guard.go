package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strings"
)

// asked is what of a request decides whether it is answered.
type asked struct {
	peer   netip.AddrPort
	uid    int // whose process asks; nobody where that is not known
	host   string
	header http.Header
	method string
	target string // as it stands on the request line
	body   bool
}

// nobody is the user of a connection that belongs to none that is known.
const nobody = -1

// route is a method and a target, to the letter: nothing is cleaned or decoded.
type route struct{ method, target string }

// purpose is what a route is for.
type purpose int

const (
	toNothing purpose = iota
	toCredentials
	toHealth
	toMetadataToken // needs no token, it gives one
	toRoleCredentials
	toFact
)

// rules are what an endpoint lets in.
type rules struct {
	host    string
	checked bool // whether users can be told apart on this system
	grants  []grant
	// issued says whether an IMDS token is one that this user was given; nil for
	// an endpoint that takes the tokens of grants.
	issued func(sum [sha256.Size]byte, uid int) bool
	routes map[route]purpose
}

// grant is a Grant whose token is known by its hash.
type grant struct {
	uid int
	sum [sha256.Size]byte
}

// refusal is the first check that a request does not pass.
type refusal string

const (
	allowed     refusal = ""
	notLoopback refusal = "NotLoopback"
	wrongUser   refusal = "WrongUser"
	wrongHost   refusal = "WrongHost"
	fromBrowser refusal = "FromBrowser"
	wrongMethod refusal = "WrongMethod"
	wrongToken  refusal = "WrongToken"
	wrongPath   refusal = "WrongPath"
	hasBody     refusal = "HasBody"
)

// decide is the guard. It is total and stands before all else: who asks, then by
// which name, then for what. Host is what a page whose name was rebound to
// loopback cannot forge; the user is what another one on this machine cannot.
func (r rules) decide(a asked) (purpose, refusal) {
	to := r.routes[route{a.method, a.target}]
	switch {
	case !a.peer.Addr().Unmap().IsLoopback():
		return toNothing, notLoopback
	case r.checked && !r.admits(a.uid):
		return toNothing, wrongUser
	case a.host != r.host:
		return toNothing, wrongHost
	case throughBrowser(a.header):
		return toNothing, fromBrowser
	case !r.takes(a.method):
		return toNothing, wrongMethod
	case to != toMetadataToken && !r.holds(a):
		return toNothing, wrongToken
	case to == toNothing:
		return toNothing, wrongPath
	case a.body:
		return toNothing, hasBody
	}
	return to, allowed
}

func (r rules) admits(uid int) bool {
	for _, g := range r.grants {
		if g.uid == uid {
			return true
		}
	}
	return false
}

func (r rules) takes(method string) bool {
	for at := range r.routes {
		if at.method == method {
			return true
		}
	}
	return false
}

// holds says whether the request has the token of its user. All grants are
// compared, each in constant time.
func (r rules) holds(a asked) bool {
	name := "Authorization"
	if r.issued != nil {
		name = "X-Aws-Ec2-Metadata-Token"
	}
	values := a.header[name]
	if len(values) != 1 {
		return false
	}
	sum := sha256.Sum256([]byte(values[0]))
	if r.issued != nil {
		return r.issued(sum, a.uid)
	}
	held := 0
	for _, g := range r.grants {
		if g.uid == a.uid || !r.checked {
			held |= subtle.ConstantTimeCompare(g.sum[:], sum[:])
		}
	}
	return held == 1
}

// throughBrowser says whether a browser or a proxy has written to the request.
// No SDK sends any of these.
func throughBrowser(h http.Header) bool {
	for name := range h {
		switch name {
		case "Origin", "Referer", "Forwarded", "Via":
			return true
		}
		for _, prefix := range [...]string{"Sec-", "X-Forwarded-", "Access-Control-Request-"} {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
	}
	return false
}
