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
	request, err := http.NewRequest(http.MethodGet, os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"), nil)
	if err != nil {
		return complain(err)
	}
	request.Header.Set("Authorization", secret)
	n, start := 0, time.Now()
	for time.Since(start) < requestsFor {
		resp, err := http.DefaultClient.Do(request)
		if err != nil {
			return complain(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			return complain(fmt.Errorf("the endpoint answers %s", resp.Status))
		}
		n++
	}
	fmt.Printf("%.0f\n", float64(n)/time.Since(start).Seconds())
	return 0
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
