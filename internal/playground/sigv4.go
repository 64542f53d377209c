package playground

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	dateLayout = "20060102T150405Z"

	// A request may be this old, or this far ahead of the server.
	oldest = 15 * time.Minute
	newest = 5 * time.Minute
)

// authorization is the header that signs a request.
type authorization struct {
	keyID, date, region, service string
	signed                       []string
	signature                    string
}

// parseAuthorization reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…,
// Signature=…". ok is false when a part is missing.
func parseAuthorization(header string) (a authorization, ok bool) {
	rest, found := strings.CutPrefix(header, algorithm+" ")
	if !found {
		return a, false
	}
	parts := map[string]string{}
	for _, part := range strings.Split(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	scope := strings.Split(parts["Credential"], "/")
	if len(scope) != 5 || scope[4] != "aws4_request" || parts["SignedHeaders"] == "" || parts["Signature"] == "" {
		return a, false
	}
	return authorization{keyID: scope[0], date: scope[1], region: scope[2], service: scope[3],
		signed: strings.Split(parts["SignedHeaders"], ";"), signature: parts["Signature"]}, true
}

// signatureMatches computes the signature from the raw request and compares.
func (a authorization) signatureMatches(r *http.Request, secret, payloadHash string) bool {
	canonical := strings.Join([]string{
		r.Method, canonicalPath(r, a.service), canonicalQuery(r), canonicalHeaders(r, a.signed),
		strings.Join(a.signed, ";"), payloadHash,
	}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	scope := []string{a.date, a.region, a.service, "aws4_request"}
	text := strings.Join([]string{algorithm, r.Header.Get("X-Amz-Date"), strings.Join(scope, "/"), hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range scope {
		key = sign(key, part)
	}
	want := hex.EncodeToString(sign(key, text))
	return subtle.ConstantTimeCompare([]byte(want), []byte(a.signature)) == 1
}

func sign(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// canonicalPath escapes the path as it was sent once more, except for S3,
// whose keys are escaped once.
func canonicalPath(r *http.Request, service string) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if _, rest, ok := strings.Cut(path, "://"); ok {
		_, rest, _ = strings.Cut(rest, "/")
		path = "/" + rest
	}
	if path == "" {
		return "/"
	}
	if service == "s3" {
		if plain, err := url.PathUnescape(path); err == nil {
			path = plain
		}
	}
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i] = escape(parts[i])
	}
	return strings.Join(parts, "/")
}

func canonicalQuery(r *http.Request) string {
	var pairs []string
	for _, pair := range strings.Split(r.URL.RawQuery, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		pairs = append(pairs, reescape(name)+"="+reescape(value))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func reescape(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		text = plain
	}
	return escape(text)
}

// escape is percent-encoding as RFC 3986 and SigV4 have it.
func escape(text string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

func canonicalHeaders(r *http.Request, names []string) string {
	var b strings.Builder
	for _, name := range names {
		values := r.Header.Values(name)
		switch {
		case name == "host":
			values = []string{r.Host}
		case name == "content-length" && len(values) == 0:
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		trimmed := make([]string, len(values))
		for i, v := range values {
			trimmed[i] = strings.Join(strings.Fields(v), " ")
		}
		b.WriteString(name + ":" + strings.Join(trimmed, ",") + "\n")
	}
	return b.String()
}

// mustSign gives a header that has to be signed and is not; S3 wants every
// x-amz- header, the others host, date and session token.
func (a authorization) mustSign(r *http.Request) (string, bool) {
	needed := []string{"host", "x-amz-date"}
	for name := range r.Header {
		name = strings.ToLower(name)
		if name == "x-amz-security-token" || a.service == "s3" && strings.HasPrefix(name, "x-amz-") {
			needed = append(needed, name)
		}
	}
	for _, name := range needed {
		if !slices.Contains(a.signed, name) {
			return name, true
		}
	}
	return "", false
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
