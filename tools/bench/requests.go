package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const requestsTitle = "Credential endpoint"

// requestsMode is the argument by which this program is the child that asks.
const requestsMode = "-count-requests"

// requestsFor is how long it asks.
const requestsFor = 2 * time.Second

// measureRequests runs this program below each one's endpoint.
func (b *bench) measureRequests() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, p := range b.programs() {
		out, err := p.warm.does(p.warm.env, p.path, "exec", "--ecs-server", "dev", "--", self, requestsMode)
		if err != nil {
			// A program without an endpoint is not one that has failed.
			b.failed(requestsTitle, &absentError{fmt.Sprintf("`%s exec --ecs-server` does not run here", p.name)})
			continue
		}
		if b.requests[p.name], err = strconv.ParseFloat(strings.TrimSpace(out), 64); err != nil {
			return err
		}
	}
	return nil
}

// countRequests asks the endpoint of its environment for credentials, over one
// connection, and prints how often a second it was answered.
func countRequests() (status int) {
	secret := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if file := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return complain(err)
		}
		secret = strings.TrimSpace(string(text))
	}
	rate, err := requestRate(os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"), secret, requestsFor)
	if err != nil {
		return complain(err)
	}
	fmt.Printf("%.0f\n", rate)
	return 0
}

// requestRate is how often a second an endpoint gives credentials.
func requestRate(url, secret string, during time.Duration) (float64, error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", secret)
	n, start := 0, time.Now()
	for time.Since(start) < during {
		resp, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return 0, err
		}
		if resp.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("the endpoint answers %s", resp.Status)
		}
		n++
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "bench:", err)
	return 1
}

func (b *bench) requestsTable() string {
	var rows [][]string
	for _, p := range b.programs() {
		if n, ok := b.requests[p.name]; ok {
			rows = append(rows, []string{"`" + p.name + " exec --ecs-server`", number(int(n))})
		}
	}
	return figures([]string{"program", "requests a second"}, rows) + "\nOne client, one connection.\n"
}
