package console

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
)

var role = cred.Session{ID: "ASIAROLE", Secret: cred.NewSecret("CANARY/secret+&"), Token: cred.NewSecret("CANARY=token<\"")}

const keys = `{"sessionId":"ASIAROLE","sessionKey":"CANARY/secret+\u0026","sessionToken":"CANARY=token\u003c\""}`

// service answers in turn, and the last answer again and again. It remembers
// what it was asked, the keys by the word "keys".
type service struct {
	answers []answer
	asked   []string
}

type answer struct {
	status int
	body   string
	err    error
}

var works = answer{status: 200, body: `{"SigninToken":"CANARY-signin&="}`}

func (s *service) post(_ context.Context, target string, form url.Values) (int, []byte, error) {
	how, values := "POST", form
	if form == nil {
		u, _ := url.Parse(target)
		how, values = "GET", u.Query()
		u.RawQuery = ""
		target = u.String()
	}
	asked := how + " " + target
	for _, name := range []string{"Action", "Session", "SessionDuration"} {
		value := values.Get(name)
		if value == keys {
			value = "keys"
		}
		asked += " " + value
	}
	s.asked = append(s.asked, strings.TrimSpace(asked))
	a := s.answers[min(len(s.asked), len(s.answers))-1]
	return a.status, []byte(a.body), a.err
}

const (
	west = "https://us-west-2.signin.aws.amazon.com/federation"
	home = "https://us-west-2.console.aws.amazon.com/console/home?region=us-west-2"
)

func link(base, destination string) string {
	return base + "?" + strings.Join([]string{"Action=login", "Destination=" + url.QueryEscape(destination), "Issuer=fob", "SigninToken=CANARY-signin%26%3D"}, "&")
}

