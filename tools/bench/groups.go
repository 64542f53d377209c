package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// The keys by which rows are found again.
const (
	floorKey  = "floor"
	execKey   = "exec"
	printKey  = "print"
	peerExec  = "peer exec"
	peerPrint = "peer print"
)

// part is one table, and what makes it.
type part struct {
	title string
	names []string // of its rows, where they can be asked for alone
	run   func() error
}

func (b *bench) parts() []part {
	var parts []part
	for _, g := range []*group{b.cachedGroup(), b.placesGroup(), b.profilesGroup(), b.sessionsGroup(), b.coldGroup(), b.awsGroup()} {
		p := part{title: g.title, run: func() error { b.measure(g); return b.ctx.Err() }}
		for _, r := range g.rows {
			if !r.always {
				p.names = append(p.names, r.name)
			}
		}
		parts = append(parts, p)
	}
	return append(parts,
		part{title: initTitle, run: b.measureInits},
		part{title: parallelTitle, run: b.measureParallel},
		part{title: requestsTitle, run: b.measureRequests})
}

// measure runs the wanted rows of a group, and those that they are compared with.
func (b *bench) measure(g *group) {
	needed := map[string]bool{}
	for _, r := range g.rows {
		if r.always || b.wanted(g.title, r.name) {
			needed[r.name] = true
			needed[g.find(r.base).name] = true
		}
	}
	g.rows = slices.DeleteFunc(g.rows, func(r *row) bool { return !needed[r.name] })
	g.measure(b.ctx, b.peak)
	b.groups = append(b.groups, g)
	for _, r := range g.rows {
		if r.err != nil {
			b.failed(r.name, r.err)
		}
	}
}

// in gives a setup that runs a program in a home which is there already.
func in(h home, argv ...string) func() (spawn, error) {
	return func() (spawn, error) { return spawn{argv: argv, env: h.env, on: h.on}, nil }
}

// floors are the rows that the others are measured against.
func (b *bench) floors() []*row {
	return []*row{
		{name: "`env true`", always: true, setup: in(b.fob.warm, "/usr/bin/env", "true")},
		{key: floorKey, name: "exec-only Go program", always: true, setup: in(b.fob.warm, b.floor)},
	}
}

// slowRounds is how often a row runs that takes AWS or a passphrase. Each round
// may spend an MFA code, for which AWS's clock goes on by half a minute, and it
// may not be a quarter of an hour ahead of fob's.
func (b *bench) slowRounds() int { return min(max(3, b.o.runs/10), 20) }

func (b *bench) cachedGroup() *group {
	warm := b.fob.warm
	place, _ := warm.sealKeyIn() // nowhere: the rows will say so
	g := &group{title: "Cached", rounds: b.o.runs, rows: b.floors(), note: "The seal key rests in the " + place + "."}
	g.rows = append(g.rows,
		&row{key: execKey, name: "`fob exec dev -- true`", setup: in(warm, b.fob.cached, "exec", "dev", "--", "true")},
		&row{key: printKey, name: "`fob credential-process dev`", setup: in(warm, b.fob.cached, "credential-process", "dev")},
		&row{name: "`fob --help`, by way of fob-core", setup: in(warm, b.fob.path, "--help")})
	if p := b.peer; p != nil {
		g.rows = append(g.rows,
			&row{name: "`" + p.name + " --version`", setup: in(p.warm, p.path, "--version")},
			&row{key: peerExec, name: "`" + p.name + " exec dev -- true`", setup: in(p.warm, p.path, "exec", "dev", "--", "true")},
			&row{key: peerPrint, name: "`" + p.name + " export --format=json dev`", setup: in(p.warm, p.path, "export", "--format=json", "dev")})
	}
	return g
}

// placesGroup is the same run with the seal key in each place where it can rest.
func (b *bench) placesGroup() *group {
	const user, session, file = "user keyring", "session keyring", "file"
	g := &group{title: "Where the seal key rests", rounds: b.o.runs, beside: "to " + file, rows: b.floors()}
	for _, place := range []string{file, user, session} {
		g.rows = append(g.rows, &row{key: place, base: file, name: "`fob exec dev -- true`, seal key in the " + place, setup: func() (spawn, error) {
			on, err := b.plain, error(nil)
			if place == session {
				on = b.session
				if err = b.noSession; err != nil {
					return spawn{}, &absentError{err.Error()}
				}
			}
			h, err := b.opened(b.fob, "home-"+place, on)
			if err == nil && place == file {
				err = h.moveSealKey()
			}
			if err != nil {
				return spawn{}, err
			}
			got, err := h.sealKeyIn()
			if err == nil && place != file && got != place {
				err = &absentError{fmt.Sprintf("here the seal key rests in the %s", got)}
			}
			return spawn{argv: []string{b.fob.cached, "exec", "dev", "--", "true"}, env: h.env, on: on}, err
		}})
	}
	return g
}

func (b *bench) profilesGroup() *group {
	least := number(b.o.profiles[0])
	g := &group{title: "Profiles", rounds: b.o.runs, beside: "to its own with " + least, rows: b.floors(),
		note: "The profile that is asked for stands last in the config."}
	for _, p := range b.programs() {
		for _, n := range b.o.profiles {
			g.rows = append(g.rows, &row{
				key: p.name + " profiles " + number(n), base: p.name + " profiles " + least,
				name: fmt.Sprintf("`%s exec dev -- true`, %s profiles", p.name, number(n)),
				setup: func() (spawn, error) {
					config := fmt.Sprintf("config-%d", n)
					env := with(p.warm.env, "AWS_CONFIG_FILE="+p.warm.path(config))
					return spawn{argv: []string{p.cached, "exec", "dev", "--", "true"}, env: env, on: p.warm.on}, p.warm.write(config, configOf(n))
				},
			})
		}
	}
	return g
}

func (b *bench) sessionsGroup() *group {
	least := number(b.o.sessions[0])
	g := &group{title: "Cached sessions", rounds: b.o.runs, beside: "to its own with " + least, rows: b.floors()}
	for _, words := range [][]string{{"exec", "dev", "--", "true"}, {"list"}} {
		path := b.fob.cached
		if words[0] == "list" {
			path = b.fob.path
		}
		for _, n := range b.o.sessions {
			g.rows = append(g.rows, &row{
				key: words[0] + " sessions " + number(n), base: words[0] + " sessions " + least,
				name: fmt.Sprintf("`fob %s`, %s sessions", shown(words), number(n)),
				setup: func() (spawn, error) {
					h, err := b.homeWith(n)
					return spawn{argv: append([]string{path}, words...), env: h.env, on: h.on}, err
				},
			})
		}
	}
	return g
}

func shown(words []string) string { return spawn{argv: words}.shown() }

// homeWith is a home with this many cached sessions.
func (b *bench) homeWith(n int) (home, error) {
	if h, ok := b.filled[n]; ok {
		return h, nil
	}
	h, err := b.opened(b.fob, fmt.Sprintf("home-%d-sessions", n), b.plain)
	if err == nil {
		err = h.fill(n)
	}
	if err == nil {
		b.filled[n] = h
	}
	return h, err
}

