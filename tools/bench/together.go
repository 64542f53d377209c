package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"fob/internal/playground"

	"github.com/creack/pty"
)

const parallelTitle = "Fifty at once"

// together is what happened when many cold runs started at once at one terminal.
type together struct {
	program                                     string
	runs, prompts, tokens, roles, calls, failed int
	wall                                        time.Duration
}

// profiles are the roles that the runs share.
func profiles() []string { return []string{"dev", "stage", "prod", "shared", "logs"} }

// eachRole is how often each role is asked for.
const eachRole = 10

// startAll starts them; $0 is the program.
const startAll = `for profile in %s; do for i in $(seq %d); do { "$0" exec $profile -- true </dev/tty && echo served; } & done; done; wait`

func (b *bench) measureParallel() error {
	for _, p := range b.programs() {
		h, err := b.lockedHome(p)
		if err != nil {
			return err
		}
		got, err := p.together(h)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		b.parallel = append(b.parallel, got)
	}
	return nil
}

// together runs a shell with a terminal, at which a person answers each question
// for a code with the next one of the device.
func (p *program) together(h home) (got together, err error) {
	master, slave, err := pty.Open()
	if err != nil {
		return got, err
	}
	defer master.Close()
	p.play.ClearAudit()
	got = together{program: p.name, runs: eachRole * len(profiles())}
	var out strings.Builder
	c := exec.Command("sh", "-c", fmt.Sprintf(startAll, strings.Join(profiles(), " "), eachRole), p.path)
	c.Env, c.Stdin, c.Stdout, c.Stderr = h.env, slave, &out, slave
	kill := ownTerminal(c)
	if p.name == "fob" { // which asks at the terminal itself; what it says besides is no question
		if c.Stderr, err = os.Create(h.path("stderr")); err != nil {
			return got, err
		}
	}
	start := time.Now()
	err = h.on.do(c.Start)
	_ = slave.Close()
	if err != nil {
		return got, err
	}
	late := time.AfterFunc(deadline, kill)
	defer late.Stop()
	asked := make(chan int)
	go func() { asked <- p.answer(master) }()
	_ = c.Wait() // how the runs ended stands in what they printed
	got.wall = time.Since(start)
	got.prompts = <-asked
	got.failed = got.runs - strings.Count(out.String(), "served")
	got.count(p.play.Audit())
	return got, nil
}

// question is how programs ask for a code.
var question = regexp.MustCompile(`(?i)MFA code for \S+: `)

// answer answers until the terminal is closed, and says how often it was asked.
func (p *program) answer(master *os.File) (asked int) {
	screen, buf := "", make([]byte, 4096)
	for {
		n, err := master.Read(buf)
		screen += string(buf[:n])
		for range len(question.FindAllString(screen, -1)) - asked {
			asked++
			_, _ = master.WriteString(p.code() + "\n")
		}
		if err != nil {
			return asked
		}
	}
}

// count reads the calls that AWS has answered.
func (t *together) count(calls []playground.Call) {
	roles := map[string]bool{}
	for _, c := range calls {
		switch c.Action {
		case "sts:GetSessionToken":
			t.tokens++
		case "sts:AssumeRole":
			t.calls++
			roles[c.Resource] = true
		}
	}
	t.roles = len(roles)
}

func (t together) String() string {
	return fmt.Sprintf("prompts %d, GetSessionToken %d, AssumeRole %d for %d roles, failures %d", t.prompts, t.tokens, t.calls, t.roles, t.failed)
}

func (b *bench) parallelTable() string {
	var rows [][]string
	for _, t := range b.parallel {
		rows = append(rows, []string{fmt.Sprintf("%d `%s exec PROFILE -- true`", t.runs, t.program), number(t.prompts), number(t.tokens), number(t.calls), number(t.roles), number(t.failed), fmt.Sprintf("%.1f", t.wall.Seconds())})
	}
	return figures([]string{"program", "prompts", "GetSessionToken", "AssumeRole", "roles", "failures", "all done, s"}, rows) +
		"\nAt one terminal, with nothing cached and a device whose codes work once. The calls are those that AWS answered.\n"
}
