package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
)

const initTitle = "Package init"

// initRow is what a program's packages cost before main.
type initRow struct {
	key, name string
	sum       inits
}

// measureInits asks the Go runtime, in turn for each program.
func (b *bench) measureInits() error {
	rows := []initRow{{key: floorKey, name: "exec-only Go program"}, {key: execKey, name: "`fob exec dev -- true`"}, {name: "`fob --help`: fob, then fob-core"}}
	starts := [][]string{{b.floor}, {b.fob.cached, "exec", "dev", "--", "true"}, {b.fob.path, "--help"}}
	homes := []home{b.fob.warm, b.fob.warm, b.fob.warm}
	if b.peer != nil {
		rows = append(rows, initRow{key: peerExec, name: "`" + b.peer.name + " exec dev -- true`"})
		starts, homes = append(starts, []string{b.peer.path, "exec", "dev", "--", "true"}), append(homes, b.peer.warm)
	}
	seen := make([][]inits, len(rows))
	for range max(3, b.o.runs/3) {
		for i := range rows {
			text, err := traced(homes[i], starts[i])
			if err != nil {
				return err
			}
			if sum, ok := parseInits(text); ok {
				seen[i] = append(seen[i], sum)
			}
		}
	}
	for i := range rows {
		if len(seen[i]) > 0 {
			rows[i].sum = middle(seen[i])
			b.inits = append(b.inits, rows[i])
		}
	}
	return nil
}

func traced(h home, argv []string) (string, error) {
	var stderr bytes.Buffer
	c := exec.Command(argv[0], argv[1:]...)
	c.Env, c.Stderr = with(h.env, "GODEBUG=inittrace=1"), &stderr
	if err := h.on.do(c.Run); err != nil {
		return "", fmt.Errorf("%s: %w", spawn{argv: argv}.shown(), err)
	}
	return stderr.String(), nil
}

// middle takes the median of each figure apart.
func middle(all []inits) inits {
	var packages, bytes, allocs []int64
	var clock []float64
	for _, s := range all {
		packages, bytes, allocs = append(packages, s.packages), append(bytes, s.bytes), append(allocs, s.allocs)
		clock = append(clock, s.ms)
	}
	return inits{packages: median(packages), bytes: median(bytes), allocs: median(allocs), ms: median(clock)}
}

func (b *bench) initTable() string {
	var rows [][]string
	for _, r := range b.inits {
		rows = append(rows, []string{r.name, number(int(r.sum.packages)), fmt.Sprintf("%.2f", r.sum.ms), number(int(r.sum.bytes)), number(int(r.sum.allocs))})
	}
	return strings.TrimSpace(figures([]string{"program", "packages with init", "ms", "bytes", "allocations"}, rows)) + "\n\n`GODEBUG=inittrace=1`, clock time, which a busy machine stretches.\n"
}

// initOf gives the figures of one row.
func (b *bench) initOf(key string) (inits, bool) {
	for _, r := range b.inits {
		if r.key == key {
			return r.sum, true
		}
	}
	return inits{}, false
}
