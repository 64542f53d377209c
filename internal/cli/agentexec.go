package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/guard"
	"fob/internal/decide/profile"
	"fob/internal/deliver/export"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/keep/lock"
)

// agentFiles is what an agent has beside its environment: a private folder with a
// config of its own, whose profiles read the file of their session. Files work
// where a sandbox lets nothing else through.
type agentFiles struct {
	sys    System
	g      *globals
	want   wanted
	dir    *runDir
	about  runningAgent
	chains map[string]chain.Chain
	ends   map[string]time.Time
	told   map[string]time.Time // the end of the session that a line was said of
	again  map[string]time.Time // when what failed is tried again
	grants agentGrants
}

// runAgent runs an agent with the credentials of one or more profiles, keeps them
// fresh while it runs, and removes them with it.
func (s System) runAgent(ctx context.Context, g *globals, o execOptions) error {
	life, err := o.agentLife()
	if err != nil {
		return err
	}
	if s.agent, err = started(s.agent); err != nil {
		return err
	}
	if o.profile, err = s.named(ctx, o.profile, "start an agent", "fob exec --agent NAME PROFILE,PROFILE -- COMMAND"); err != nil {
		return err
	}
	if _, _, err := s.confining(ctx, g, o); err != nil {
		return err
	}
	f, err := s.newAgentFiles(g, o, life)
	if err != nil {
		return err
	}
	defer f.dir.remove()
	for _, name := range f.about.Profiles {
		if err := f.get(ctx, name); err != nil {
			return err
		}
	}
	// What a person has just unlocked may rest where it did not before.
	run, weak, err := s.confining(ctx, g, o)
	if err != nil {
		return err
	}
	if err := f.describe(); err != nil {
		return err
	}
	s.say("agent %s has %s in %s; it runs as you, so this is a rail and no wall", s.agent.ID, strings.Join(f.about.Profiles, ", "), f.dir.path)
	if weak != "" {
		s.say("weak: %s: without its mark the agent gets from fob what you get unasked", weak)
	}
	if len(o.argv) == 0 {
		o.argv = launch.Shell(s.Environ)
	}
	environ := f.environ() // the renewal changes what it is made of
	// Ctrl-C is the agent's, and ends no renewal.
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var renewal sync.WaitGroup
	renewal.Go(func() { f.renew(renewing) })
	err = launch.Run(run, o.argv, environ)
	stop()
	renewal.Wait()
	return err
}

func (o execOptions) agentLife() (life time.Duration, err error) {
	if o.length == "" {
		return 0, nil
	}
	if life, err = time.ParseDuration(o.length); err != nil || life <= 0 {
		return 0, &fault.Error{What: fmt.Sprintf("--for %q is not a length of time", o.length), Next: []string{"write it like --for 2h"}, Code: fault.Usage}
	}
	return life, nil
}

// started is an agent that is started here: its id has a word of its own, so that
// the record, AWS's log, grants and fob revoke tell this run from the next. What
// runs below a declared agent is that one.
func started(a guard.Agent) (guard.Agent, error) {
	if a.Tier == guard.Declared {
		return a, nil
	}
	id := a.ID + "." + strings.ToLower(rand.Text()[:guard.WordOfRun])
	if guard.CheckID(id) != "" {
		return a, &fault.Error{What: "cannot use the name " + profile.Shown(a.ID) + " of --agent", Why: errors.New("it is longer than 26 characters"), Code: fault.Usage}
	}
	return guard.Agent{ID: id, Tier: guard.Declared, By: "--agent"}, nil
}

func (s System) newAgentFiles(g *globals, o execOptions, life time.Duration) (*agentFiles, error) {
	k, err := s.newKeeper(g)
	if err != nil {
		return nil, err
	}
	set, err := k.load()
	if err != nil {
		return nil, err
	}
	names, err := k.several(set, o.profile)
	if err != nil {
		return nil, err
	}
	if names == nil {
		names = []string{o.profile}
	}
	f := &agentFiles{sys: s, g: g, want: o.wanted, chains: map[string]chain.Chain{}, ends: map[string]time.Time{}, told: map[string]time.Time{}, again: map[string]time.Time{}}
	f.grants = agentGrants{after: len(names), profiles: map[string]bool{}, told: map[string]time.Time{}}
	f.about = runningAgent{ID: s.agent.ID, Profiles: names, Gives: map[string]string{}, PID: os.Getpid(), Since: s.Now().UTC()}
	if life > 0 {
		f.about.Until = f.about.Since.Add(life)
	}
	if f.dir, err = s.agentDir(k.home); err != nil {
		return nil, &fault.Error{What: "cannot keep the sessions of an agent", Why: err, Next: []string{"set XDG_RUNTIME_DIR to a folder of your own in memory"}, Code: fault.Failed}
	}
	return f, nil
}

