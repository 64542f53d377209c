package playground

import (
	"net/http"
	"time"
)

const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

type bucket struct{ name string }

func newBucket(name string, _ time.Time) *bucket { return &bucket{name: name} }

func s3Action(r *http.Request) (action, resource string) { return r.Method, r.URL.Path }

func (s *Server) s3(c *call) (answer, error) {
	r := refuse(http.StatusNotImplemented, "NotImplemented", "s3")
	return c.s3Refused(r), r
}

func (c *call) s3Refused(r *refusal) answer { return c.refused(r) }
