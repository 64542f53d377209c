// Command bench runs fob, a Go program that only calls exec, and (where one is
// named) another program with the same command line in random turns, against a
// local AWS of its own, and prints Markdown tables. It judges nothing: a ratio
// is a figure to read, and only figures of one run may be compared.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// options is what was typed.
type options struct {
	root     string // of the repository
	peer     string // executable of another program, or ""
	runs     int
	profiles []int
	sessions []int
	only     *regexp.Regexp // which rows, or nil
	line     string         // how to type the same again
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == requestsMode {
		os.Exit(countRequests(os.Args[2:]))
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	var profiles, sessions, only string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.root, "root", "..", "the repository")
	f.StringVar(&o.peer, "peer", "", "another executable that speaks the same command line")
	f.IntVar(&o.runs, "runs", 100, "runs of each row; slow rows get a part of it")
	f.StringVar(&profiles, "profiles", "10,100,1000,10000", "how many profiles the config has, one row each")
	f.StringVar(&sessions, "sessions", "10,1000,10000", "how many sessions are cached, one row each")
	f.StringVar(&only, "only", "", "regular expression: rows whose \"table: name\" matches")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.line = "make bench"
	f.Visit(func(set *flag.Flag) {
		if set.Name != "root" {
			o.line += " " + strings.ToUpper(set.Name) + "=" + quoted(set.Value.String())
		}
	})
	var err error
	if o.profiles, err = counts(profiles); err != nil {
		return o, fmt.Errorf("-profiles: %w", err)
	}
	if o.sessions, err = counts(sessions); err != nil {
		return o, fmt.Errorf("-sessions: %w", err)
	}
	if only != "" {
		if o.only, err = regexp.Compile("(?i)" + only); err != nil {
			return o, fmt.Errorf("-only: %w", err)
		}
	}
	if o.runs < 3 {
		return o, fmt.Errorf("-runs %d: a median wants at least 3", o.runs)
	}
	if o.root, err = filepath.Abs(o.root); err != nil || o.peer == "" {
		return o, err
	}
	if o.peer, err = exec.LookPath(o.peer); err != nil {
		return o, err
	}
	o.peer, err = filepath.Abs(o.peer)
	return o, err
}

// quoted is a value as a shell takes it.
func quoted(value string) string {
	if strings.ContainsAny(value, " '\"\\$`|&;()<>*?[]") {
		return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	}
	return value
}

// fewest is what the playground's config has, and what one chain caches at most.
const fewest = 6

// counts reads a list such as 10,100, and puts it in order.
func counts(text string) ([]int, error) {
	var all []int
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < fewest {
			return nil, fmt.Errorf("%q is not a number of %d or more", word, fewest)
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// run measures and prints. What cannot run is told after the tables, and is
// then the error.
func run(ctx context.Context, o options) error {
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	for _, part := range b.parts() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !b.wanted(part.title, part.names...) {
			continue
		}
		b.progress("%s", part.title)
		if err := part.run(); err != nil {
			b.failed(part.title, err)
		}
	}
	fmt.Print(b.report(thisMachine(b.start)))
	if len(b.failures) > 0 {
		return fmt.Errorf("could not run:\n  %s", strings.Join(b.failures, "\n  "))
	}
	return nil
}
