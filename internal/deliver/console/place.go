package console

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// partition is where a part of AWS has its sign-in service and its console
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html, 2026-11).
type partition struct {
	name, regions  string // regions is what its regions begin with
	signin, hosted string
	// regional says whether the sign-in service answers at REGION.signin too,
	// so that a link does not depend on us-east-1.
	regional bool
}

// partitions has the one without a prefix last.
func partitions() []partition {
	return []partition{
		{name: "aws-cn", regions: "cn-", signin: "signin.amazonaws.cn", hosted: "console.amazonaws.cn"},
		{name: "aws-us-gov", regions: "us-gov-", signin: "signin.amazonaws-us-gov.com", hosted: "console.amazonaws-us-gov.com"},
		{name: "aws-eusc", regions: "eusc-", signin: "signin.amazonaws-eusc.eu", hosted: "console.amazonaws-eusc.eu"},
		{name: "aws", signin: "signin.aws.amazon.com", hosted: "console.aws.amazon.com", regional: true},
	}
}

// PlaceError is a partition or region whose hosts are not known, or an endpoint
// that must not get credentials.
type PlaceError struct{ Field, Value, Why string }

// Error quotes the value: none of the three is a secret, an endpoint's query
// and user part excepted, which are not there.
func (e *PlaceError) Error() string { return e.Field + " " + strconv.Quote(e.Value) + ": " + e.Why }

// place is where one request goes.
type place struct {
	federation string // the URL of the federation endpoint
	oauth      string // the URL that ends a console session
	host       string // its host, for errors
	getAllowed bool
	hosted     string // the console's host
}

func placeOf(r Request) (place, error) {
	p, err := partitionOf(r)
	if err != nil {
		return place{}, err
	}
	at := place{host: p.signin, getAllowed: true, hosted: p.hosted}
	if p.regional && r.Region != "" {
		at.host = r.Region + "." + p.signin
	}
	at.federation, at.oauth = "https://"+at.host+"/federation", "https://"+at.host+"/oauth"
	if r.Endpoint == "" {
		return at, nil
	}
	return at.instead(r.Endpoint)
}

// Address is where a link for r would be asked for: the sign-in service of its
// region, or r.Endpoint.
func Address(r Request) (string, error) {
	at, err := placeOf(r)
	return at.federation, err
}

func partitionOf(r Request) (partition, error) {
	if !isLabel(r.Region) && r.Region != "" {
		return partition{}, &PlaceError{Field: "region", Value: r.Region, Why: "it is not the name of a region"}
	}
	of := func(region string) string {
		for _, p := range partitions() {
			if strings.HasPrefix(region, p.regions) {
				return p.name
			}
		}
		return ""
	}
	name := r.Partition
	if name == "" {
		name = of(r.Region)
	}
	if strings.HasPrefix(r.Region, "us-iso") || strings.HasPrefix(r.Region, "eu-iso") { // prefixes of no partition here
		return partition{}, &PlaceError{Field: "region", Value: r.Region, Why: "its sign-in service is not known"}
	}
	if r.Region != "" && of(r.Region) != name {
		return partition{}, &PlaceError{Field: "region", Value: r.Region, Why: "it is not in partition " + strconv.Quote(name)}
	}
	for _, p := range partitions() {
		if p.name == name {
			return p, nil
		}
	}
	return partition{}, &PlaceError{Field: "partition", Value: name, Why: "its sign-in service is not known"}
}

// instead puts an endpoint in the place of AWS's own.
func (at place) instead(endpoint string) (place, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return place{}, &PlaceError{Field: "endpoint", Value: hostOf(u), Why: "it is not https://HOST"}
	}
	local := isLoopback(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return place{}, &PlaceError{Field: "endpoint", Value: u.Scheme + "://" + u.Host, Why: "credentials go over https, or to this machine"}
	}
	at.host, at.getAllowed = u.Host, local
	base := strings.TrimSuffix(u.String(), "/")
	at.federation, at.oauth = base+"/federation", base+"/oauth"
	return at, nil
}

func hostOf(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.Host
}

// isLoopback takes addresses, and the one name that RFC 6761 reserves.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

// isLabel keeps everything out that could lead a host name or a path elsewhere.
func isLabel(text string) bool {
	return text != "" && len(text) <= 63 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" &&
		text[0] != '-' && text[len(text)-1] != '-'
}

// AccountPage is where an IAM user of an account signs in with their password.
// account is an id or an alias. It is empty when either is not known.
func AccountPage(account, partition string) string {
	for _, p := range partitions() {
		if p.name == partition && isLabel(account) {
			return "https://" + account + "." + p.signin + "/console"
		}
	}
	return ""
}
