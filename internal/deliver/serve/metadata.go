package serve

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The paths of IMDS (EC2 user guide, "Instance metadata categories").
const (
	metadataTokenPath = "/latest/api/token"
	rolesPath         = "/latest/meta-data/iam/security-credentials/"
	ttlHeader         = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
	instanceID        = "i-00000000000000000" // which AWS never gives
)

// metadataRoutes are the routes of an endpoint with these facts and this role.
func metadataRoutes(facts map[route][]byte, role string) map[route]purpose {
	routes := map[route]purpose{
		{http.MethodPut, metadataTokenPath}:          toMetadataToken,
		{http.MethodGet, rolesPath + roleName(role)}: toRoleCredentials,
	}
	for at := range facts {
		routes[at] = toFact
	}
	return routes
}

// metadataFacts are the answers that never change.
func metadataFacts(o Options) map[route][]byte {
	text := map[string]string{
		rolesPath:                          roleName(o.Role),
		strings.TrimSuffix(rolesPath, "/"): roleName(o.Role),
		"/latest/meta-data/instance-id":    instanceID,
		"/latest/meta-data/iam/info":       encoded(map[string]string{"Code": "Success", "LastUpdated": stamp(o.Now()), "InstanceProfileArn": profileARN(o), "InstanceProfileId": "AIPAFOB"}),
	}
	document := map[string]string{"instanceId": instanceID, "version": "2017-09-30"}
	if o.Account != "" {
		document["accountId"] = o.Account
	}
	if o.Region != "" {
		document["region"] = o.Region
		document["availabilityZone"] = o.Region + "a"
		text["/latest/meta-data/placement/region"] = o.Region
		text["/latest/meta-data/placement/availability-zone"] = o.Region + "a"
		text["/latest/meta-data/placement/availability-zone/"] = o.Region + "a" // botocore asks with the slash
	}
	text["/latest/dynamic/instance-identity/document"] = encoded(document)
	facts := map[route][]byte{}
	for path, body := range text {
		facts[route{http.MethodGet, path}] = []byte(body)
	}
	return facts
}

func encoded(m map[string]string) string {
	text, _ := json.Marshal(m) // strings marshal
	return string(text)
}

func profileARN(o Options) string {
	account := o.Account
	if account == "" {
		account = "000000000000"
	}
	return "arn:aws:iam::" + account + ":instance-profile/" + roleName(o.Role)
}

// roleName is the name of a profile as a role may be named, since it stands in a
// path.
func roleName(profile string) string {
	if profile == "" {
		return "fob"
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_+=,.@-", r) {
			return r
		}
		return '-'
	}, profile)
}

// issue answers PUT /latest/api/token.
func (e *Endpoint) issue(w http.ResponseWriter, r *http.Request) {
	values := r.Header[ttlHeader]
	seconds := 0
	if len(values) == 1 {
		seconds, _ = strconv.Atoi(values[0])
	}
	if seconds < 1 || seconds > 21600 || strconv.Itoa(seconds) != values[0] {
		answer(w, http.StatusBadRequest, said("BadRequest", "a token holds for 1 to 21600 seconds"))
		return
	}
	uid := nobody
	if p, _ := r.Context().Value(peerKey{}).(*peer); p != nil {
		uid = p.user(e.userOf)
	}
	text := NewToken().Reveal()
	e.tokens.add(sumOf(text), uid, time.Duration(seconds)*time.Second)
	w.Header()[ttlHeader] = values
	plain(w, []byte(text))
}

// mostTokens bounds the tokens of IMDS; a client that finds its token gone gets
// 401 and asks for another.
const mostTokens = 256

// tokens are the IMDS tokens that hold, by their hash.
type tokens struct {
	now  func() time.Time
	mu   sync.Mutex
	held map[[sha256.Size]byte]issued
}

type issued struct {
	uid  int
	ends time.Time
}

func newTokens(now func() time.Time) *tokens {
	return &tokens{now: now, held: map[[sha256.Size]byte]issued{}}
}

func (t *tokens) add(sum [sha256.Size]byte, uid int, life time.Duration) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.held) >= mostTokens {
		t.dropFirst()
	}
	t.held[sum] = issued{uid, now.Add(life)}
}

// dropFirst forgets the token that ends, or has ended, before all others.
func (t *tokens) dropFirst() {
	var first [sha256.Size]byte
	ends := time.Time{}
	for sum, one := range t.held {
		if ends.IsZero() || one.ends.Before(ends) {
			first, ends = sum, one.ends
		}
	}
	delete(t.held, first)
}

func (t *tokens) holds(sum [sha256.Size]byte, uid int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	one, ok := t.held[sum]
	return ok && one.uid == uid && t.now().Before(one.ends)
}

func sumOf(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }
