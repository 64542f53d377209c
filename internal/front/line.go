package front

import (
	"strings"
	"time"

	"fob/internal/decide/chain"
	"fob/internal/deliver/launch"
)

// Line is a command line that the front understands.
type Line struct {
	Command   string // exec, export, credential-process or terragrunt-auth
	Profile   string
	Argv      []string
	NoSession bool
	Lifetime  time.Duration
	Region    string
	Format    string
	MinTTL    string
	Choice    Choice
}

// Request is what a command line and its environment ask of chain. fob-core
// makes its requests here too, so that both mean the same session by the same
// words.
func (l Line) Request(environ []string) chain.Request {
	return chain.Request{
		Profile: l.Profile, NoSession: l.NoSession, Lifetime: l.Lifetime, Region: l.Region,
		Env: Env(environ),
	}
}

// Env is what chain reads of an environment. What an outer exec of fob has set is
// not the person's wish, so nothing else makes the Env of a request.
func Env(environ []string) map[string]string {
	return chain.FromEnviron(launch.Inherited(environ))
}

// Parse reads a command line of the commands that the front answers. ok is false
// for everything else: another command, a flag that is not known exactly, a
// value that is not plain. fob-core then decides, and says what is wrong.
//
// The flags of exec stand before and after PROFILE and end at -- or COMMAND:
// they are read, then PROFILE, then they are read again. fob-core's parser does
// the same; one table of command lines is passed by both.
func Parse(args []string) (line Line, ok bool) {
	if len(args) == 0 {
		return line, false
	}
	p := parser{line: Line{Command: args[0]}, rest: args[1:]}
	switch args[0] {
	case "exec":
		ok = p.exec()
	case "export", "credential-process":
		p.line.Format = "env"
		if args[0] == "credential-process" {
			p.line.Format = "json"
		}
		ok = p.print()
	case ByDirectory:
		p.line.Format = "terragrunt"
		_, ok = p.flags()
		ok = ok && len(p.rest) == 0 && (p.line.Choice.Role == "" || !p.line.Choice.ReadOnly)
	}
	return p.line, ok
}

type parser struct {
	line Line
	rest []string
}

func (p *parser) exec() bool {
	dash, ok := p.flags()
	if !ok {
		return false
	}
	if !dash && len(p.rest) > 0 {
		p.line.Profile, p.rest = p.rest[0], p.rest[1:]
		if _, ok = p.flags(); !ok || p.line.Profile == "" {
			return false
		}
	}
	p.line.Argv = p.rest
	return true
}

// print reads the lines of export and credential-process, whose flags may stand
// anywhere up to a --.
func (p *parser) print() bool {
	for dash := false; ; {
		if !dash {
			var ok bool
			if dash, ok = p.flags(); !ok {
				return false
			}
		}
		switch {
		case len(p.rest) == 0:
			return p.line.Profile != ""
		case p.line.Profile != "":
			return false
		}
		p.line.Profile, p.rest = p.rest[0], p.rest[1:]
	}
}

// flags reads flags up to the first word that is none. dash says that -- ended
// them.
func (p *parser) flags() (dash, ok bool) {
	for len(p.rest) > 0 {
		arg := p.rest[0]
		if arg == "--" {
			p.rest = p.rest[1:]
			return true, true
		}
		if len(arg) < 2 || arg[0] != '-' {
			return false, true
		}
		p.rest = p.rest[1:]
		if !p.flag(arg) {
			return false, false
		}
	}
	return false, true
}

func (p *parser) flag(arg string) bool {
	name, value, has := strings.Cut(arg, "=")
	byDirectory := p.line.Command == ByDirectory
	switch name {
	case "--no-input":
		return !has // nothing is asked here
	case "--no-session", "-n":
		p.line.NoSession = true
		return !has && !byDirectory
	case "--read-only":
		p.line.Choice.ReadOnly = true
		return !has && byDirectory
	case "--role":
		if !byDirectory {
			return false
		}
	case "--region":
		if byDirectory {
			return false
		}
	case "--duration", "-d", "--min-ttl":
	case "--format":
		if p.line.Command != "export" {
			return false
		}
	default:
		return false
	}
	if has && len(name) == 2 {
		return false // -d=1h means "=1h" to some and "1h" to others
	}
	if !has {
		if len(p.rest) == 0 {
			return false
		}
		value, p.rest = p.rest[0], p.rest[1:]
	}
	if value == "" {
		return false
	}
	switch name {
	case "--region":
		p.line.Region = value
	case "--role":
		p.line.Choice.Role = value
	case "--format":
		p.line.Format = value
	case "--min-ttl":
		p.line.MinTTL = value
	default:
		var ok bool
		p.line.Lifetime, ok = Lifetime(value)
		return ok
	}
	return true
}

// Lifetime reads a duration as Go writes it ("1h30m") or in seconds ("3600").
func Lifetime(text string) (time.Duration, bool) {
	if text != "" && strings.Trim(text, "0123456789") == "" {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d > 0
}
