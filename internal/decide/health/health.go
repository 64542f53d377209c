// Package health says what is wrong with a machine's set-up and what mends it,
// from facts that were gathered before. It reads no file, calls nobody and knows
// no secret.
package health

import (
	"slices"
	"strconv"
	"strings"
)

// The levels of a finding.
const (
	// Fine is what was looked at and is as it should be.
	Fine = "ok"
	// Skipped is what was not looked at; Why says why.
	Skipped = "skipped"
	// Warning is what works, and not as a person would want it.
	Warning = "warning"
	// Wrong is what does not work.
	Wrong = "wrong"
)

// Finding is one thing that was looked at. Next are the commands that mend it, the
// likeliest first.
type Finding struct {
	Level string   `json:"level" doc:"ok, skipped (it was not looked at), warning or wrong"`
	What  string   `json:"what" doc:"what was found"`
	Why   string   `json:"why,omitempty" doc:"the reason, or what it means"`
	Next  []string `json:"next,omitempty" doc:"what mends it"`
}

// ByWeight puts what is wrong first, and leaves the order of the rest.
func ByWeight(all []Finding) {
	order := []string{Wrong, Warning, Skipped, Fine}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return slices.Index(order, a.Level) - slices.Index(order, b.Level)
	})
}

// WithoutTwice leaves out what an earlier finding tells too: the same words, or a
// mode that is mended by the same command.
func WithoutTwice(all []Finding) []Finding {
	var once []Finding
	said := map[string]bool{}
	for _, f := range all {
		chmod := ""
		if len(f.Next) > 0 {
			if i := strings.Index(f.Next[0], "chmod "); i >= 0 {
				chmod = f.Next[0][i:]
			}
		}
		if said[f.What+"\x00"+f.Why] || chmod != "" && said[chmod] {
			continue
		}
		said[f.What+"\x00"+f.Why], said[chmod] = true, true
		once = append(once, f)
	}
	return once
}

// mostNames is how many names one finding lists.
const mostNames = 6

// listed joins names, the first few of many.
func listed(names []string) string {
	if len(names) <= mostNames {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:mostNames], ", ") + " and " + strconv.Itoa(len(names)-mostNames) + " more"
}

// count is "1 key", "2 keys".
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}

// groups gathers names under a text, in the order in which the texts came.
type groups struct {
	texts []string
	names map[string][]string
}

func (g *groups) add(text, name string) {
	if g.names == nil {
		g.names = map[string][]string{}
	}
	if _, known := g.names[text]; !known {
		g.texts = append(g.texts, text)
	}
	g.names[text] = append(g.names[text], name)
}
