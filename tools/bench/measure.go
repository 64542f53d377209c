package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// row is one program with its arguments, and what was measured of it.
type row struct {
	name  string
	argv  []string
	execs bool // ends by becoming another program
	floor bool // what the others are compared with

	wall         []time.Duration
	faults       []int64
	init         string
	instructions string
}

// measure runs every row in turn, so that whatever slows the machine down slows
// them all.
func measure(rows []*row, runs int, env []string) error {
	const warmup = 5
	for i := range runs + warmup {
		for j := range rows {
			r := rows[(i+j)%len(rows)] // nobody always comes after the same one
			wall, faults, err := once(r, env)
			if err != nil {
				return fmt.Errorf("%s: %w", strings.Join(r.argv, " "), err)
			}
			if i >= warmup {
				r.wall, r.faults = append(r.wall, wall), append(r.faults, faults)
			}
		}
	}
	for _, r := range rows {
		r.init, r.instructions = packageInit(r, env), instructions(r, env)
	}
	return nil
}

func once(r *row, env []string) (time.Duration, int64, error) {
	c := exec.Command(r.argv[0], r.argv[1:]...)
	c.Env = env
	start := time.Now()
	err := c.Run()
	wall := time.Since(start)
	if err != nil {
		return 0, 0, err
	}
	return wall, minorFaults(c.ProcessState), nil
}

func (r *row) median() time.Duration { return middle(r.wall) }

// quick is the fastest tenth: what is left when the machine did nothing else.
func (r *row) quick() time.Duration { return slices.Sorted(slices.Values(r.wall))[len(r.wall)/10] }

func (r *row) medianFaults() string {
	if n := middle(r.faults); n > 0 {
		return strconv.FormatInt(n, 10)
	}
	return "-"
}

func middle[T int64 | time.Duration](all []T) T {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// clock is a line of GODEBUG=inittrace=1.
var clock = regexp.MustCompile(`(?m)^init \S+ @\S+ ms, (\S+) ms clock`)

// refs is the line in which cachegrind counts instructions.
var refs = regexp.MustCompile(`I +refs: +([\d,]+)`)

// packageInit adds up what the Go runtime says of each package's start.
func packageInit(r *row, env []string) string {
	c := exec.Command(r.argv[0], r.argv[1:]...)
	c.Env = append(slices.Clone(env), "GODEBUG=inittrace=1")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	_ = c.Run() // its status was looked at before
	sum, found := 0.0, clock.FindAllSubmatch(stderr.Bytes(), -1)
	for _, m := range found {
		ms, _ := strconv.ParseFloat(string(m[1]), 64)
		sum += ms
	}
	if len(found) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", sum)
}

// instructions asks perf, or valgrind where the machine has no counters. The
// latter loses count when a program becomes another one.
func instructions(r *row, env []string) string {
	if out, err := watched(env, "perf", append([]string{"stat", "-x,", "-e", "instructions:u", "--"}, r.argv...)); err == nil {
		if n, err := strconv.ParseInt(strings.SplitN(out, ",", 2)[0], 10, 64); err == nil {
			return million(n)
		}
	}
	if r.execs || filepath.Base(r.argv[0]) == "env" {
		return "-"
	}
	// Its error says little: it lacks an instruction that the Go runtime may use
	// at the very end, and has counted by then.
	out, _ := watched(env, "valgrind", append([]string{"--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=" + os.DevNull}, r.argv...))
	m := refs.FindStringSubmatch(out)
	if m == nil {
		return "-"
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(m[1], ",", ""), 10, 64)
	if err != nil {
		return "-"
	}
	return million(n) + " (valgrind)"
}

func million(n int64) string { return fmt.Sprintf("%.2f M", float64(n)/1e6) }

// watched runs a program below another one and gives what that one says on
// standard error.
func watched(env []string, tool string, args []string) (string, error) {
	path, err := exec.LookPath(tool)
	if err != nil {
		return "", err
	}
	c := exec.Command(path, args...)
	c.Env = env
	var stderr bytes.Buffer
	c.Stderr = &stderr
	err = c.Run()
	return stderr.String(), err
}
