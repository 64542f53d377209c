package playground

import (
	"crypto/md5" //nolint:gosec // an ETag is an MD5
	"encoding/hex"
	"maps"
	"net/http"
	"strings"
	"time"
)

// object is one version of a key. A delete marker has no body.
type object struct {
	version  string
	body     []byte
	etag     string
	modified time.Time
	header   http.Header // what comes back with it: type, metadata, checksums
	gone     bool        // a delete marker
}

// current gives the version that a key without versionId means.
func (b *bucket) current(key string) (object, bool) {
	versions := b.objects[key]
	if len(versions) == 0 || versions[len(versions)-1].gone {
		return object{}, false
	}
	return versions[len(versions)-1], true
}

func (b *bucket) version(key, id string) (object, bool) {
	for _, o := range b.objects[key] {
		if o.version == id && !o.gone {
			return o, true
		}
	}
	return object{}, false
}

func (s *Server) readObject(c *call, b *bucket) (answer, error) {
	_, key := bucketAndKey(c.req)
	query := c.req.URL.Query()
	o, ok := b.current(key)
	if query.Has("versionId") {
		o, ok = b.version(key, query.Get("versionId"))
	}
	if !ok {
		return answer{}, s.missing(c, b, key)
	}
	header := maps.Clone(o.header)
	header.Set("Last-Modified", o.modified.Format(http.TimeFormat))
	header.Set("Accept-Ranges", "bytes")
	if c.req.Header.Get("X-Amz-Checksum-Mode") != "ENABLED" {
		dropChecksums(header)
	}
	if match := c.req.Header.Get("If-Match"); match != "" && !sameTag(match, o.etag) {
		return answer{}, precondition("If-Match")
	}
	if match := c.req.Header.Get("If-None-Match"); match != "" && sameTag(match, o.etag) {
		return answer{status: http.StatusNotModified, header: header}, nil
	}
	return answer{status: http.StatusOK, header: header, body: o.body}, nil
}

// missing is 404 for those who may list the bucket, and 403 for the others,
// who are not to learn which keys there are.
func (s *Server) missing(c *call, b *bucket, key string) error {
	listing := *c
	listing.action, listing.resource = "ListBucket", "arn:aws:s3:::"+b.name
	if err := s.authorize(&listing); err != nil {
		return err
	}
	return &refusal{status: http.StatusNotFound, code: "NoSuchKey", message: "The specified key does not exist.", more: []element{leaf("Key", key)}}
}

func precondition(which string) *refusal {
	return &refusal{status: http.StatusPreconditionFailed, code: "PreconditionFailed",
		message: "At least one of the pre-conditions you specified did not hold", more: []element{leaf("Condition", which)}}
}

func sameTag(given, etag string) bool {
	return given == "*" || strings.Trim(given, `"`) == strings.Trim(etag, `"`)
}

func (s *Server) putObject(c *call, b *bucket) (answer, error) {
	_, key := bucketAndKey(c.req)
	if err := c.mayPut(b, key); err != nil {
		return answer{}, err
	}
	header := http.Header{}
	body, err := c.payload(header)
	if err != nil {
		return answer{}, err
	}
	for name, values := range c.req.Header {
		if strings.HasPrefix(lower(name), "x-amz-meta-") || name == "Content-Type" || name == "Content-Encoding" && values[0] != "aws-chunked" {
			header[name] = values
		}
	}
	sum := md5.Sum(body) //nolint:gosec // an ETag is an MD5
	o := object{version: s.random.text(32, letters), body: body, etag: `"` + hex.EncodeToString(sum[:]) + `"`, modified: s.now(), header: header}
	header.Set("ETag", o.etag)
	header.Set("X-Amz-Version-Id", o.version)
	header.Set("X-Amz-Server-Side-Encryption", "AES256")
	if kind := c.req.Header.Get("X-Amz-Server-Side-Encryption"); kind != "" {
		header.Set("X-Amz-Server-Side-Encryption", kind)
	}
	b.objects[key] = append(b.objects[key], o)
	reply := http.Header{}
	for name, values := range header {
		if name == "Etag" || strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "X-Amz-Meta-") {
			reply[name] = values
		}
	}
	return answer{status: http.StatusOK, header: reply}, nil
}

// mayPut holds conditional writes, which Terraform's lock file stands on.
func (c *call) mayPut(b *bucket, key string) error {
	o, there := b.current(key)
	absent, same := c.req.Header.Get("If-None-Match"), c.req.Header.Get("If-Match")
	switch {
	case absent != "" && absent != "*":
		return refuse(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented")
	case absent == "*" && there:
		return precondition("If-None-Match")
	case same != "" && !there:
		return &refusal{status: http.StatusNotFound, code: "NoSuchKey", message: "The specified key does not exist.", more: []element{leaf("Key", key)}}
	case same != "" && !sameTag(same, o.etag):
		return precondition("If-Match")
	}
	return nil
}

// deleteObject puts a delete marker on top, and says yes for a key that never
// was, as S3 does.
func (s *Server) deleteObject(c *call, b *bucket) (answer, error) {
	_, key := bucketAndKey(c.req)
	o, there := b.current(key)
	if match := c.req.Header.Get("If-Match"); match != "" && (!there || !sameTag(match, o.etag)) {
		return answer{}, precondition("If-Match")
	}
	marker := object{version: s.random.text(32, letters), modified: s.now(), gone: true}
	b.objects[key] = append(b.objects[key], marker)
	return answer{status: http.StatusNoContent, header: http.Header{
		"X-Amz-Delete-Marker": {"true"}, "X-Amz-Version-Id": {marker.version}}}, nil
}
