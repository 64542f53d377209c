package awsapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/smithy-go/auth"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
)

// jsonReply answers as the services of the JSON protocol do.
func jsonReply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", "r-1")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// pages answers each page by its NextToken.
func pages(t *testing.T, by map[string]string) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		var in struct{ NextToken string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		if r.Header.Get("X-Amz-Target") != "AWSOrganizationsV20161128.ListAccounts" || !strings.Contains(r.Header.Get("Authorization"), "/organizations/aws4_request") {
			t.Errorf("sent %v", r.Header)
		}
		jsonReply(w, 200, by[in.NextToken])
	}
}

// listing is server for calls whose body h reads.
func listing(t *testing.T, h http.HandlerFunc) (*Client, *atomic.Int32) {
	t.Helper()
	var n atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return New(Config{Region: "eu-west-1", URL: s.URL, Timeout: 5 * time.Second, Attempts: 1, Version: "test", Clock: NewClock(time.Now)}, signer), &n
}

func TestOrganizationAccounts(t *testing.T) {
	t.Parallel()
	c, calls := listing(t, pages(t, map[string]string{
		"":  `{"Accounts":[{"Id":"012345678901","Arn":"arn:aws:organizations::678901234567:account/o-a/012345678901","Name":"Logs","State":"ACTIVE","Status":"SUSPENDED","JoinedTimestamp":1.6E9}],"NextToken":"b"}`,
		"b": `{"Accounts":[],"NextToken":"c"}`,
		"c": `{"NextToken":"d"}`,
		"d": `{"Accounts":[{"Id":"345678901234","Name":"dev","Status":"SUSPENDED"}]}`,
	}))
	got, err := c.OrganizationAccounts(t.Context())
	want := []OrganizationAccount{
		{ID: "012345678901", Name: "Logs", State: "ACTIVE", ARN: "arn:aws:organizations::678901234567:account/o-a/012345678901"},
		{ID: "345678901234", Name: "dev", State: "SUSPENDED"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" || calls.Load() != 4 {
		t.Error(err, calls.Load(), diff)
	}
}

// Five hundred accounts come on 25 pages.
func TestManyOrganizationAccounts(t *testing.T) {
	t.Parallel()
	by := map[string]string{}
	for page := range 25 {
		var all []string
		for i := range 20 {
			all = append(all, fmt.Sprintf(`{"Id":"%012d","Name":"a-%d","State":"ACTIVE"}`, page*20+i, page*20+i))
		}
		at, next := "", `,"NextToken":"`+fmt.Sprint(page+1)+`"`
		if page > 0 {
			at = fmt.Sprint(page)
		}
		if page == 24 {
			next = ""
		}
		by[at] = `{"Accounts":[` + strings.Join(all, ",") + `]` + next + `}`
	}
	c, calls := listing(t, pages(t, by))
	got, err := c.OrganizationAccounts(t.Context())
	if err != nil || len(got) != 500 || got[499].ID != "000000000499" || calls.Load() != 25 {
		t.Errorf("%d accounts by %d calls, %v", len(got), calls.Load(), err)
	}
}

// What is not the whole list is none.
func TestOrganizationAccountsCut(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]map[string]string{
		"nothing":            {"": `{}`},
		"null":               {"": `{"Accounts":null}`},
		"cut":                {"": `{"Accounts":[{"Id":"345678901234","Na`},
		"cut later":          {"": `{"Accounts":[{"Id":"345678901234","Name":"dev"}],"NextToken":"b"}`, "b": `{"Accounts":[{"Id":`},
		"nothing later":      {"": `{"Accounts":[{"Id":"345678901234","Name":"dev"}],"NextToken":"b"}`, "b": `{}`},
		"a page of a proxy":  {"": `<html>Sign in</html>`},
		"the same page":      {"": `{"Accounts":[],"NextToken":"b"}`, "b": `{"Accounts":[],"NextToken":"b"}`},
		"larger than allows": {"": `{"Accounts":[{"Id":"345678901234","Name":"` + strings.Repeat("x", largestAnswer) + `"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := listing(t, pages(t, by))
			got, err := c.OrganizationAccounts(t.Context())
			if gone := (*UnreachableError)(nil); !errors.As(err, &gone) || got != nil {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// A list without an end is given up.
func TestOrganizationAccountsEnd(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	c, _ := listing(t, func(w http.ResponseWriter, _ *http.Request) {
		jsonReply(w, 200, fmt.Sprintf(`{"Accounts":[],"NextToken":"%d"}`, n.Add(1)))
	})
	if got, err := c.OrganizationAccounts(t.Context()); err == nil || got != nil || n.Load() != mostAccountPages {
		t.Errorf("%d pages, %v, %v", n.Load(), got, err)
	}
}

// A refusal has AWS's words, and one because of too many calls is tried again, but
// not for ever.
func TestOrganizationAccountsRefused(t *testing.T) {
	t.Parallel()
	for code, tries := range map[string]int32{"AccessDeniedException": 1, "AWSOrganizationsNotInUseException": 1, "TooManyRequestsException": 2} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			c, calls := listing(t, func(w http.ResponseWriter, _ *http.Request) {
				jsonReply(w, 400, `{"__type":"`+code+`","Message":"AWS's words"}`)
			})
			c.cfg.Attempts = 2
			_, err := c.OrganizationAccounts(t.Context())
			no := (*Refusal)(nil)
			if !errors.As(err, &no) || no.Error() != "ListAccounts: AWS's words ("+code+")" || no.Status != 400 || calls.Load() != tries {
				t.Errorf("%d calls, %v", calls.Load(), err)
			}
		})
	}
}

// One region per partition has the service, whatever region the profile has.
func TestOrganizationsAddress(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"eu-west-1": "https://organizations.us-east-1.amazonaws.com us-east-1", "us-west-2": "https://organizations.us-east-1.amazonaws.com us-east-1",
		"us-gov-east-1": "https://organizations.us-gov-west-1.amazonaws.com us-gov-west-1", "cn-north-1": "https://organizations.cn-northwest-1.amazonaws.com.cn cn-northwest-1",
	} {
		end, err := organizations.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), organizations.EndpointParameters{Region: &region, UseFIPS: aws.Bool(false), UseDualStack: aws.Bool(false)})
		if err != nil {
			t.Fatal(err)
		}
		signing := ""
		if options, ok := auth.GetAuthOptions(&end.Properties); ok {
			signing, _ = smithyhttp.GetSigV4SigningRegion(&options[0].SignerProperties)
		}
		if got := end.URI.String() + " " + signing; got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}
