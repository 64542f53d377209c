package outside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"fob/internal/cred"
)

// most is more than any endpoint answers.
const most = 64 << 10

// The values of credential_source.
const (
	fromEnvironment = "Environment"
	fromContainer   = "EcsContainer"
)

// Machine gives the credentials of this machine for a credential_source of a
// profile; from is where that stands. Errors are *fault.Error.
func (o Outside) Machine(ctx context.Context, profile, source, from string) (cred.Session, error) {
	var s cred.Session
	var err error
	next := "Ec2InstanceMetadata works on an EC2 instance; elsewhere use another credential_source"
	switch source {
	case fromEnvironment:
		s, err = o.environment()
		next = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use another credential_source"
	case fromContainer:
		s, err = o.container(ctx)
		next = "EcsContainer works in a container whose platform sets these variables; elsewhere use another credential_source"
	default:
		s, err = o.instance(ctx)
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return s, err
	}
	return cred.Session{}, none(profile, fmt.Errorf("credential_source (%s): %w", from, err), next)
}

// environment takes the credentials that stand in the environment.
func (o Outside) environment() (cred.Session, error) {
	s := cred.Session{ID: o.Lookup("AWS_ACCESS_KEY_ID"), Secret: cred.NewSecret(o.Lookup("AWS_SECRET_ACCESS_KEY")), Token: cred.NewSecret(o.Lookup("AWS_SESSION_TOKEN"))}
	for _, one := range []struct {
		name    string
		missing bool
	}{{"AWS_ACCESS_KEY_ID", s.ID == ""}, {"AWS_SECRET_ACCESS_KEY", s.Secret.IsZero()}} {
		if one.missing {
			return cred.Session{}, errors.New(one.name + " is not set")
		}
	}
	if end := o.Lookup("AWS_CREDENTIAL_EXPIRATION"); end != "" && !s.Token.IsZero() {
		s.Expires, _ = moment(end) // no SDK needs it; one that cannot be read says nothing
	}
	return s, nil
}

// container asks the endpoint that ECS, EKS and their like name in the
// environment
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
func (o Outside) container(ctx context.Context) (cred.Session, error) {
	target, err := o.containerURL()
	if err != nil {
		return cred.Session{}, err
	}
	header := http.Header{}
	bearer := o.Lookup("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if file := o.Lookup("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
		text, err := o.ReadFile(file)
		if err != nil {
			return cred.Session{}, fmt.Errorf("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: %w", err)
		}
		bearer = string(text)
	}
	if !oneLine([]byte(bearer)) {
		return cred.Session{}, errors.New("the authorization token of the container endpoint is not one line")
	}
	if bearer != "" {
		header.Set("Authorization", bearer)
	}
	return o.ask(ctx, "the container's credentials endpoint", target, header)
}

// containerURL is where the endpoint is. Plain http goes to this machine and to
// the addresses of ECS and EKS only: the answer is a key.
func (o Outside) containerURL() (string, error) {
	if path := o.Lookup("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path != "" {
		if !strings.HasPrefix(path, "/") {
			return "", errors.New("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with /")
		}
		return "http://169.254.170.2" + path, nil
	}
	full := o.Lookup("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if full == "" {
		return "", errors.New("neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set")
	}
	u, err := url.Parse(full)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL")
	}
	ip := net.ParseIP(u.Hostname())
	near := u.Hostname() == "localhost" || ip != nil && (ip.IsLoopback() || slices.Contains([]string{"169.254.170.2", "169.254.170.23", "fd00:ec2::23"}, ip.String()))
	if u.Scheme == "http" && !near {
		return "", errors.New("AWS_CONTAINER_CREDENTIALS_FULL_URI is plain http beyond this machine")
	}
	return full, nil
}

// instance asks the metadata service of EC2, version 2 where it is there
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html).
func (o Outside) instance(ctx context.Context) (cred.Session, error) {
	const service = "the instance metadata service"
	if strings.EqualFold(o.Lookup("AWS_EC2_METADATA_DISABLED"), "true") {
		return cred.Session{}, errors.New(service + " is turned off by AWS_EC2_METADATA_DISABLED")
	}
	base := o.Lookup("AWS_EC2_METADATA_SERVICE_ENDPOINT")
	if base == "" {
		base = "http://169.254.169.254"
	}
	base = strings.TrimRight(base, "/") + "/latest/"
	header, err := o.instanceToken(ctx, base)
	if err != nil {
		return cred.Session{}, fmt.Errorf("%s: %w", service, err)
	}
	roles := base + "meta-data/iam/security-credentials/"
	status, text, err := o.get(ctx, http.MethodGet, roles, header)
	name, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	switch {
	case err == nil && (status == http.StatusNotFound || status == http.StatusOK && name == ""):
		err = errors.New("this instance has no role: attach an instance profile")
	case err == nil && status != http.StatusOK:
		err = fmt.Errorf("HTTP status %d", status)
	}
	if err != nil {
		return cred.Session{}, fmt.Errorf("%s: %w", service, err)
	}
	return o.ask(ctx, service, roles+url.PathEscape(name), header)
}

// instanceToken begins a session of version 2. Only an answer that says that
// there is none leads to version 1.
func (o Outside) instanceToken(ctx context.Context, base string) (http.Header, error) {
	status, text, err := o.get(ctx, http.MethodPut, base+"api/token", http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"300"}})
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusOK && oneLine(text):
		return http.Header{"X-Aws-Ec2-Metadata-Token": {string(text)}}, nil
	case status == http.StatusForbidden, status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		return http.Header{}, nil
	}
	return nil, fmt.Errorf("HTTP status %d", status)
}

// ask gets a document with credentials.
func (o Outside) ask(ctx context.Context, service, target string, header http.Header) (cred.Session, error) {
	status, text, err := o.get(ctx, http.MethodGet, target, header)
	defer clear(text)
	var s cred.Session
	var d document
	switch {
	case err != nil:
	case status != http.StatusOK:
		err = fmt.Errorf("HTTP status %d", status)
	case json.Unmarshal(text, &d) != nil:
		err = errors.New("its answer is not JSON")
	case d.Code != "" && d.Code != "Success":
		err = fmt.Errorf("it says %q", d.Code)
	default:
		s, err = d.session()
	}
	if err != nil {
		return cred.Session{}, fmt.Errorf("%s: %w", service, err)
	}
	return s, nil
}

// patience is what an endpoint of this machine may take: it is near, or not
// there at all.
const patience = 2 * time.Second

func (o Outside) get(ctx context.Context, method, target string, header http.Header) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return 0, nil, errors.New("its address is not a URL")
	}
	req.Header = header
	resp, err := o.Do(req)
	if err != nil {
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %s", patience)
		}
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, most))
	return resp.StatusCode, body, err
}
