package playground

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// call is one request on its way through the server.
type call struct {
	req             *http.Request
	body            []byte
	params          url.Values // of the query protocol
	service, region string     // as the signature's scope has them
	action          string     // the API's name without the service
	resource        string     // the ARN that policies were asked about
	keyID           string
	requestID       string
	owner           *user     // of the access key that a parameter names
	id              *identity // nil until the signature was right
	asked           time.Duration
	mfaAt           time.Time // set when this very request brought a code
}

// name is the action as policies have it.
func (c *call) name() string { return c.service + ":" + c.action }

func (c *call) param(name string) string { return c.params.Get(name) }

func (c *call) has(name string) bool { return c.params.Has(name) }

// list reads a list of the query protocol, Name.member.1 and on; field is what
// follows the number and may be empty.
func (c *call) list(name, field string) []string {
	var out []string
	for i := 1; ; i++ {
		key := fmt.Sprintf("%s.member.%d%s", name, i, field)
		if !c.has(key) {
			return out
		}
		out = append(out, c.param(key))
	}
}

// question asks about this call with the facts of its identity and request.
func (c *call) question(action, resource string, now time.Time) question {
	f := c.id.facts(now)
	if c.id.kind == kindUser && !c.mfaAt.IsZero() {
		f.setMFA(c.mfaAt, now)
	}
	f["aws:requestedregion"] = []string{c.region}
	if agent := c.req.UserAgent(); agent != "" {
		f["aws:useragent"] = []string{agent}
	}
	f["aws:resourceaccount"] = []string{c.id.account.ID}
	if part := strings.Split(resource, ":"); len(part) > 5 && part[4] != "" {
		f["aws:resourceaccount"] = part[4:5]
	}
	c.addRequestFacts(f)
	return question{action: action, resource: resource, facts: f}
}

func (c *call) addRequestFacts(f facts) {
	for key, name := range map[string]string{"sts:externalid": "ExternalId", "sts:rolesessionname": "RoleSessionName",
		"sts:sourceidentity": "SourceIdentity", "iam:policyarn": "PolicyArn"} {
		if c.has(name) {
			f[key] = []string{c.param(name)}
		}
	}
	keys, values := c.list("Tags", ".Key"), c.list("Tags", ".Value")
	for i, key := range keys {
		if i < len(values) {
			f["aws:requesttag/"+lower(key)] = []string{values[i]}
		}
	}
	if len(keys) > 0 {
		f["aws:tagkeys"] = keys
	}
	if transitive := c.list("TransitiveTagKeys", ""); len(transitive) > 0 {
		f["sts:transitivetagkeys"] = transitive
	}
	if c.service == "s3" {
		c.addListFacts(f)
	}
}

// addListFacts gives the keys that bucket policies for home folders use.
func (c *call) addListFacts(f facts) {
	query := c.req.URL.Query()
	for _, name := range []string{"prefix", "delimiter", "max-keys"} {
		if query.Has(name) {
			f["s3:"+name] = []string{query.Get(name)}
		}
	}
}

func epoch(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
