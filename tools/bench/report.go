package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// machine is where and when the figures were taken.
type machine struct {
	day, kernel, processor, load string
	processors                   int
	start                        time.Time
}

func thisMachine(start time.Time) machine {
	return machine{day: start.Format(time.DateOnly), kernel: kernelName(), processor: processorName(), load: loadAverage(), processors: runtime.NumCPU(), start: start}
}

// report is everything, ready to be pasted into a document.
func (b *bench) report(m machine) string {
	var out strings.Builder
	fmt.Fprintf(&out, "`%s`, %s, Go %s, %s/%s, %s, %d processors%s, load average %s at the end, %s in all.\n",
		b.o.line, m.day, strings.TrimPrefix(runtime.Version(), "go"), runtime.GOOS, runtime.GOARCH, m.kernel, m.processors,
		parenthesis(m.processor), m.load, time.Since(m.start).Round(time.Second))
	out.WriteString("Rows of one table ran in random turns; a ratio is the median of the ratios within a round. Figures of `exec` include the child, `true`. Peak memory below 2 MB cannot be seen.\n")
	if !b.countsInstructions() {
		out.WriteString("This kernel counts no instructions.\n")
	}
	out.WriteString("\n" + b.targetTable())
	for _, g := range b.groups {
		fmt.Fprintf(&out, "\n### %s\n\n%s", g.title, g.table())
		if g.note != "" {
			out.WriteString("\n" + g.note + "\n")
		}
	}
	for _, t := range []struct {
		title string
		any   bool
		table func() string
	}{
		{initTitle, len(b.inits) > 0, b.initTable},
		{parallelTitle, len(b.parallel) > 0, b.parallelTable},
		{requestsTitle, len(b.requests) > 0, b.requestsTable},
	} {
		if t.any {
			fmt.Fprintf(&out, "\n### %s\n\n%s", t.title, t.table())
		}
	}
	if len(b.missing) > 0 {
		out.WriteString("\nNot measured:\n\n- " + strings.Join(b.missing, "\n- ") + "\n")
	}
	return out.String()
}

func parenthesis(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

func (b *bench) countsInstructions() bool {
	for _, g := range b.groups {
		if slices.ContainsFunc(g.rows, func(r *row) bool { return median(r.instructions) > 0 }) {
			return true
		}
	}
	return false
}

// notMeasured stands where there is no figure.
const notMeasured = "not measured"

// targetTable sets each figure beside the one that it must reach. It does not
// say whether it does.
func (b *bench) targetTable() string {
	profiles, sessions := b.o.profiles, b.o.sessions
	most := func(all []int) string { return number(all[len(all)-1]) }
	header := []string{"what", "must reach", "is"}
	var rows [][]string
	add := func(what, must string, is func(p *program) string) {
		cells := []string{what, must}
		for _, p := range b.programs() {
			cells = append(cells, is(p))
		}
		rows = append(rows, cells)
	}
	if b.peer != nil {
		header = append(header, b.peer.name)
	}
	add("cached `exec P -- true`", "at most 1.5x of exec-only, and 40 % of aws-vault's", func(p *program) string { return b.startOf(p, execKey, peerExec) })
	add("`credential-process P`, cached", "the same", func(p *program) string { return b.startOf(p, printKey, peerPrint) })
	add("page faults of cached `exec`", "under 400", func(p *program) string {
		return b.either(p, func(r *row) string { return number(int(median(r.faults))) })
	})
	add("package init", "at most 1 ms more than exec-only", b.initTarget)
	add(most(profiles)+" profiles, cached `exec`", "at most 1.5x its own time with 10", func(p *program) string {
		return b.scaled(p.name+" profiles ", profiles)
	})
	add(most(sessions)+" cached sessions, `exec`", "no difference to 10", func(p *program) string {
		return b.onlyFob(p, func() string { return b.scaled("exec sessions ", sessions) })
	})
	add(most(sessions)+" cached sessions, `list`", "under 5x its own time with 10", func(p *program) string {
		return b.onlyFob(p, func() string { return b.scaled("list sessions ", sessions) })
	})
	add("50 cold parallel `exec` with MFA", "1 prompt, 1 GetSessionToken, 1 AssumeRole per role, 0 failures", b.togetherTarget)
	add("credential endpoint, requests a second", "at least 3x aws-vault's", func(p *program) string {
		if a, ok := b.requests[p.name]; ok {
			return number(int(a.Rate))
		}
		return notMeasured
	})
	return sentences(header, rows)
}

// startOf is what a cached run costs beside the floor and, for fob, the peer.
func (b *bench) startOf(p *program, fob, peer string) string {
	mine, theirs := b.find(fob), b.find(peer)
	floor := b.find(floorKey)
	if p == b.peer {
		return orNot(times(ratio(theirs.wall, floor.wall)))
	}
	text := orNot(times(ratio(mine.wall, floor.wall)))
	if r := ratio(mine.wall, theirs.wall); r > 0 {
		text += fmt.Sprintf(", %.0f %% of %s", 100*r, b.peer.name)
	}
	return text
}

// either gives a figure of cached exec.
func (b *bench) either(p *program, figure func(*row) string) string {
	key := execKey
	if p == b.peer {
		key = peerExec
	}
	if r := b.find(key); len(r.wall) > 0 {
		return figure(r)
	}
	return notMeasured
}

func (b *bench) onlyFob(p *program, figure func() string) string {
	if p == b.peer {
		return "-"
	}
	return figure()
}

// scaled compares the largest of a series with the smallest.
func (b *bench) scaled(prefix string, counts []int) string {
	small, large := number(counts[0]), number(counts[len(counts)-1])
	r := ratio(b.find(prefix+large).wall, b.find(prefix+small).wall)
	if r == 0 || small == large {
		return notMeasured
	}
	return times(r) + " with " + large + " to " + small
}

func (b *bench) initTarget(p *program) string {
	key := execKey
	if p == b.peer {
		key = peerExec
	}
	got, ok := b.initOf(key)
	floor, also := b.initOf(floorKey)
	if !ok || !also {
		return notMeasured
	}
	return fmt.Sprintf("%.2f ms more", got.ms-floor.ms)
}

func (b *bench) togetherTarget(p *program) string {
	for _, t := range b.parallel {
		if t.program == p.name {
			return t.String()
		}
	}
	return notMeasured
}

func orNot(text string) string {
	if text == "-" {
		return notMeasured
	}
	return text
}

// find gives the row with a key, of the first table that has it.
func (b *bench) find(key string) *row {
	for _, g := range b.groups {
		if r := g.find(key); len(r.wall) > 0 {
			return r
		}
	}
	return &row{}
}
