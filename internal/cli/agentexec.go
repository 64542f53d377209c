package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/deliver/export"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/keep/lock"
)

// renewLook is how often the sessions of a running agent are looked at: the clock
// may have leapt, as after a sleep of the machine.
const renewLook = 5 * time.Second

// agentFiles is what an agent has beside its environment: a private folder with a
// config of its own, whose profiles read the file of their session. Files work
// where a sandbox lets nothing else through.
type agentFiles struct {
	sys      System
	g        *globals
	want     wanted
	dir      string
	profiles []string
	chains   map[string]chain.Chain
	ends     map[string]time.Time
}

// runAgent runs an agent with the credentials of one or more profiles, keeps them
// fresh while it runs, and removes them with it.
func (s System) runAgent(ctx context.Context, g *globals, o execOptions) (err error) {
	life := time.Duration(0)
	if o.length != "" {
		if life, err = time.ParseDuration(o.length); err != nil || life <= 0 {
			return &fault.Error{What: fmt.Sprintf("--for %q is not a length of time", o.length), Next: []string{"write it like --for 2h"}, Code: fault.Usage}
		}
	}
	f, err := s.newAgentFiles(g, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(f.dir)) }()
	for _, name := range f.profiles {
		if err := f.get(ctx, name); err != nil {
			return err
		}
	}
	if err := f.writeConfig(); err != nil {
		return err
	}
	s.say("agent %s has %s in %s; it runs as you, so this is a rail and no wall", s.agent.ID, strings.Join(f.profiles, ", "), f.dir)
	if len(o.argv) == 0 {
		o.argv = launch.Shell(s.Environ)
	}
	environ := f.environ()
	// Ctrl-C is the agent's, and ends no renewal.
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.renew(renewing, life)
	}()
	status, err := s.Run(ctx, o.argv, environ)
	stop()
	<-done
	if err != nil {
		return err
	}
	return ended(status)
}

func (s System) newAgentFiles(g *globals, o execOptions) (*agentFiles, error) {
	f := &agentFiles{sys: s, g: g, want: o.wanted, chains: map[string]chain.Chain{}, ends: map[string]time.Time{}}
	for _, name := range strings.Split(o.profile, ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(f.profiles, name) {
			f.profiles = append(f.profiles, name)
		}
	}
	if len(f.profiles) == 0 {
		return nil, &fault.Error{What: "cannot run an agent without a profile", Next: []string{"fob exec --agent NAME PROFILE,PROFILE -- COMMAND"}, Code: fault.Usage}
	}
	// A folder that is gone with the login, in memory where there is one.
	for _, parent := range []string{s.lookup("XDG_RUNTIME_DIR"), "/dev/shm", s.lookup("TMPDIR"), s.lookup("TEMP"), "/tmp"} {
		if !filepath.IsAbs(parent) {
			continue
		}
		if dir, err := os.MkdirTemp(parent, "fob-agent-"); err == nil {
			f.dir = dir
			return f, nil
		}
	}
	return nil, &fault.Error{What: "cannot keep the sessions of an agent", Why: errors.New("no folder for what ends with the login can be written"), Next: []string{"set XDG_RUNTIME_DIR"}, Code: fault.Failed}
}

// get makes the file of one profile.
func (f *agentFiles) get(ctx context.Context, name string) error {
	k, err := f.sys.newKeeper(f.g)
	if err != nil {
		return err
	}
	defer k.close()
	w := f.want
	w.profile = name
	c, session, err := k.session(ctx, w)
	if err != nil {
		return err
	}
	f.want.code = "" // it was good for one session
	return f.write(name, c, session)
}

func (f *agentFiles) write(name string, c chain.Chain, session cred.Session) error {
	format, _ := export.Named("json")
	var text bytes.Buffer
	if err := format.Write(&text, export.Output{Profile: name, Region: c.Region, Session: session}); err != nil {
		return err
	}
	if err := lock.WriteFile(f.path(name), text.Bytes(), lock.WriteOptions{NoDirSync: true}); err != nil {
		return &fault.Error{What: "cannot keep the session of profile " + profile.Shown(name) + " for the agent", Why: err, Code: fault.Failed}
	}
	f.chains[name], f.ends[name] = c, session.Expires
	return nil
}

// path is the file of a profile, by its number: a name may have anything in it.
func (f *agentFiles) path(name string) string {
	return filepath.Join(f.dir, strconv.Itoa(slices.Index(f.profiles, name)+1)+".json")
}

// writeConfig makes the agent's config. What its profiles read is narrowed already,
// so a fob within does not narrow it again, which nothing could.
func (f *agentFiles) writeConfig() error {
	path := filepath.Join(f.dir, "config")
	empty, err := profile.Parse(path, nil)
	if err != nil {
		return err
	}
	var all []profile.Addition
	for _, name := range f.profiles {
		c := f.chains[name]
		settings := []profile.Setting{{Key: "credential_process", Value: reads(f.path(name))}, {Key: "fob_agent", Value: "full"}}
		for _, one := range []profile.Setting{{Key: "region", Value: c.Region}, {Key: "endpoint_url", Value: c.Endpoint}} {
			if one.Value != "" {
				settings = append(settings, one)
			}
		}
		all = append(all, profile.Addition{Name: name, Settings: settings})
	}
	text, err := empty.WithProfiles(all)
	if err == nil {
		err = lock.WriteFile(path, text, lock.WriteOptions{NoDirSync: true})
	}
	if err != nil {
		return &fault.Error{What: "cannot write the config of the agent", Why: err, Code: fault.Failed}
	}
	return nil
}

// reads is the command line that prints a file.
func reads(path string) string {
	if runtime.GOOS == "windows" {
		return "cmd.exe /c type " + processWord(path)
	}
	return "cat " + processWord(path)
}

// environ is the agent's: no keys, and no config but its own.
func (f *agentFiles) environ() []string {
	first := f.profiles[0]
	all := launch.Environ(declared(f.sys.Environ, f.sys.agent), launch.Settings{Profile: first, Region: f.chains[first].Region, ByName: true}, cred.Session{})
	own := []string{
		"AWS_CONFIG_FILE=" + filepath.Join(f.dir, "config"), "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true",
	}
	all = slices.DeleteFunc(all, func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.ContainsFunc(own, func(o string) bool { return strings.HasPrefix(o, name+"=") })
	})
	return append(all, own...)
}

// renew keeps the files fresh until the context ends, or for so long. Nobody is
// asked: the terminal is the agent's now. What cannot be renewed is removed when it
// ends, so that the agent is told by its absence.
func (f *agentFiles) renew(ctx context.Context, life time.Duration) {
	quiet, g := f.sys, *f.g
	quiet.starting, quiet.OpenTTY, quiet.Stderr = false, f.sys.noWindow, io.Discard
	g.noInput = true
	f.sys, f.g = quiet, &g
	begun := quiet.Now()
	for quiet.Sleep(ctx, renewLook) == nil {
		if life > 0 && quiet.Now().Sub(begun) >= life {
			_ = os.RemoveAll(f.dir)
			return
		}
		for _, name := range f.profiles {
			left := f.ends[name].Sub(quiet.Now())
			if left >= agentRenews {
				continue
			}
			if f.get(ctx, name) != nil && left <= 0 {
				_ = os.Remove(f.path(name))
			}
		}
	}
}
