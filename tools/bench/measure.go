package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// spawn is one start of a program.
type spawn struct {
	argv, env []string
	on        *worker
}

// row is one program with its arguments, and what was measured of it.
type row struct {
	key    string // by which others find it; may be empty
	name   string
	base   string // the key of the row that it is compared with, besides the floor
	always bool   // the others mean little without it
	// setup makes what the row needs. fresh says that every run uses it up, so
	// that it is called before each.
	setup func() (spawn, error)
	fresh bool

	ready  spawn
	err    error // why there are no figures
	wall   []time.Duration
	faults []int64
	// instructions are below zero where the kernel does not count them, and peak,
	// in kilobytes, where it could not be had.
	instructions []int64
	peak         int64
}

// group is the rows that are run in turn, and their table.
type group struct {
	title  string
	note   string // under the table
	rows   []*row
	rounds int
	beside string // heading of the comparison with base; none where empty
	more   bool   // compare by difference, and not by ratio
}

// peakRuns is how often peak memory is read: it hardly differs.
const peakRuns = 3

// measure runs the rows in random turns: what slows the machine down for a while
// slows all of them, and none always comes after the same other one.
func (g *group) measure(ctx context.Context, peak string) {
	for _, r := range g.rows {
		r.peak = -1
		if !r.fresh {
			r.ready, r.err = r.setup()
		}
	}
	settle()
	for round := range g.rounds + 1 {
		for _, i := range rand.Perm(len(g.rows)) {
			if r := g.rows[i]; r.err == nil && ctx.Err() == nil {
				r.err = r.once(round > 0) // the first is for warmth
			}
		}
	}
	for _, r := range g.rows {
		r.readPeak(ctx, peak)
	}
}

// deadline ends a program that waits for something which never comes.
const deadline = 2 * time.Minute

func (r *row) once(counted bool) error {
	s, err := r.fetch()
	if err != nil {
		return err
	}
	var wall time.Duration
	var stderr bytes.Buffer
	c := exec.Command(s.argv[0], s.argv[1:]...)
	c.Env, c.Stderr = s.env, &stderr
	count := int64(-1)
	err = s.on.do(func() error {
		read := countInstructions()
		start := time.Now()
		err := c.Start()
		if err == nil {
			late := time.AfterFunc(deadline, func() { _ = c.Process.Kill() })
			err = c.Wait()
			late.Stop()
		}
		wall = time.Since(start)
		count = read()
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w: %s", s.shown(), err, strings.TrimSpace(stderr.String()))
	}
	if counted {
		r.wall, r.faults, r.instructions = append(r.wall, wall), append(r.faults, minorFaults(c.ProcessState)), append(r.instructions, count)
	}
	return nil
}

func (r *row) fetch() (spawn, error) {
	if r.fresh {
		return r.setup()
	}
	return r.ready, nil
}

func (s spawn) shown() string {
	return strings.Join(append([]string{filepath.Base(s.argv[0])}, s.argv[1:]...), " ")
}

// readPeak runs the row below the program that reads peak memory.
func (r *row) readPeak(ctx context.Context, peak string) {
	var all []int64
	for range peakRuns {
		if r.err != nil || ctx.Err() != nil {
			return
		}
		s, err := r.fetch()
		if err != nil {
			return
		}
		c := exec.Command(peak, s.argv...)
		c.Env = s.env
		var out []byte
		err = s.on.do(func() error { out, err = c.Output(); return err })
		kilobytes, bad := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
		if err != nil || bad != nil {
			return
		}
		all = append(all, kilobytes)
	}
	r.peak = median(all)
}

// table writes the group's rows.
func (g *group) table() string {
	floor := g.find(floorKey)
	header := []string{"program", "median, ms", "to exec-only"}
	if g.beside != "" {
		header = append(header, g.beside)
	}
	header = append(header, "page faults", "instructions, M", "peak, MB")
	var rows [][]string
	for _, r := range g.rows {
		if r.err != nil {
			continue
		}
		cells := []string{r.name, ms(median(r.wall)), times(ratio(r.wall, floor.wall))}
		if g.beside != "" {
			cells = append(cells, g.compared(r))
		}
		rows = append(rows, append(cells, number(int(median(r.faults))), millions(median(r.instructions)), megabytes(r.peak)))
	}
	return figures(header, rows)
}

// compared is what a row costs beside its base.
func (g *group) compared(r *row) string {
	base := g.find(r.base)
	if r.base == "" || len(base.wall) == 0 {
		return "-"
	}
	if g.more {
		return ms(more(r.wall, base.wall))
	}
	return times(ratio(r.wall, base.wall))
}

// find gives the row with a key, or one without figures.
func (g *group) find(key string) *row {
	for _, r := range g.rows {
		if r.key == key && key != "" && r.err == nil {
			return r
		}
	}
	return &row{}
}

func megabytes(kilobytes int64) string {
	if kilobytes < 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", float64(kilobytes)/1024)
}
