package awsapi

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// shut reads like the SDK's body: once it is closed, copying it fails.
type shut struct {
	*strings.Reader
	closed bool
}

func (s *shut) Close() error { s.closed = true; return nil }

func (s *shut) Read(p []byte) (int, error) {
	if s.closed {
		return 0, io.ErrClosedPipe
	}
	return s.Reader.Read(p)
}

func (s *shut) WriteTo(w io.Writer) (int64, error) {
	if s.closed {
		return 0, io.EOF
	}
	return s.Reader.WriteTo(w)
}

type next func(*http.Request) (*http.Response, error)

func (n next) RoundTrip(r *http.Request) (*http.Response, error) { return n(r) }

// The SDK closes the body when the answer begins, which may be before the
// transport has looked whether more of it is there.
func TestBodyOutlivesTheSDKs(t *testing.T) {
	t.Parallel()
	const form = "Action=GetSessionToken&TokenCode=123456"
	body := &shut{Reader: strings.NewReader(form)}
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", body)
	r.ContentLength = int64(len(form))
	resp, err := bounded{next(func(sent *http.Request) (*http.Response, error) {
		_ = body.Close()
		var got bytes.Buffer
		for range 2 { // the second time as the transport looks for more
			if _, err := io.Copy(&got, sent.Body); err != nil {
				t.Errorf("read the body: %v", err)
			}
		}
		if got.String() != form || sent.ContentLength != int64(len(form)) {
			t.Errorf("sent %q of length %d, want %q", got.String(), sent.ContentLength, form)
		}
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})}.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}
