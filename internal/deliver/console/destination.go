package console

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// DestinationError is a page that a link must not lead to.
type DestinationError struct{ Field, Value, Why string }

// Error quotes what was asked for, without a query.
func (e *DestinationError) Error() string {
	return e.Field + " " + strconv.Quote(e.Value) + ": " + e.Why
}

// CheckPage says what is wrong with a path or a service before a link is made:
// a *DestinationError, or nil.
func CheckPage(path, service string) error {
	_, err := place{}.destination(Request{Path: path, Service: service})
	return err
}

// destination is the page that opens after the sign-in, always one of this
// partition's console: the link would lead elsewhere with AWS's name on it.
func (at place) destination(r Request) (string, error) {
	switch {
	case r.Destination != "":
		return at.given(r.Destination)
	case r.Path != "" && isURL(r.Path):
		return "", &DestinationError{Field: "path", Value: strconv.Itoa(len(r.Path)) + " bytes", Why: "it is a whole URL: give what follows the host, like s3/home"}
	case r.Path != "":
		u, err := url.Parse("/" + strings.TrimLeft(r.Path, `/\`))
		if err != nil {
			return "", &DestinationError{Field: "path", Value: strconv.Itoa(len(r.Path)) + " bytes", Why: "it is not the path of a page"}
		}
		return at.page(u, r.Region), nil
	case r.Service != "":
		if !isLabel(r.Service) {
			return "", &DestinationError{Field: "service", Value: r.Service, Why: "it is not the name of a service, like ec2"}
		}
		region := r.Region
		if isGlobal(r.Service) {
			region = ""
		}
		return at.page(&url.URL{Path: "/" + r.Service + "/home"}, region), nil
	}
	return at.page(&url.URL{Path: "/console/home"}, r.Region), nil
}

// isURL says whether a path names a scheme and a host, which nobody means as one.
func isURL(path string) bool {
	path, _, _ = strings.Cut(path, "?")
	path, _, _ = strings.Cut(path, "#")
	scheme, _, ok := strings.Cut(path, "://")
	return ok && scheme != "" && !strings.ContainsAny(scheme, `/\`)
}

func (at place) given(destination string) (string, error) {
	u, err := url.Parse(destination)
	if err != nil {
		return "", &DestinationError{Field: "destination", Value: strconv.Itoa(len(destination)) + " bytes", Why: "it is not a URL"}
	}
	host := strings.ToLower(u.Host)
	if u.Scheme != "https" || u.User != nil || host != at.hosted && !strings.HasSuffix(host, "."+at.hosted) {
		return "", &DestinationError{Field: "destination", Value: u.Scheme + "://" + u.Host, Why: "it is not a page of https://" + at.hosted}
	}
	return u.String(), nil
}

// page puts a path on the console's host of the region, and the region into its
// query if it has none. The rest of the query stays as it was written.
func (at place) page(u *url.URL, region string) string {
	u.Scheme, u.Host = "https", at.hosted
	if region == "" {
		return u.String()
	}
	u.Host = region + "." + at.hosted
	if !u.Query().Has("region") {
		query := "region=" + url.QueryEscape(region)
		if u.RawQuery != "" {
			query = u.RawQuery + "&" + query
		}
		u.RawQuery = query
	}
	return u.String()
}

// isGlobal says whether the console of a service has no regions.
func isGlobal(service string) bool {
	return slices.Contains([]string{
		"artifact", "billing", "cloudfront", "costmanagement", "globalaccelerator", "health", "iam", "iamv2",
		"importexport", "organizations", "route53", "support", "trustedadvisor",
	}, service)
}
