package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const requestsTitle = "Credential endpoint"

// requestsMode is the argument by which this program is the child that asks; how
// often, and when its parent was started, follow.
const requestsMode = "-count-requests"

// requestsEach is how many requests a run of the bench stands for: a hundred of
// them are a million.
const requestsEach = 10_000

// asking is what the child of an endpoint has seen.
type asking struct {
	Count         int
	Rate          float64 // a second
	First         float64 // ms from the start of exec to the first credentials
	Median, Slow  float64 // us; Slow is the 99th percentile
	Before, After int64   // kB in memory of the process that serves, where it can be read
	Wrk, WrkP50   string  // as wrk says
}

// measureRequests runs this program below each one's endpoint.
func (b *bench) measureRequests() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, p := range b.programs() {
		count := strconv.Itoa(b.o.runs * requestsEach)
		begun := strconv.FormatInt(time.Now().UnixNano(), 10)
		out, err := p.warm.does(p.warm.env, p.path, "exec", "--ecs-server", "dev", "--", self, requestsMode, count, begun)
		if err != nil {
			// A program without an endpoint is not one that has failed.
			b.failed(requestsTitle, &absentError{fmt.Sprintf("`%s exec --ecs-server` does not run here", p.name)})
			continue
		}
		var a asking
		if err := json.Unmarshal([]byte(out), &a); err != nil {
			return err
		}
		b.measureWrk(p, &a)
		b.requests[p.name] = a
	}
	return nil
}

// measureWrk asks with a client that others use, too.
func (b *bench) measureWrk(p *program, a *asking) {
	a.Wrk, a.WrkP50 = notMeasured, notMeasured
	if _, err := exec.LookPath("wrk"); err != nil {
		b.failed(requestsTitle, &absentError{"`wrk` is not installed"})
		return
	}
	const line = `exec wrk -t1 -c1 -d3s --latency -H "Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN" "$AWS_CONTAINER_CREDENTIALS_FULL_URI"`
	out, err := p.warm.does(p.warm.env, p.path, "exec", "--ecs-server", "dev", "--", "sh", "-c", line)
	if err != nil {
		b.failed(requestsTitle, err)
		return
	}
	if m := regexp.MustCompile(`Requests/sec:\s+([0-9]+)`).FindStringSubmatch(out); m != nil && !strings.Contains(out, "Non-2xx") {
		a.Wrk = m[1]
	}
	if m := regexp.MustCompile(`50%\s+(\S+)`).FindStringSubmatch(out); m != nil {
		a.WrkP50 = m[1]
	}
}

// countRequests asks the endpoint of its environment for credentials, over one
// connection, and prints what it has seen.
func countRequests(args []string) (status int) {
	secret := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if file := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return complain(err)
		}
		secret = strings.TrimSpace(string(text))
	}
	url := os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if len(args) != 2 {
		return complain(fmt.Errorf("%s takes a number and a time", requestsMode))
	}
	count, err := strconv.Atoi(args[0])
	begun, err2 := strconv.ParseInt(args[1], 10, 64)
	if err != nil || err2 != nil {
		return complain(fmt.Errorf("%q is no number and time", args))
	}
	if _, err := ask(url, secret, 1); err != nil {
		return complain(err)
	}
	first := float64(time.Now().UnixNano()-begun) / 1e6
	const warm = 1000 // the heap of the server has its size by then
	if _, err := ask(url, secret, warm); err != nil {
		return complain(err)
	}
	before := resident(os.Getppid())
	a, err := ask(url, secret, count)
	if err != nil {
		return complain(err)
	}
	a.First, a.Before, a.After = first, before, resident(os.Getppid())
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		return complain(err)
	}
	return 0
}

// ask gets credentials so many times, one after the other.
func ask(url, secret string, count int) (asking, error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return asking{}, err
	}
	request.Header.Set("Authorization", secret)
	took := make([]time.Duration, 0, count)
	start := time.Now()
	for range count {
		begun := time.Now()
		resp, err := http.DefaultClient.Do(request)
		if err != nil {
			return asking{}, err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return asking{}, err
		}
		if resp.StatusCode != http.StatusOK {
			return asking{}, fmt.Errorf("the endpoint answers %s", resp.Status)
		}
		took = append(took, time.Since(begun))
	}
	rate := float64(count) / time.Since(start).Seconds()
	slices.Sort(took)
	us := func(d time.Duration) float64 { return float64(d) / 1e3 }
	return asking{Count: count, Rate: rate, Median: us(took[count/2]), Slow: us(took[count*99/100])}, nil
}

// resident is what a process has in memory, in kB; 0 where that is not told.
func resident(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := bytes.Cut(text, []byte("VmRSS:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return n
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "bench:", err)
	return 1
}

func (b *bench) requestsTable() string {
	var rows [][]string
	for _, p := range b.programs() {
		a, ok := b.requests[p.name]
		if !ok {
			continue
		}
		rows = append(rows, []string{
			"`" + p.name + " exec --ecs-server`", number(int(a.Rate)), fmt.Sprintf("%.0f", a.Median), fmt.Sprintf("%.0f", a.Slow), fmt.Sprintf("%.1f", a.First),
			number(int(a.Before)) + " > " + number(int(a.After)), number(a.Count), a.Wrk, a.WrkP50,
		})
	}
	return figures([]string{"program", "requests a second", "median, us", "99 %, us", "first credentials after the start of exec, ms", "memory before > after, kB", "requests", "wrk: requests a second", "wrk: median"}, rows) +
		"\nOne client, one connection that is kept: first ours (Go), then wrk.\n"
}
