package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// median is the middle one, or the mean of the two in the middle.
func median[T ~int64 | ~float64](all []T) T {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	mid := len(all) / 2
	if len(all)%2 == 1 {
		return all[mid]
	}
	return (all[mid-1] + all[mid]) / 2
}

// ratio is the median of a's ratios to b, round by round: what slows the machine
// down for a while slows both of a round, and is not in their ratio. It is 0
// where there is nothing to compare with.
func ratio(a, b []time.Duration) float64 {
	var all []float64
	for i := range min(len(a), len(b)) {
		if b[i] > 0 {
			all = append(all, float64(a[i])/float64(b[i]))
		}
	}
	return median(all)
}

// more is the median of what a takes more than b, round by round.
func more(a, b []time.Duration) time.Duration {
	var all []time.Duration
	for i := range min(len(a), len(b)) {
		all = append(all, a[i]-b[i])
	}
	return median(all)
}

// inits is what the Go runtime says of the start of all packages together.
type inits struct {
	packages, bytes, allocs int64
	ms                      float64
}

// initLine is a line of GODEBUG=inittrace=1.
var initLine = regexp.MustCompile(`(?m)^init \S+ @\S+ ms, (\S+) ms clock, (\d+) bytes, (\d+) allocs$`)

// parseInits adds up every such line; ok is false when there is none.
func parseInits(text string) (sum inits, ok bool) {
	for _, m := range initLine.FindAllStringSubmatch(text, -1) {
		ms, _ := strconv.ParseFloat(m[1], 64)
		bytes, _ := strconv.ParseInt(m[2], 10, 64)
		allocs, _ := strconv.ParseInt(m[3], 10, 64)
		sum.packages++
		sum.ms += ms
		sum.bytes += bytes
		sum.allocs += allocs
	}
	return sum, sum.packages > 0
}

// figures writes a Markdown table: names to the left, figures to the right.
func figures(header []string, rows [][]string) string {
	return table(header, "|---"+strings.Repeat("|---:", len(header)-1)+"|\n", rows)
}

// sentences writes a Markdown table of text.
func sentences(header []string, rows [][]string) string {
	return table(header, strings.Repeat("|---", len(header))+"|\n", rows)
}

func table(header []string, rule string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) {
		for _, c := range cells {
			b.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	}
	line(header)
	b.WriteString(rule)
	for _, r := range rows {
		line(r)
	}
	return b.String()
}

func ms(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64)
}

func times(r float64) string {
	if r == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2fx", r)
}

// millions writes a count of instructions; none were counted where it is below
// zero.
func millions(n int64) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(n)/1e6)
}

// number puts a comma before every third digit from the end.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