// coldGroup is runs that have to ask AWS.
func (b *bench) coldGroup() *group {
	g := &group{title: "Cold", rounds: b.slowRounds(), rows: b.floors(),
		note: "Nothing cached: the store is opened by its passphrase, whose cost is chosen when the store is made, then `GetSessionToken` with an MFA code that `-t` gives, then `AssumeRole`. AWS answers from this machine."}
	g.rows = append(g.rows, &row{name: "`fob unlock`, by passphrase", fresh: true, setup: func() (spawn, error) {
		h, err := b.lockedHome(b.fob)
		return spawn{argv: []string{b.fob.path, "unlock"}, env: h.env, on: h.on}, err
	}})
	lifetime := 900
	for _, p := range b.programs() {
		g.rows = append(g.rows,
			&row{name: fmt.Sprintf("`%s exec -t CODE dev -- true`, nothing cached", p.name), fresh: true, setup: func() (spawn, error) {
				h, err := b.lockedHome(p)
				return spawn{argv: []string{p.path, "exec", "-t", p.code(), "dev", "--", "true"}, env: h.env, on: h.on}, err
			}},
			&row{name: fmt.Sprintf("`%s exec dev -- true`, role not cached, MFA session cached", p.name), fresh: true, setup: func() (spawn, error) {
				lifetime++ // another session than any before
				return spawn{argv: []string{p.path, "exec", "-d", fmt.Sprintf("%ds", lifetime), "dev", "--", "true"}, env: p.warm.env, on: p.warm.on}, nil
			}})
	}
	return g
}

// lockedHome is a home whose store is shut and which has no session. It is used
// where keys at rest end with the bench, if there is such a place.
func (b *bench) lockedHome(p *program) (home, error) {
	b.locked++
	return b.copied(p.cold, fmt.Sprintf("home-locked-%d", b.locked), b.session)
}

// awsGroup is what fob costs inside the real AWS CLI.
func (b *bench) awsGroup() *group {
	const static = "aws static"
	g := &group{title: "Inside the AWS CLI", rounds: max(3, b.o.runs/5), beside: "more, ms", more: true, rows: b.floors(),
		note: "`aws sts get-caller-identity`; \"more\" is to the row with keys in the environment."}
	add := func(key, name, process string, path ...string) {
		g.rows = append(g.rows, &row{key: key, base: static, name: name, always: key == static, setup: func() (spawn, error) {
			return b.awsCall(process, path...)
		}})
	}
	add(static, "session in the environment", "")
	add("aws cat", "credential_process = `cat FILE`", "cat")
	add("aws fob", "credential_process = `fob credential-process dev`", "fob", b.fob.cached, "credential-process", "dev")
	if b.peer != nil {
		add("aws peer", "credential_process = `"+b.peer.name+" export --format=json dev`", "peer", b.peer.path, "export", "--format=json", "dev")
	}
	return g
}

// awsCall is a call of the AWS CLI that gets its session from a process.
func (b *bench) awsCall(process string, line ...string) (spawn, error) {
	aws, err := exec.LookPath("aws")
	if err != nil {
		return spawn{}, &absentError{"there is no aws here"}
	}
	h := b.fob.warm
	if process == "peer" {
		h = b.peer.warm
	}
	s := spawn{argv: []string{aws, "sts", "get-caller-identity"}, env: h.env, on: h.on}
	if process == "" || process == "cat" {
		text, err := h.does(h.env, b.fob.path, "credential-process", "dev")
		if err != nil {
			return s, err
		}
		var got struct{ AccessKeyID, SecretAccessKey, SessionToken string }
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			return s, err
		}
		if process == "" {
			s.env = with(s.env, "AWS_ACCESS_KEY_ID="+got.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+got.SecretAccessKey, "AWS_SESSION_TOKEN="+got.SessionToken)
			return s, nil
		}
		line = []string{"cat", h.path("session.json")}
		if err := h.write("session.json", text); err != nil {
			return s, err
		}
	}
	s.env = with(s.env, "AWS_CONFIG_FILE="+h.path("config-"+process))
	s.argv = append(s.argv, "--profile", "through")
	base := configOf(0) + "[profile through]\nregion = us-west-2\ncredential_process = " + commandLine(line) + "\n"
	return s, h.write("config-"+process, base)
}

// commandLine is words as a shell takes them apart again.
func commandLine(words []string) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = quoted(w)
	}
	return strings.Join(all, " ")
}
