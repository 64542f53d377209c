package playground

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	maxBody  = 64 << 20
	stsSpace = "https://sts.amazonaws.com/doc/2011-06-15/"
	iamSpace = "https://iam.amazonaws.com/doc/2010-05-08/"
)

// answer is a whole response, held back until it is known whether a fault
// loses it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may be gone
}

// serve is the one handler.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	// SDKs correct their clocks by this header, so it must be the server's time.
	w.Header().Set("Date", s.Now().Format(http.TimeFormat))
	if strings.HasPrefix(r.URL.Path, "/playground/") {
		s.control(w, r)
		return
	}
	c, err := s.receive(w, r)
	if err != nil {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	f, met := s.meet(c)
	switch {
	case !met:
		s.answer(c).send(w)
	case f.Status == faultSlow:
		if wait(r.Context(), f.Delay) {
			s.answer(c).send(w)
		}
	default:
		if f.After {
			s.answer(c)
		}
		s.fail(w, c, f)
	}
}

// receive reads the body and finds the service and the action.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) (*call, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	c := &call{req: r, body: body, params: r.URL.Query(), requestID: s.random.requestID()}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		maps.Copy(c.params, form)
	}
	if a, ok := parseAuthorization(r.Header.Get("Authorization")); ok {
		c.keyID, c.service, c.region = a.keyID, a.service, a.region
	}
	c.action = c.param("Action")
	switch {
	case r.URL.Path == "/federation":
		c.service = "signin"
	case c.service == "s3", c.service == "" && c.action == "":
		c.service = "s3"
		c.action, c.resource = s3Action(r)
	case c.service == "" && c.param("Version") == "2010-05-08":
		c.service = "iam"
	case c.service == "":
		c.service = "sts"
	case c.action == "":
		_, c.action, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	}
	return c, nil
}

// answer does the call and records it. One call is done at a time.
func (s *Server) answer(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var a answer
	var err error
	switch c.service {
	case "signin":
		a, err = s.federation(c)
	case "s3":
		a, err = s.s3(c)
	case "organizations":
		a, err = s.organizations(c)
	case "secretsmanager", "ssm", "kms", "dynamodb", "ecs":
		a, err = s.jsonService(c)
	default:
		a, err = s.query(c)
	}
	s.record(c, err)
	return a
}

// query answers STS and IAM.
func (s *Server) query(c *call) (answer, error) {
	if c.name() == "sts:AssumeRoleWithWebIdentity" {
		return s.reply(c, s.webIdentitySession)
	}
	err := s.authenticate(c)
	if err == nil && c.service != "sts" && c.service != "iam" {
		err = refuse(http.StatusNotImplemented, "NotImplemented", "the playground holds sts, iam, organizations and s3, not %s", c.service)
	}
	if err != nil {
		return c.refused(asRefusal(err)), err
	}
	return s.reply(c, s.perform)
}

// reply does a call and puts what comes of it into an answer.
func (s *Server) reply(c *call, do func(*call) ([]element, error)) (answer, error) {
	inside, err := do(c)
	if err != nil {
		return c.refused(asRefusal(err)), err
	}
	root := tree(c.action + "Response")
	if inside != nil {
		root.inside = append(root.inside, tree(c.action+"Result", inside...))
	}
	root.inside = append(root.inside, tree("ResponseMetadata", leaf("RequestId", c.requestID)))
	return c.xml(http.StatusOK, root), nil
}

func (c *call) space() string {
	if c.service == "iam" {
		return iamSpace
	}
	return stsSpace
}

func (c *call) xml(status int, root element) answer {
	return answer{status: status, body: root.render(c.space()), header: http.Header{
		"Content-Type":     {"text/xml"},
		"X-Amzn-Requestid": {c.requestID},
	}}
}

// refused is an error in the shape that the asked protocol has for it.
func (c *call) refused(r *refusal) answer {
	if strings.Contains(c.req.Header.Get("Content-Type"), "x-amz-json") {
		r = inJSON(r)
		return c.json(r.status, map[string]string{"__type": r.code, "Message": r.message})
	}
	blame := "Sender"
	if r.status >= http.StatusInternalServerError {
		blame = "Receiver"
	}
	return c.xml(r.status, tree("ErrorResponse",
		tree("Error", leaf("Type", blame), leaf("Code", r.code), leaf("Message", r.message)),
		leaf("RequestId", c.requestID)))
}
