package playground

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const s3Space = "http://s3.amazonaws.com/doc/2006-03-01/"

// bucket holds versioned objects, as a state bucket should.
type bucket struct {
	name    string
	created time.Time
	objects map[string][]object // oldest version first
}

func newBucket(name string, now time.Time) *bucket {
	return &bucket{name: name, created: now, objects: map[string][]object{}}
}

// s3Operation is one S3 action. Its permission is what policies are asked.
type s3Operation struct {
	permission string
	run        func(s *Server, c *call, b *bucket) (answer, error)
}

// bucketAndKey splits a path-style path.
func bucketAndKey(r *http.Request) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return bucket, key
}

// s3OperationOf finds what a request asks for. What is not held here, such as
// multipart uploads, copies and bucket settings, has no run.
func s3OperationOf(r *http.Request) s3Operation {
	name, key := bucketAndKey(r)
	query := r.URL.Query()
	if name == "" {
		return s3Operation{permission: "ListAllMyBuckets"}
	}
	if key == "" {
		return bucketOperation(r.Method, query)
	}
	known := []string{"x-id", "versionId"}
	for parameter := range query {
		if !slices.Contains(known, parameter) {
			return s3Operation{permission: "Unknown"}
		}
	}
	versioned := ""
	if query.Has("versionId") {
		versioned = "Version"
	}
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return s3Operation{"GetObject" + versioned, (*Server).readObject}
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") == "":
		return s3Operation{"PutObject", (*Server).putObject}
	case r.Method == http.MethodDelete && versioned == "":
		return s3Operation{"DeleteObject", (*Server).deleteObject}
	}
	return s3Operation{permission: "Unknown"}
}

func bucketOperation(method string, query url.Values) s3Operation {
	switch {
	case method == http.MethodHead:
		return s3Operation{"ListBucket", (*Server).headBucket}
	case method == http.MethodGet && query.Has("location"):
		return s3Operation{"GetBucketLocation", (*Server).bucketLocation}
	case method == http.MethodGet && query.Has("versioning"):
		return s3Operation{"GetBucketVersioning", (*Server).bucketVersioning}
	case method == http.MethodGet && query.Get("list-type") == "2":
		return s3Operation{"ListBucket", (*Server).listObjects}
	}
	return s3Operation{permission: "Unknown"}
}

func s3Action(r *http.Request) (action, resource string) {
	name, key := bucketAndKey(r)
	resource = "arn:aws:s3:::" + name
	if key != "" {
		resource += "/" + key
	}
	if name == "" {
		resource = "*"
	}
	return s3OperationOf(r).permission, resource
}

// s3 answers S3.
func (s *Server) s3(c *call) (answer, error) {
	a, err := s.s3Do(c)
	if err != nil {
		r := s.asS3(c, asRefusal(err))
		return c.s3Refused(r), r
	}
	id := strings.ToUpper(strings.ReplaceAll(c.requestID, "-", ""))[:16]
	a.header.Set("X-Amz-Request-Id", id)
	a.header.Set("X-Amz-Id-2", id)
	return a, nil
}

func (s *Server) s3Do(c *call) (answer, error) {
	if err := s.authenticate(c); err != nil {
		return answer{}, err
	}
	o := s3OperationOf(c.req)
	if o.run == nil {
		return answer{}, refuse(http.StatusNotImplemented, "NotImplemented", "the playground's S3 does not hold this operation")
	}
	name, _ := bucketAndKey(c.req)
	b, owner := s.world.bucket(name)
	if b == nil {
		return answer{}, &refusal{status: http.StatusNotFound, code: "NoSuchBucket",
			message: "The specified bucket does not exist", more: []element{leaf("BucketName", name)}}
	}
	if c.region != Region && o.permission != "GetBucketLocation" {
		return answer{}, &refusal{status: http.StatusBadRequest, code: "AuthorizationHeaderMalformed",
			message: "The authorization header is malformed; the region '" + c.region + "' is wrong; expecting '" + Region + "'",
			more:    []element{leaf("Region", Region)}}
	}
	// No bucket has a policy, so no other account can come in.
	if owner != c.id.account {
		return answer{}, accessDenied("Access Denied")
	}
	if err := s.authorize(c); err != nil {
		return answer{}, err
	}
	return o.run(s, c, b)
}

func (w *world) bucket(name string) (*bucket, *account) {
	for _, a := range w.accounts {
		if a.bucket.name == name {
			return a.bucket, a
		}
	}
	return nil, nil
}

// asS3 gives a refusal of the signature the code and text that S3 has for it.
func (s *Server) asS3(c *call, r *refusal) *refusal {
	switch r.code {
	case "MissingAuthenticationToken":
		return accessDenied("Access Denied")
	case "ExpiredToken":
		return refuse(http.StatusBadRequest, "ExpiredToken", "The provided token has expired.")
	case "InvalidClientTokenId":
		if c.req.Header.Get("X-Amz-Security-Token") != "" && (s.world.sessions[c.keyID] != nil || s.world.keys[c.keyID] != nil) {
			return refuse(http.StatusBadRequest, "InvalidToken", "The provided token is malformed or otherwise invalid.")
		}
		return &refusal{status: http.StatusForbidden, code: "InvalidAccessKeyId",
			message: "The AWS Access Key Id you provided does not exist in our records.", more: []element{leaf("AWSAccessKeyId", c.keyID)}}
	case "SignatureDoesNotMatch":
		if strings.Contains(r.message, "SignedHeader") {
			return accessDenied("There were headers present in the request which were not signed")
		}
		return refuse(http.StatusForbidden, r.code, "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	}
	return r
}

// s3Refused is an error in S3's shape, which has no wrapper.
func (c *call) s3Refused(r *refusal) answer {
	id := strings.ToUpper(strings.ReplaceAll(c.requestID, "-", ""))[:16]
	inside := append([]element{leaf("Code", r.code), leaf("Message", r.message)}, r.more...)
	inside = append(inside, leaf("RequestId", id), leaf("HostId", id))
	header := http.Header{"Content-Type": {"application/xml"}, "X-Amz-Request-Id": {id}, "X-Amz-Id-2": {id}}
	return answer{status: r.status, body: tree("Error", inside...).render(""), header: header}
}

func s3XML(root element) answer {
	return answer{status: http.StatusOK, body: root.render(s3Space), header: http.Header{"Content-Type": {"application/xml"}}}
}

func (s *Server) headBucket(_ *call, _ *bucket) (answer, error) {
	return answer{status: http.StatusOK, header: http.Header{"X-Amz-Bucket-Region": {Region}}}, nil
}

func (s *Server) bucketLocation(_ *call, _ *bucket) (answer, error) {
	return s3XML(leaf("LocationConstraint", Region)), nil
}

func (s *Server) bucketVersioning(_ *call, _ *bucket) (answer, error) {
	return s3XML(tree("VersioningConfiguration", leaf("Status", "Enabled"))), nil
}
