package playground

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // Content-MD5 is part of S3
	"crypto/sha1" //nolint:gosec // one of S3's checksums
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strconv"
	"strings"
)

const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	checksumHeader  = "X-Amz-Checksum-"
)

// checksumOf gives the hash behind a name such as crc32; nil when S3 has none.
func checksumOf(name string) hash.Hash {
	const crc64NVME = 0x9a6c9329ac4bc9b5
	switch lower(name) {
	case "crc32":
		return crc32.NewIEEE()
	case "crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "crc64nvme":
		return crc64.New(crc64.MakeTable(crc64NVME))
	case "sha1":
		return sha1.New() //nolint:gosec // one of S3's checksums
	case "sha256":
		return sha256.New()
	}
	return nil
}

// payload gives the object's bytes, out of aws-chunked framing when there is
// any, and checks every digest that came with them. The checksums go into
// header, as they come back with the object.
func (c *call) payload(header http.Header) ([]byte, error) {
	body, sums := c.body, http.Header{}
	for name, values := range c.req.Header {
		if strings.HasPrefix(name, checksumHeader) {
			sums[name] = values
		}
	}
	if c.req.Header.Get("X-Amz-Content-Sha256") == unsignedTrailer {
		var ok bool
		if body, ok = unchunk(c.body, sums); !ok {
			return nil, refuse(http.StatusBadRequest, "IncompleteBody", "The request body terminated unexpectedly")
		}
		if want := c.req.Header.Get("X-Amz-Decoded-Content-Length"); want != strconv.Itoa(len(body)) {
			return nil, refuse(http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
		}
	}
	if err := c.checkMD5(body); err != nil {
		return nil, err
	}
	return body, checkSums(body, sums, header)
}

func (c *call) checkMD5(body []byte) error {
	given := c.req.Header.Get("Content-Md5")
	if given == "" {
		return nil
	}
	want, err := base64.StdEncoding.DecodeString(given)
	if err != nil || len(want) != md5.Size {
		return refuse(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified was invalid.")
	}
	sum := md5.Sum(body) //nolint:gosec // Content-MD5 is part of S3
	if subtle.ConstantTimeCompare(sum[:], want) != 1 {
		return refuse(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	return nil
}

// checkSums verifies X-Amz-Checksum- headers and keeps them.
func checkSums(body []byte, sums, header http.Header) error {
	for name := range sums {
		kind := strings.TrimPrefix(name, checksumHeader)
		if kind == "Algorithm" || kind == "Type" {
			continue
		}
		h := checksumOf(kind)
		if h == nil {
			return refuse(http.StatusBadRequest, "InvalidRequest", "Value for %s header is invalid.", lower(name))
		}
		h.Write(body)
		if base64.StdEncoding.EncodeToString(h.Sum(nil)) != sums.Get(name) {
			return refuse(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", strings.ToUpper(kind))
		}
		header.Set(name, sums.Get(name))
		header.Set(checksumHeader+"Type", "FULL_OBJECT")
	}
	return nil
}

func dropChecksums(header http.Header) {
	for name := range header {
		if strings.HasPrefix(name, checksumHeader) {
			delete(header, name)
		}
	}
}

// unchunk takes aws-chunked framing off: a hexadecimal length, the bytes, and
// after the last chunk trailers, which go into sums.
func unchunk(framed []byte, sums http.Header) (body []byte, ok bool) {
	for {
		line, rest, found := bytes.Cut(framed, []byte("\r\n"))
		size, _, _ := strings.Cut(string(line), ";")
		n, err := strconv.ParseUint(size, 16, 32)
		if !found || err != nil || n > uint64(len(rest)) {
			return nil, false
		}
		if n == 0 {
			return body, readTrailers(rest, sums)
		}
		body, rest = append(body, rest[:n]...), rest[n:]
		if framed, found = bytes.CutPrefix(rest, []byte("\r\n")); !found {
			return nil, false
		}
	}
}

func readTrailers(text []byte, sums http.Header) bool {
	for _, line := range strings.Split(string(text), "\r\n") {
		if line == "" {
			continue
		}
		name, value, found := strings.Cut(line, ":")
		if !found {
			return false
		}
		if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); strings.HasPrefix(name, checksumHeader) {
			sums.Set(name, strings.TrimSpace(value))
		}
	}
	return true
}
