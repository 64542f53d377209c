package playground

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// entry is one line of a listing: a key, or a common prefix.
type entry struct {
	name   string
	prefix bool
}

// entries gives the keys under a prefix that come after a name, with those
// behind the delimiter rolled up.
func (b *bucket) entries(prefix, delimiter, after string) []entry {
	var all []entry
	for _, key := range sorted(b.objects) {
		if _, there := b.current(key); !there || !strings.HasPrefix(key, prefix) {
			continue
		}
		e := entry{name: key}
		if at := strings.Index(key[len(prefix):], delimiter); delimiter != "" && at >= 0 {
			e = entry{name: key[:len(prefix)+at+len(delimiter)], prefix: true}
		}
		if e.name <= after || len(all) > 0 && all[len(all)-1] == e {
			continue
		}
		all = append(all, e)
	}
	return all
}

func (s *Server) listObjects(c *call, b *bucket) (answer, error) {
	query := c.req.URL.Query()
	prefix, delimiter, after := query.Get("prefix"), query.Get("delimiter"), query.Get("start-after")
	most := 1000
	if text := query.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return answer{}, refuse(http.StatusBadRequest, "InvalidArgument", "Provided max-keys not an integer or within integer range")
		}
		most = min(n, most)
	}
	if query.Has("continuation-token") {
		from, err := base64.URLEncoding.DecodeString(query.Get("continuation-token"))
		if err != nil || len(from) == 0 {
			return answer{}, refuse(http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(from)
	}
	found := b.entries(prefix, delimiter, after)
	cut := min(most, len(found))
	shown := listEncoding(query)
	out := []element{leaf("Name", b.name), leaf("Prefix", shown(prefix)), count("KeyCount", cut), count("MaxKeys", most),
		flag("IsTruncated", cut < len(found))}
	if delimiter != "" {
		out = append(out, leaf("Delimiter", shown(delimiter)))
	}
	if query.Get("encoding-type") == "url" {
		out = append(out, leaf("EncodingType", "url"))
	}
	if cut > 0 && cut < len(found) {
		out = append(out, leaf("NextContinuationToken", base64.URLEncoding.EncodeToString([]byte(found[cut-1].name))))
	}
	for _, e := range found[:cut] {
		out = append(out, b.entryElement(e, shown))
	}
	return s3XML(tree("ListBucketResult", out...)), nil
}

// listEncoding escapes keys when the client asked for it, slashes apart.
func listEncoding(query url.Values) func(string) string {
	if query.Get("encoding-type") != "url" {
		return func(text string) string { return text }
	}
	return func(text string) string { return strings.ReplaceAll(escape(text), "%2F", "/") }
}

func (b *bucket) entryElement(e entry, shown func(string) string) element {
	if e.prefix {
		return tree("CommonPrefixes", leaf("Prefix", shown(e.name)))
	}
	o, _ := b.current(e.name)
	return tree("Contents", leaf("Key", shown(e.name)), leaf("LastModified", o.modified.Format("2006-01-02T15:04:05.000Z")),
		leaf("ETag", o.etag), count("Size", len(o.body)), leaf("StorageClass", "STANDARD"))
}
