//go:build !race

package serve

import (
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"
)

// longestBegin is how many letters of a wrong token are right at most.
const longestBegin = 31

// timed gives the time that a look at each of so many wrong tokens took, of which
// between none and 31 letters are right.
func timed(count int, look func(given string)) (took [longestBegin + 1][]float64) {
	given := make([]string, longestBegin+1)
	for right := range given {
		text := []byte(testToken)
		for i := right; i < len(text); i++ {
			text[i] ^= 1
		}
		given[right] = string(text)
	}
	for range count {
		right := rand.IntN(len(given))
		begun := time.Now()
		look(given[right])
		took[right] = append(took[right], float64(time.Since(begun)))
	}
	return took
}

// welch compares tokens of which few letters are right with those of which many
// are: Welch's t of their times, without the slowest tenth, which is the machine's.
func welch(took [longestBegin + 1][]float64) float64 {
	var halves [2][]float64
	for right, times := range took {
		halves[right*2/len(took)] = append(halves[right*2/len(took)], times...)
	}
	all := slices.Sorted(slices.Values(slices.Concat(halves[0], halves[1])))
	limit := all[len(all)*9/10]
	var mean, square [2]float64
	for i, times := range halves {
		times = slices.DeleteFunc(times, func(one float64) bool { return one > limit })
		n, sum := float64(len(times)), 0.0
		for _, one := range times {
			sum += one
		}
		mean[i] = sum / n
		for _, one := range times {
			square[i] += (one - mean[i]) * (one - mean[i]) / (n - 1) / n
		}
	}
	return (mean[1] - mean[0]) / math.Sqrt(square[0]+square[1])
}

// Of 100,000 wrong tokens those that begin rightly take no longer. A comparison
// that ends with the first wrong letter is found by the same figures. A busy machine
// may make one of five figures large, but not all of them; the race detector's own
// reads have a slope.
func TestTiming(t *testing.T) {
	const count, most, tries = 100_000, 4.5, 5
	r, a := guarded(), good()
	values := []string{""}
	a.header = http.Header{"Authorization": values}
	look := func(given string) {
		values[0] = given
		if _, why := r.decide(a); why != wrongToken {
			t.Error(why)
		}
	}
	leaks := func(given string) {
		look("") // the same work besides
		for i := range given {
			if given[i] != testToken[i] {
				return
			}
		}
	}
	for name, tt := range map[string]struct {
		look func(given string)
		want bool // the look takes the same time for all
	}{"the guard": {look, true}, "a comparison that leaks": {leaks, false}} {
		var all []float64
		right := false
		for len(all) < tries && !right {
			one := welch(timed(count, tt.look))
			all, right = append(all, one), (math.Abs(one) < most) == tt.want
		}
		if t.Logf("%s: t = %.1f", name, all); !right {
			t.Errorf("%s: t = %.1f, at most %.1f is the same time", name, all, most)
		}
	}
}
