package main

import (
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		all  []int64
		want int64
	}{
		{nil, 0},
		{[]int64{7}, 7},
		{[]int64{9, 1, 5}, 5},
		{[]int64{4, 1, 2, 100}, 3},
		{[]int64{-1, -1, -1}, -1},
	} {
		if got := median(c.all); got != c.want {
			t.Errorf("median(%v) = %d, want %d", c.all, got, c.want)
		}
	}
	if got := median([]float64{3, 1, 2, 4}); got != 2.5 {
		t.Errorf("got %v, want 2.5", got)
	}
}

// A machine that is slow for a while makes both of a round slow: the ratio of
// the medians would be 10, and each round says 2.
func TestRatioIsOfEachRound(t *testing.T) {
	t.Parallel()
	a, b := []time.Duration{20, 20, 2000}, []time.Duration{10, 10, 1000}
	if got := ratio(a, b); got != 2 {
		t.Errorf("ratio %v, want 2", got)
	}
	if got := ratio([]time.Duration{2, 200, 200}, []time.Duration{1, 100, 2}); got != 2 {
		t.Errorf("ratio %v, want 2", got)
	}
	for _, empty := range [][]time.Duration{nil, {0, 0, 0}} {
		if got := ratio(a, empty); got != 0 {
			t.Errorf("ratio to %v is %v, want 0", empty, got)
		}
	}
	if got := more(a, b); got != 10 {
		t.Errorf("more %v, want 10", got)
	}
}

func TestParseInits(t *testing.T) {
	t.Parallel()
	const text = `init internal/bytealg @0.005 ms, 0 ms clock, 0 bytes, 0 allocs
init runtime @0.076 ms, 0.12 ms clock, 0 bytes, 0 allocs
fob: replacing the credentials of profile dev, 0.5 ms clock
init os @0.30 ms, 0.013 ms clock, 1824 bytes, 24 allocs
`
	got, ok := parseInits(text)
	if want := (inits{packages: 3, ms: 0.133, bytes: 1824, allocs: 24}); !ok || got != want {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
	if got, ok := parseInits("init\n"); ok {
		t.Errorf("found %+v where nothing is", got)
	}
	all := []inits{{packages: 3, ms: 1, bytes: 30, allocs: 1}, {packages: 3, ms: 9, bytes: 10, allocs: 3}, {packages: 3, ms: 2, bytes: 20, allocs: 2}}
	if got, want := middle(all), (inits{packages: 3, ms: 2, bytes: 20, allocs: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	header, rows := []string{"program", "ms"}, [][]string{{"`a | b`", "1.00"}, {"c", "-"}}
	if got, want := figures(header, rows), "| program | ms |\n|---|---:|\n| `a \\| b` | 1.00 |\n| c | - |\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := sentences(header, nil), "| program | ms |\n|---|---|\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		ms(1234567):         "1.23",
		times(0):            "-",
		times(1.275):        "1.27x",
		millions(-1):        "-",
		millions(1_234_567): "1.23",
		number(7):           "7",
		number(1000):        "1,000",
		number(1234567):     "1,234,567",
		megabytes(-1):       "-",
		megabytes(2048):     "2.0",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