func TestSigninURL(t *testing.T) {
	t.Parallel()
	refused := answer{status: 400, body: "<html>CANARY"}
	network := &url.Error{Op: "Get", URL: "https://x/?Session=CANARY", Err: &url.Error{Op: "Get", URL: "https://x/?CANARY", Err: errors.New("connection refused")}}
	const asked = "https://us-west-2.signin.aws.amazon.com/federation getSigninToken keys"
	for _, tt := range []struct {
		name     string
		lifetime time.Duration
		endpoint string
		answers  []answer
		asked    []string
		want     string
		err      string
		shorter  bool
	}{
		{name: "as long as the session", answers: []answer{works}, asked: []string{"POST " + asked}, want: link(west, home)},
		{name: "8 hours", lifetime: 8 * time.Hour, answers: []answer{works}, asked: []string{"POST " + asked + " 28800"}, want: link(west, home)},
		{name: "a length is refused", lifetime: time.Hour, answers: []answer{refused, works},
			asked: []string{"POST " + asked + " 3600", "POST " + asked}, want: link(west, home), shorter: true},
		{name: "refused with and without a length", lifetime: time.Hour, answers: []answer{refused},
			asked: []string{"POST " + asked + " 3600", "POST " + asked}, err: "us-west-2.signin.aws.amazon.com gave no sign-in token: status 400"},
		{name: "refused without a length: once", answers: []answer{refused},
			asked: []string{"POST " + asked}, err: "us-west-2.signin.aws.amazon.com gave no sign-in token: status 400"},
		{name: "POST is not taken", lifetime: time.Hour, answers: []answer{{status: 405}, works},
			asked: []string{"POST " + asked + " 3600", "GET " + asked + " 3600"}, want: link(west, home)},
		{name: "POST is not known", answers: []answer{{status: 404}, works},
			asked: []string{"POST " + asked, "GET " + asked}, want: link(west, home)},
		{name: "neither", answers: []answer{{status: 404}},
			asked: []string{"POST " + asked, "GET " + asked}, err: "us-west-2.signin.aws.amazon.com gave no sign-in token: status 404"},
		{name: "GET to a loopback stand-in", endpoint: "http://127.0.0.1:4566/", answers: []answer{{status: 404}, works},
			asked: []string{"POST http://127.0.0.1:4566/federation getSigninToken keys", "GET http://127.0.0.1:4566/federation getSigninToken keys"},
			want:  link("http://127.0.0.1:4566/federation", home)},
		{name: "never GET to another host", endpoint: "https://proxy.example/aws", answers: []answer{{status: 404}, works},
			asked: []string{"POST https://proxy.example/aws/federation getSigninToken keys"}, err: "proxy.example gave no sign-in token: status 404"},
		{name: "server error", answers: []answer{{status: 503, body: "CANARY"}},
			asked: []string{"POST " + asked}, err: "us-west-2.signin.aws.amazon.com gave no sign-in token: status 503"},
		{name: "a redirect is no answer", answers: []answer{{status: 302}},
			asked: []string{"POST " + asked}, err: "us-west-2.signin.aws.amazon.com gave no sign-in token: status 302"},
		{name: "HTML", answers: []answer{{status: 200, body: "<html>CANARY"}},
			asked: []string{"POST " + asked}, err: "us-west-2.signin.aws.amazon.com gave no sign-in token: what it sent is not JSON"},
		{name: "nothing", answers: []answer{{status: 200}},
			asked: []string{"POST " + asked}, err: "us-west-2.signin.aws.amazon.com gave no sign-in token: what it sent is not JSON"},
		{name: "no sign-in token", answers: []answer{{status: 200, body: `{"Other":"CANARY"}`}},
			asked: []string{"POST " + asked}, err: "us-west-2.signin.aws.amazon.com gave no sign-in token: SigninToken is missing"},
		{name: "no network", answers: []answer{{err: fmt.Errorf("CANARY: %w", network)}},
			asked: []string{"POST " + asked}, err: "asking us-west-2.signin.aws.amazon.com for a sign-in token: connection refused"},
		{name: "Ctrl-C", answers: []answer{{err: context.Canceled}},
			asked: []string{"POST " + asked}, err: "asking us-west-2.signin.aws.amazon.com for a sign-in token: context canceled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, shorter := &service{answers: tt.answers}, false
			got, err := SigninURL(t.Context(), Request{
				Session: role, Region: "us-west-2", Partition: "aws", Lifetime: tt.lifetime, Endpoint: tt.endpoint, Shorter: func() { shorter = true },
			}, s.post)
			if diff := cmp.Diff([]string{tt.want, tt.err}, []string{got.Reveal(), text(err)}); diff != "" {
				t.Errorf("link and error (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.asked, s.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if shorter != tt.shorter || strings.Contains(text(err), "CANARY") {
				t.Errorf("said shorter: %v; %v", shorter, err)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A link asks the right hosts and leads to the right hosts, in each partition.
func TestPlaces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ region, partition, signin, console, err string }{
		{"us-west-2", "aws", "us-west-2.signin.aws.amazon.com", "us-west-2.console.aws.amazon.com", ""},
		{"us-east-1", "", "us-east-1.signin.aws.amazon.com", "us-east-1.console.aws.amazon.com", ""},
		{"", "aws", "signin.aws.amazon.com", "console.aws.amazon.com", ""},
		{"", "", "signin.aws.amazon.com", "console.aws.amazon.com", ""},
		{"cn-north-1", "aws-cn", "signin.amazonaws.cn", "cn-north-1.console.amazonaws.cn", ""},
		{"cn-northwest-1", "", "signin.amazonaws.cn", "cn-northwest-1.console.amazonaws.cn", ""},
		{"", "aws-cn", "signin.amazonaws.cn", "console.amazonaws.cn", ""},
		{"us-gov-west-1", "aws-us-gov", "signin.amazonaws-us-gov.com", "us-gov-west-1.console.amazonaws-us-gov.com", ""},
		{"eusc-de-east-1", "aws-eusc", "signin.amazonaws-eusc.eu", "eusc-de-east-1.console.amazonaws-eusc.eu", ""},
		{"us-iso-east-1", "aws-iso", "", "", `region "us-iso-east-1": its sign-in service is not known`},
		{"us-isob-east-1", "", "", "", `region "us-isob-east-1": its sign-in service is not known`},
		{"", "aws-iso", "", "", `partition "aws-iso": its sign-in service is not known`},
		{"us-east-1", "aws-mars", "", "", `region "us-east-1": it is not in partition "aws-mars"`},
		{"cn-north-1", "aws", "", "", `region "cn-north-1": it is not in partition "aws"`},
		{"us-east-1", "aws-cn", "", "", `region "us-east-1": it is not in partition "aws-cn"`},
		{"evil.example/", "aws", "", "", `region "evil.example/": it is not the name of a region`},
		{"evil.example", "", "", "", `region "evil.example": it is not the name of a region`},
		{"us-west-2\n", "", "", "", `region "us-west-2\n": it is not the name of a region`},
		{"-", "", "", "", `region "-": it is not the name of a region`},
	} {
		s := &service{answers: []answer{works}}
		got, err := SigninURL(t.Context(), Request{Session: role, Region: tt.region, Partition: tt.partition}, s.post)
		want := ""
		if tt.err == "" {
			want = link("https://"+tt.signin+"/federation", "https://"+tt.console+"/console/home"+map[bool]string{true: "?region=" + tt.region}[tt.region != ""])
		}
		if diff := cmp.Diff([]string{want, tt.err}, []string{got.Reveal(), text(err)}); diff != "" {
			t.Errorf("%q %q (-want +got):\n%s", tt.region, tt.partition, diff)
		}
		if tt.err != "" && len(s.asked) > 0 {
			t.Errorf("%q %q: asked %q", tt.region, tt.partition, s.asked)
		}
	}
}

func TestDestination(t *testing.T) {
	t.Parallel()
	const host = "https://us-west-2.console.aws.amazon.com"
	for _, tt := range []struct {
		name string
		r    Request
		want string
		err  string
	}{
		{name: "home", r: Request{}, want: home},
		{name: "home without a region", r: Request{Region: "-"}, want: "https://console.aws.amazon.com/console/home"},
		{name: "a path", r: Request{Path: "ec2/v2/home"}, want: host + "/ec2/v2/home?region=us-west-2"},
		{name: "a path with a slash", r: Request{Path: "/ec2/home"}, want: host + "/ec2/home?region=us-west-2"},
		{name: "a path without a region", r: Request{Region: "-", Path: "ec2/home"}, want: "https://console.aws.amazon.com/ec2/home"},
		{name: "a path with query and fragment", r: Request{Path: "ec2/home?a=1&b=%26#Instances:sort=x&y"}, want: host + "/ec2/home?a=1&b=%26&region=us-west-2#Instances:sort=x&y"},
		{name: "a path with its own region", r: Request{Path: "s3/home?region=eu-west-1"}, want: host + "/s3/home?region=eu-west-1"},
		{name: "a path to another host", r: Request{Path: "//evil.example/x"}, want: host + "/evil.example/x?region=us-west-2"},
		{name: "a path to another host, backwards", r: Request{Path: `\\evil.example/x`}, want: host + "/evil.example/x?region=us-west-2"},
		{name: "a URL as path", r: Request{Path: "https://evil.example/x"}, err: `path "22 bytes": it is a whole URL: give what follows the host, like s3/home`},
		{name: "a URL in the query of a path", r: Request{Path: "x?to=https://a"}, want: host + "/x?to=https://a&region=us-west-2"},
		{name: "a user as path", r: Request{Path: "@evil.example/x"}, want: host + "/@evil.example/x?region=us-west-2"},
		{name: "unicode", r: Request{Path: "s3/buckets/caf\u00e9 & co"}, want: host + "/s3/buckets/caf%C3%A9%20&%20co?region=us-west-2"},
		{name: "no path", r: Request{Path: "a\x00b"}, err: `path "3 bytes": it is not the path of a page`},
		{name: "a service", r: Request{Service: "ec2"}, want: host + "/ec2/home?region=us-west-2"},
		{name: "a global service", r: Request{Service: "iam"}, want: "https://console.aws.amazon.com/iam/home"},
		{name: "no service", r: Request{Service: "../x"}, err: `service "../x": it is not the name of a service, like ec2`},
		{name: "a page", r: Request{Destination: host + "/s3/buckets/a b?x=1&y=2#z", Path: "p", Service: "s"}, want: host + "/s3/buckets/a%20b?x=1&y=2#z"},
		{name: "a page of another region", r: Request{Destination: "https://EU-west-1.console.aws.amazon.com/"}, want: "https://EU-west-1.console.aws.amazon.com/"},
		{name: "another host", r: Request{Destination: "https://evil.example/?CANARY"}, err: `destination "https://evil.example": it is not a page of https://console.aws.amazon.com`},
		{name: "a host that ends alike", r: Request{Destination: "https://evilconsole.aws.amazon.com/"}, err: `destination "https://evilconsole.aws.amazon.com": it is not a page of https://console.aws.amazon.com`},
		{name: "a host that begins alike", r: Request{Destination: "https://console.aws.amazon.com.evil.example/"}, err: `destination "https://console.aws.amazon.com.evil.example": it is not a page of https://console.aws.amazon.com`},
		{name: "another partition", r: Request{Destination: "https://console.amazonaws.cn/"}, err: `destination "https://console.amazonaws.cn": it is not a page of https://console.aws.amazon.com`},
		{name: "a user part", r: Request{Destination: "https://CANARY@console.aws.amazon.com/"}, err: `destination "https://console.aws.amazon.com": it is not a page of https://console.aws.amazon.com`},
		{name: "another port", r: Request{Destination: "https://console.aws.amazon.com:8443/"}, err: `destination "https://console.aws.amazon.com:8443": it is not a page of https://console.aws.amazon.com`},
		{name: "plain http", r: Request{Destination: "http://console.aws.amazon.com/"}, err: `destination "http://console.aws.amazon.com": it is not a page of https://console.aws.amazon.com`},
		{name: "a script", r: Request{Destination: "javascript:alert(1)"}, err: `destination "javascript://": it is not a page of https://console.aws.amazon.com`},
		{name: "no URL", r: Request{Destination: "https://a b/"}, err: `destination "12 bytes": it is not a URL`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, s := tt.r, &service{answers: []answer{works}}
			r.Session = role
			switch r.Region {
			case "":
				r.Region = "us-west-2"
			case "-":
				r.Region = ""
			}
			got, err := SigninURL(t.Context(), r, s.post)
			destination := ""
			if err == nil {
				u, parseErr := url.Parse(got.Reveal())
				if parseErr != nil {
					t.Fatal("the link is no URL")
				}
				destination = u.Query().Get("Destination")
			}
			if diff := cmp.Diff([]string{tt.want, tt.err}, []string{destination, text(err)}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tt.err != "" && len(s.asked) > 0 {
				t.Errorf("asked %q", s.asked)
			}
		})
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	const insecure, malformed = "credentials go over https, or to this machine", "it is not https://HOST"
	for endpoint, want := range map[string]string{
		"http://127.0.0.1:4566":        "http://127.0.0.1:4566/federation",
		"http://[::1]:4566/":           "http://[::1]:4566/federation",
		"http://localhost:1/prefix/":   "http://localhost:1/prefix/federation",
		"https://signin.example":       "https://signin.example/federation",
		"http://signin.example":        `endpoint "http://signin.example": ` + insecure,
		"http://127.0.0.1.evil":        `endpoint "http://127.0.0.1.evil": ` + insecure,
		"http://10.0.0.1":              `endpoint "http://10.0.0.1": ` + insecure,
		"ftp://127.0.0.1":              `endpoint "ftp://127.0.0.1": ` + insecure,
		"https://CANARY@host":          `endpoint "host": ` + malformed,
		"https://host/?CANARY":         `endpoint "host": ` + malformed,
		"https://host/#CANARY":         `endpoint "host": ` + malformed,
		"127.0.0.1:4566":               `endpoint "": ` + malformed,
		"/etc/passwd":                  `endpoint "": ` + malformed,
		"https://":                     `endpoint "": ` + malformed,
		"http://127.0.0.1:port/CANARY": `endpoint "": ` + malformed,
	} {
		s := &service{answers: []answer{works}}
		got, err := SigninURL(t.Context(), Request{Session: role, Endpoint: endpoint}, s.post)
		base, _, _ := strings.Cut(got.Reveal(), "?")
		if base+text(err) != want {
			t.Errorf("%s: got %s%s, want %s", endpoint, base, text(err), want)
		}
		if err != nil && len(s.asked) > 0 {
			t.Errorf("%s: asked %q", endpoint, s.asked)
		}
	}
}

func TestLongTermKey(t *testing.T) {
	t.Parallel()
	s := &service{answers: []answer{works}}
	key := cred.AccessKey{ID: "AKIAKEY", Secret: cred.NewSecret("CANARY")}.Expose()
	if _, err := SigninURL(t.Context(), Request{Session: key}, s.post); !errors.Is(err, ErrLongTerm) || len(s.asked) > 0 {
		t.Errorf("%v; asked %q", err, s.asked)
	}
}

func TestAccountPage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ account, partition, want string }{
		{"012345678901", "aws", "https://012345678901.signin.aws.amazon.com/console"},
		{"my-alias", "aws-cn", "https://my-alias.signin.amazonaws.cn/console"},
		{"012345678901", "aws-us-gov", "https://012345678901.signin.amazonaws-us-gov.com/console"},
		{"012345678901", "aws-eusc", "https://012345678901.signin.amazonaws-eusc.eu/console"},
		{"012345678901", "aws-mars", ""},
		{"evil.example/", "aws", ""},
		{"", "aws", ""},
	} {
		if got := AccountPage(tt.account, tt.partition); got != tt.want {
			t.Errorf("%q %q: got %q, want %q", tt.account, tt.partition, got, tt.want)
		}
	}
}

func TestLifetime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		origin            Origin
		asked, left, want time.Duration
	}{
		{RoleByKey, 8 * time.Hour, 8*time.Hour - time.Second/2, 8*time.Hour - time.Second},
		{RoleByKey, time.Hour, 30 * time.Minute, 30 * time.Minute},
		{RoleByKey, time.Hour, time.Minute, 15 * time.Minute},
		{RoleByToken, time.Hour, 2 * time.Hour, time.Hour},
		{Other, 8 * time.Hour, 8 * time.Hour, 0},
	} {
		if got := Lifetime(tt.origin, tt.asked, tt.left); got != tt.want {
			t.Errorf("%v, asked %s, left %s: %s, want %s", tt.origin, tt.asked, tt.left, got, tt.want)
		}
	}
}

func TestLogoutURL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		region, endpoint, then, want, err string
	}{
		{region: "us-west-2", want: "https://us-west-2.signin.aws.amazon.com/oauth?Action=logout"},
		{region: "us-gov-west-1", want: "https://signin.amazonaws-us-gov.com/oauth?Action=logout"},
		{region: "us-west-2", then: "https://x/?a=b%2F&c=d", want: "https://us-west-2.signin.aws.amazon.com/oauth?Action=logout&redirect_uri=https%3A%2F%2Fx%2F%3Fa%3Db%252F%26c%3Dd"},
		{endpoint: "http://127.0.0.1:1/", want: "http://127.0.0.1:1/oauth?Action=logout"},
		{region: "us-iso-east-1", err: `region "us-iso-east-1": its sign-in service is not known`},
	} {
		got, err := LogoutURL(Request{Region: tt.region, Endpoint: tt.endpoint}, cred.NewSecret(tt.then))
		if got.Reveal() != tt.want || text(err) != tt.err {
			t.Errorf("%+v: %q, %v", tt, got.Reveal(), err)
		}
	}
}
