package playground

import (
	"crypto/md5" //nolint:gosec // Content-MD5 is part of S3
	"encoding/base64"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// roleKeys assumes a role as jane, who may assume them all.
func roleKeys(t *testing.T, s *Server, account, role string) keys {
	t.Helper()
	k, err := assume(t, s, userSession(t, s, "jane@acme.com", true), sts.AssumeRoleInput{RoleArn: aws.String(roleARN(account, role))})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestStateBucket(t *testing.T) {
	t.Parallel()
	s := start(t)
	full, read, dev := roleKeys(t, s, "prod", fullRole), roleKeys(t, s, "prod", readRole), roleKeys(t, s, "dev", fullRole)
	steps := []struct {
		name, method, target, body string
		keys                       keys
		header                     map[string]string
		status                     int
		has                        string
	}{
		{"empty", "GET", "/acme-prod-tfstate?list-type=2", "", full, nil, 200, "<KeyCount>0</KeyCount>"},
		{"head", "HEAD", "/acme-prod-tfstate", "", full, nil, 200, ""},
		{"where", "GET", "/acme-prod-tfstate?location", "", full, nil, 200, ">us-west-2</LocationConstraint>"},
		{"versioning", "GET", "/acme-prod-tfstate?versioning=", "", full, nil, 200, "<Status>Enabled</Status>"},
		{"no such key", "GET", "/acme-prod-tfstate/a", "", full, nil, 404, "<Code>NoSuchKey</Code>"},
		{"lock", "PUT", "/acme-prod-tfstate/a/x.tflock", "me", full, map[string]string{"If-None-Match": "*"}, 200, ""},
		{"lock taken", "PUT", "/acme-prod-tfstate/a/x.tflock", "you", full, map[string]string{"If-None-Match": "*"}, 412, "<Code>PreconditionFailed</Code>"},
		{"unlock", "DELETE", "/acme-prod-tfstate/a/x.tflock", "", full, nil, 204, ""},
		{"lock again", "PUT", "/acme-prod-tfstate/a/x.tflock", "you", full, map[string]string{"If-None-Match": "*"}, 200, ""},
		{"a key with signs", "PUT", "/acme-prod-tfstate/a%20b%2Bc/%C3%A9", "state", full, nil, 200, ""},
		{"get it", "GET", "/acme-prod-tfstate/a%20b%2Bc/%C3%A9?x-id=GetObject", "", full, nil, 200, "state"},
		{"roll up", "GET", "/acme-prod-tfstate?delimiter=%2F&list-type=2", "", full, nil, 200, "<CommonPrefixes><Prefix>a b+c/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"},
		{"under a prefix", "GET", "/acme-prod-tfstate?list-type=2&prefix=a%2F", "", full, nil, 200, "<Key>a/x.tflock</Key>"},
		{"first page", "GET", "/acme-prod-tfstate?list-type=2&max-keys=1", "", full, nil, 200, "<IsTruncated>true</IsTruncated><NextContinuationToken>"},
		{"reader lists", "GET", "/acme-prod-tfstate?list-type=2", "", read, nil, 200, "<KeyCount>2</KeyCount>"},
		{"reader writes", "PUT", "/acme-prod-tfstate/b", "x", read, nil, 403, `s3:PutObject on resource: &#34;arn:aws:s3:::acme-prod-tfstate/b&#34; because no identity-based policy allows the s3:PutObject action`},
		{"another account lists", "GET", "/acme-prod-tfstate?list-type=2", "", dev, nil, 403, "<Code>AccessDenied</Code><Message>Access Denied</Message>"},
		{"another account writes", "PUT", "/acme-prod-tfstate/b", "x", dev, nil, 403, "<Code>AccessDenied</Code><Message>Access Denied</Message>"},
		{"no such bucket", "GET", "/acme?list-type=2", "", full, nil, 404, "<Code>NoSuchBucket</Code>"},
		{"a bucket setting", "GET", "/acme-prod-tfstate?policy", "", full, nil, 501, "<Code>NotImplemented</Code>"},
		{"unknown key id", "GET", "/acme-prod-tfstate?list-type=2", "", keys{id: "AKIAZZZZZZZZZZZZZZZZ", secret: "CANARY"}, nil, 403, "<Code>InvalidAccessKeyId</Code>"},
		{"wrong session token", "GET", "/acme-prod-tfstate?list-type=2", "", keys{full.id, full.secret, "CANARY"}, nil, 400, "<Code>InvalidToken</Code>"},
		{"wrong secret", "GET", "/acme-prod-tfstate?list-type=2", "", keys{full.id, "CANARY", full.sessionToken}, nil, 403, "<Code>SignatureDoesNotMatch</Code>"},
	}
	for _, step := range steps {
		r := request(t, s, step.method, step.target, step.body)
		for name, value := range step.header {
			r.Header.Set(name, value)
		}
		status, header, body := signed(t, s, step.keys, "s3", r, nil)
		if status != step.status || !strings.Contains(body, step.has) || header.Get("X-Amz-Request-Id") == "" {
			t.Errorf("%s: got %d %s, want %d %s", step.name, status, body, step.status, step.has)
		}
	}
	s.Expire("*")
	status, _, body := signed(t, s, full, "s3", request(t, s, "GET", "/acme-prod-tfstate?list-type=2", ""), nil)
	if status != 400 || !strings.Contains(body, "<Code>ExpiredToken</Code>") {
		t.Errorf("expired: got %d %s", status, body)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := start(t)
	full := roleKeys(t, s, "logs", fullRole)
	for _, key := range []string{"a", "b/1", "b/2", "c"} {
		signed(t, s, full, "s3", request(t, s, "PUT", "/acme-logs-tfstate/"+key, key), nil)
	}
	var got []string
	for target := "/acme-logs-tfstate?delimiter=%2F&list-type=2&max-keys=1"; target != ""; {
		_, _, body := signed(t, s, full, "s3", request(t, s, "GET", target, ""), nil)
		for _, tag := range []string{"<Key>", "<CommonPrefixes><Prefix>"} {
			if _, rest, ok := strings.Cut(body, tag); ok {
				name, _, _ := strings.Cut(rest, "<")
				got = append(got, name)
			}
		}
		target = ""
		if _, rest, ok := strings.Cut(body, "<NextContinuationToken>"); ok {
			next, _, _ := strings.Cut(rest, "<")
			target = "/acme-logs-tfstate?continuation-token=" + escape(next) + "&delimiter=%2F&list-type=2&max-keys=1"
		}
	}
	if strings.Join(got, " ") != "a b/ c" {
		t.Errorf("got %q", got)
	}
}

func TestUploads(t *testing.T) {
	t.Parallel()
	s := start(t)
	full := roleKeys(t, s, "dev", fullRole)
	const text = "the state"
	sum := md5.Sum([]byte(text)) //nolint:gosec // Content-MD5 is part of S3
	crc := crc32.NewIEEE()
	crc.Write([]byte(text))
	check := base64.StdEncoding.EncodeToString(crc.Sum(nil))
	chunked := "9\r\n" + text + "\r\n0\r\nx-amz-checksum-crc32:" + check + "\r\n\r\n"
	trailer := map[string]string{"X-Amz-Content-Sha256": unsignedTrailer, "Content-Encoding": "aws-chunked",
		"X-Amz-Trailer": "x-amz-checksum-crc32", "X-Amz-Decoded-Content-Length": strconv.Itoa(len(text))}
	tests := []struct {
		name, body string
		header     map[string]string
		status     int
		has        string
	}{
		{"plain", text, nil, 200, ""},
		{"unsigned", text, map[string]string{"X-Amz-Content-Sha256": unsignedPayload}, 200, ""},
		{"another hash", text, map[string]string{"X-Amz-Content-Sha256": sha256Hex(nil)}, 400, "XAmzContentSHA256Mismatch"},
		{"MD5", text, map[string]string{"Content-Md5": base64.StdEncoding.EncodeToString(sum[:])}, 200, ""},
		{"another MD5", text + "!", map[string]string{"Content-Md5": base64.StdEncoding.EncodeToString(sum[:])}, 400, "BadDigest"},
		{"no MD5", text, map[string]string{"Content-Md5": "x"}, 400, "InvalidDigest"},
		{"checksum", text, map[string]string{"X-Amz-Checksum-Crc32": check}, 200, ""},
		{"another checksum", text + "!", map[string]string{"X-Amz-Checksum-Crc32": check}, 400, "BadDigest"},
		{"chunked with a trailer", chunked, trailer, 200, ""},
		{"chunked, another trailer", strings.Replace(chunked, text, "the stale", 1), trailer, 400, "BadDigest"},
		{"chunked, cut off", chunked[:8], trailer, 400, "IncompleteBody"},
		{"signed chunks", text, map[string]string{"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, 501, "NotImplemented"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			target := "/acme-dev-tfstate/k" + strconv.Itoa(i)
			r := request(t, s, http.MethodPut, target, tt.body)
			for name, value := range tt.header {
				r.Header.Set(name, value)
			}
			status, _, body := signed(t, s, full, "s3", r, nil)
			if status != tt.status || !strings.Contains(body, tt.has) {
				t.Errorf("got %d %s, want %d %s", status, body, tt.status, tt.has)
			}
			if status != http.StatusOK {
				return
			}
			r = request(t, s, http.MethodGet, target, "")
			r.Header.Set("X-Amz-Checksum-Mode", "ENABLED")
			_, header, body := signed(t, s, full, "s3", r, nil)
			if body != text || tt.name == "checksum" && header.Get("X-Amz-Checksum-Crc32") != check {
				t.Errorf("came back as %q with %v", body, header)
			}
		})
	}
}

func TestUnsignedHeaders(t *testing.T) {
	t.Parallel()
	s := start(t)
	status, _, body := signed(t, s, roleKeys(t, s, "dev", fullRole), "s3", request(t, s, "GET", "/acme-dev-tfstate?list-type=2", ""),
		func(r *http.Request) { r.Header.Set("X-Amz-Meta-Sly", "1") })
	if status != 403 || !strings.Contains(body, "There were headers present in the request which were not signed") {
		t.Errorf("got %d %s", status, body)
	}
}
