// Package awsapi makes the calls to AWS and gives typed refusals. It is the
// only package that imports the AWS SDK, and it knows no profiles, no caches
// and no people.
package awsapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"fob/internal/cred"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Config says where calls go and how long they may take.
type Config struct {
	Region string
	// URL replaces the address that the SDK would resolve, or is "".
	URL                     string
	FIPS, DualStack, Legacy bool
	// CABundle is a PEM file that replaces the system's roots, or "".
	CABundle string
	// Attempts bounds the tries of a call that may be repeated; 0 means 3.
	Attempts int
	// Timeout bounds one try; 0 means 20 seconds.
	Timeout time.Duration
	// Version is shown in the user agent.
	Version string
	// Clock must be set. The clients of one run share one.
	Clock *Clock
}

// Client makes calls signed by one signer.
type Client struct {
	cfg    Config
	signer cred.Signer
	knock  *knock // in place of the network, to see where a call would go
	// reached says that there was a connection.
	reached *atomic.Bool
}

// New makes a client; it reads nothing and calls nothing.
func New(cfg Config, signer cred.Signer) *Client {
	return &Client{cfg: cfg, signer: signer, reached: new(atomic.Bool)}
}

// Refusal is AWS's answer when it is no.
type Refusal struct {
	// Op is the API name ("AssumeRole"), Code AWS's error code.
	Op, Code, Message string
	Status            int
	RequestID         string
	// Date is the server's clock at the answer, or zero.
	Date time.Time
}

// Error shows AWS's own text and code.
func (r *Refusal) Error() string {
	if r.Message == "" {
		return r.Op + ": " + r.Code
	}
	return r.Op + ": " + r.Message + " (" + r.Code + ")"
}

// UnreachableError says that no answer, or none that can be read, came.
type UnreachableError struct {
	Op, Host string
	Err      error
	// Unsent says that there was no connection on which a byte could have gone out.
	Unsent bool
}

// Error names the host and the cause, never a URL with its query.
func (e *UnreachableError) Error() string { return e.Op + ": " + e.Host + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// sdk makes the SDK's configuration. once is for calls that must not be sent
// twice: they carry a code, which AWS accepts a single time.
func (c *Client) sdk(once bool) (aws.Config, error) {
	client, err := HTTPClient(c.cfg.CABundle, c.cfg.Timeout)
	if err != nil {
		return aws.Config{}, err
	}
	attempts := c.cfg.Attempts
	if attempts == 0 {
		attempts = 3
	}
	if once {
		attempts = 1
	}
	if c.knock != nil {
		c.knock.next, client.Transport = client.Transport, c.knock
	} else {
		client.Transport = observed{client.Transport, c.cfg.Clock, c.reached}
	}
	signer := c.signer
	return aws.Config{
		Region:     c.cfg.Region,
		HTTPClient: client,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: signer.ID, SecretAccessKey: signer.Secret.Reveal(), SessionToken: signer.Token.Reveal()}, nil
		}),
		Retryer:                    func() aws.Retryer { return newPatience(c.cfg.Clock, attempts) },
		DisableClockSkewCorrection: true, // it would not try again what carries a code
		AppID:                      "fob-" + c.cfg.Version,
		BaseEndpoint:               text(c.cfg.URL),
	}, nil
}

// variants sets which of a service's addresses is taken where none is given.
func (c *Client) variants(fips *aws.FIPSEndpointState, dualStack *aws.DualStackEndpointState) {
	if c.cfg.FIPS {
		*fips = aws.FIPSEndpointStateEnabled
	}
	if c.cfg.DualStack {
		*dualStack = aws.DualStackEndpointStateEnabled
	}
}

// BundleError says that a CA bundle cannot be used.
type BundleError struct {
	Path string
	Err  error
}

// Error names the file and the cause.
func (e *BundleError) Error() string { return "the CA bundle " + e.Path + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *BundleError) Unwrap() error { return e.Err }

// readBundle refuses what is no regular file: a pipe would wait for a writer,
// and a device need not end.
func readBundle(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	return text, err
}

// HTTPClient makes the client for every call of fob's: proxies from the
// environment, TLS 1.2 at least, no redirect followed (it would carry the
// signature to another host), answers of a bounded size. caBundle is a PEM file
// or ""; timeout 0 means 20 seconds.
func HTTPClient(caBundle string, timeout time.Duration) (*http.Client, error) {
	if timeout == 0 {
		timeout = 20 * time.Second
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if caBundle != "" {
		pem, err := readBundle(caBundle)
		if err != nil {
			return nil, &BundleError{Path: caBundle, Err: err}
		}
		if conf.RootCAs = x509.NewCertPool(); !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &BundleError{Path: caBundle, Err: errors.New("it holds no certificate")}
		}
	}
	return &http.Client{
		Timeout: timeout,
		Transport: bounded{&http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSClientConfig:       conf,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: timeout,
			ForceAttemptHTTP2:     true,
			DisableKeepAlives:     true,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// bounded cuts answers off at a size that no answer of these services reaches.
type bounded struct{ next http.RoundTripper }

const largestAnswer = 1 << 20

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := withOwnBody(r)
	if err != nil {
		return nil, err
	}
	resp, err := b.next.RoundTrip(sent)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, largestAnswer), resp.Body}
	return resp, nil
}

// withOwnBody gives the request a body that nobody else can close. The SDK closes
// its own as soon as the answer begins. Where the answer is faster than the
// transport's last look at the body, the transport takes that for a failed
// request and drops the connection: the answer is lost, and an MFA code with it.
func withOwnBody(r *http.Request) (*http.Request, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, nil
	}
	text, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return nil, err
	}
	sent := r.Clone(r.Context())
	sent.Body = io.NopCloser(bytes.NewReader(text))
	return sent, nil
}

// refused turns an error of the SDK into a *Refusal or an *UnreachableError.
func (c *Client) refused(op string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", op, context.Canceled)
	}
	var status int
	var date time.Time
	var id, host string
	if resp := (*smithyhttp.ResponseError)(nil); errors.As(err, &resp) && resp.Response != nil {
		status = resp.HTTPStatusCode()
		date, _ = http.ParseTime(resp.Response.Header.Get("Date"))
		id = resp.Response.Header.Get("X-Amzn-Requestid")
		if resp.Response.Request != nil {
			host = resp.Response.Request.URL.Host
		}
	}
	api := smithy.APIError(nil)
	if errors.As(err, &api) && api.ErrorCode() != "" && api.ErrorCode() != "UnknownError" {
		return &Refusal{Op: op, Code: api.ErrorCode(), Message: api.ErrorMessage(), Status: status, RequestID: id, Date: date}
	}
	if host == "" {
		host = c.host()
	}
	dial := (*net.OpError)(nil)
	unsent := errors.As(err, &dial) && dial.Op == "dial" && !c.reached.Load()
	cause := errors.New("the answer is not one of AWS's: something between here and AWS may have sent it")
	if status != 0 {
		cause = fmt.Errorf("HTTP status %d, and %w", status, cause)
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		cause = u.Err
	}
	return &UnreachableError{Op: op, Host: host, Err: cause, Unsent: unsent}
}

func (c *Client) host() string {
	if u, err := url.Parse(c.cfg.URL); err == nil && u.Host != "" {
		return u.Host
	}
	return "AWS in " + c.cfg.Region
}
