//go:build unix

package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// sdkMain is `sdk [-ready FILE [-of PROFILE] [-imds] [-health]] [-until TEXT] [-other FILE]`: a
// client that gets credentials as SDKs do, by the endpoint of its environment or
// by the one that a JSON line of `fob serve` names. It prints the status and whose
// key it got, or the code of the error. With -until it asks until that line
// contains TEXT, with -other until it is not what FILE has.
func sdkMain(args []string) int {
	flags := map[string]string{}
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "-imds", "-health":
			flags[args[i]] = "yes"
		default:
			flags[args[i]] = args[i+1]
			i++
		}
	}
	c := sdkClient{url: os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"), imds: os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"), given: os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")}
	if file := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil || string(text) != c.given {
			return complain(1, fmt.Errorf("the token's file is not the token: %v", err))
		}
	}
	if file := flags["-ready"]; file != "" {
		if err := c.fromReady(file, flags); err != nil {
			return complain(1, err)
		}
	}
	for tries := 0; ; tries++ {
		line, err := c.ask()
		if err != nil && flags["-until"] != "gone" {
			return complain(1, err)
		}
		if err != nil {
			line = "gone"
		}
		before, _ := os.ReadFile(flags["-other"])
		if strings.Contains(line, flags["-until"]) && line != strings.TrimSpace(string(before)) {
			fmt.Println(line)
			return 0
		}
		if tries == 600 {
			return complain(1, fmt.Errorf("still %s", line))
		}
		time.Sleep(100 * time.Millisecond) // an SDK asks again, and so does this
	}
}

type sdkClient struct{ url, imds, given string }

func (c *sdkClient) fromReady(file string, flags map[string]string) error {
	out := servingJSON{}
	for range 600 {
		text, _ := os.ReadFile(file)
		if json.Unmarshal(text, &out) == nil && out.Ready {
			break
		}
		time.Sleep(100 * time.Millisecond) // nothing tells that a file was written
	}
	kind := "container"
	if flags["-imds"] != "" {
		kind = "imds"
	}
	i := slices.IndexFunc(out.Endpoints, func(e endpointJSON) bool {
		return e.Kind == kind && e.Profile == cmp.Or(flags["-of"], e.Profile)
	})
	if i < 0 {
		return fmt.Errorf("%s names no such endpoint", file)
	}
	e := out.Endpoints[i]
	*c = sdkClient{url: e.URL}
	if kind == "imds" {
		*c = sdkClient{imds: e.URL}
		return nil
	}
	if flags["-health"] != "" {
		c.url = e.HealthURL
	}
	text, err := os.ReadFile(e.Tokens[0].File)
	c.given = string(text)
	if flags["-until"] == "gone" {
		return nil // and so may the file be
	}
	return err
}

func (c *sdkClient) ask() (string, error) {
	if c.url != "" {
		status, body, err := c.do(http.MethodGet, c.url, "Authorization", c.given)
		return told(status, body), err
	}
	status, issued, err := c.do(http.MethodPut, c.imds+"latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60")
	if err != nil || status != http.StatusOK {
		return told(status, issued), err
	}
	const roles, name = "latest/meta-data/iam/security-credentials/", "X-aws-ec2-metadata-token"
	_, role, err := c.do(http.MethodGet, c.imds+roles, name, issued)
	if err != nil {
		return "", err
	}
	status, body, err := c.do(http.MethodGet, c.imds+roles+role, name, issued)
	return told(status, body) + " by " + role, err
}

func (c *sdkClient) do(method, url, name, value string) (int, string, error) {
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		return 0, "", err
	}
	r.Header.Set(name, value)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Second} // as botocore waits
	resp, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// told is an answer without its secrets.
func told(status int, body string) string {
	var a struct{ AccessKeyID, Expiration, Code, Status, AccountID string }
	_ = json.Unmarshal([]byte(body), &a)
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, strings.Join(strings.Fields(a.Code+" "+a.Status+" "+a.AccessKeyID+" "+a.AccountID), " ")))
}