// get makes the file of one profile.
func (f *agentFiles) get(ctx context.Context, name string) error {
	w := f.want
	w.profile = name
	// A person's grant is another session than the one that was promised, and ends.
	if promised, running := f.chains[name]; running && !promised.Granted {
		w.promised = &promised
	}
	return f.getAs(ctx, w)
}

func (f *agentFiles) getAs(ctx context.Context, w wanted) error {
	name := w.profile
	k, err := f.sys.newKeeper(f.g)
	if err != nil {
		return err
	}
	defer k.close()
	h, err := k.session(ctx, w)
	if err != nil {
		return err
	}
	c, session := h.chain, h.session
	f.want.code = "" // it was good for one session
	format, _ := export.Named("json")
	var text bytes.Buffer
	if err := format.Write(&text, export.Output{Profile: name, Region: c.Region, Session: session}); err != nil {
		return err
	}
	if err := f.write(f.file(name), text.Bytes()); err != nil {
		return err
	}
	if had, running := f.chains[name]; !running || had.Granted {
		f.chains[name] = c
	}
	f.ends[name], f.about.Gives[name], f.grants.profiles[name] = session.Expires, h.gives, c.Granted
	return nil
}

// write replaces a file of the folder at once. It makes no folder: one that was
// taken away stays away.
func (f *agentFiles) write(name string, text []byte) error {
	if err := lock.WriteFile(filepath.Join(f.dir.path, name), text, lock.WriteOptions{NoDirSync: true}); err != nil {
		return &fault.Error{What: "cannot write what agent " + f.about.ID + " reads", Why: err, Code: fault.Failed}
	}
	return nil
}

// file is the file of a profile. A name may have anything in it, and some file
// systems take two names for one: such a profile goes by its number.
func (f *agentFiles) file(name string) string {
	at := slices.Index(f.about.Profiles, name)
	const plain = "abcdefghijklmnopqrstuvwxyz0123456789-_."
	low := strings.ToLower(name)
	taken := slices.ContainsFunc(f.about.Profiles[:at], func(o string) bool { return strings.ToLower(o) == low })
	if taken || strings.Trim(low, plain) != "" || strings.Trim(low[:1], "-.") == "" || strings.Trim(low, "0123456789") == "" {
		return fmt.Sprintf("%d.json", at+1)
	}
	return name + ".json"
}

// describe makes the agent's config, and says to fob status and fob revoke whose
// the folder is. What the profiles read is narrowed already, so a fob within does
// not narrow it again, which nothing could.
func (f *agentFiles) describe() error {
	empty, err := profile.Parse(configName, nil)
	if err != nil {
		return err
	}
	var all []profile.Addition
	for _, name := range f.about.Profiles {
		c := f.chains[name]
		settings := []profile.Setting{{Key: "credential_process", Value: reads(filepath.Join(f.dir.path, f.file(name)))}, {Key: "fob_agent", Value: "full"}}
		for _, one := range []profile.Setting{{Key: "region", Value: c.Region}, {Key: "endpoint_url", Value: c.Endpoint}} {
			if one.Value != "" {
				settings = append(settings, one)
			}
		}
		all = append(all, profile.Addition{Name: name, Settings: settings})
	}
	text, err := empty.WithProfiles(all)
	if err != nil {
		return &fault.Error{What: "cannot write the config of the agent", Why: err, Code: fault.Failed}
	}
	about, err := json.Marshal(f.about)
	if err != nil {
		return err
	}
	return errors.Join(f.write(configName, text), f.write(aboutName, about))
}

// configName is the config in an agent's folder; a profile's file ends otherwise.
const configName = "config"

// reads is the command line that prints a file.
func reads(path string) string {
	if runtime.GOOS == "windows" {
		return "cmd.exe /c type " + processWord(path)
	}
	return "cat " + processWord(path)
}

// environ is the agent's: no keys, and no config but its own.
func (f *agentFiles) environ() []string {
	first := f.about.Profiles[0]
	all := launch.Environ(f.sys.environFor(), launch.Settings{Profile: first, Region: f.chains[first].Region, ByName: true}, cred.Session{})
	own := []string{
		"AWS_CONFIG_FILE=" + filepath.Join(f.dir.path, configName), "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true",
	}
	all = slices.DeleteFunc(all, func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.ContainsFunc(own, func(o string) bool { return strings.HasPrefix(o, name+"=") })
	})
	return append(all, own...)
}
