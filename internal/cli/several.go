package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"fob/internal/decide/chain"
	"fob/internal/decide/guard"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"
)

// several gives the profiles that a word names: those of a list, A,B,C. A profile
// of exactly that name goes before, since a name may hold a comma. none is for a
// word that is one name.
func (k *keeper) several(set profile.Set, word string) (names []string, err error) {
	if !strings.Contains(word, ",") || set.Has(word) {
		return nil, nil
	}
	for _, name := range strings.Split(word, ",") {
		if name = strings.TrimSpace(name); name == "" {
			return nil, &fault.Error{What: fmt.Sprintf("cannot read the list of profiles %q", word), Why: errors.New("a name between the commas is missing"), Next: []string{"write it like: fob exec dev,prod -- COMMAND"}, Code: fault.Usage}
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// runSeveral runs a command in which each of several profiles works by its own
// name: it gets a config of its own, whose profiles ask fob. What needs a person
// is asked before the command starts.
func (k *keeper) runSeveral(ctx context.Context, set profile.Set, names []string, o execOptions) error {
	if o.byName {
		return &fault.Error{What: "cannot use --profile-env with several profiles", Why: errors.New("each is there by its own name anyway"), Code: fault.Usage}
	}
	if len(o.argv) == 0 {
		o.argv = launch.Shell(k.sys.Environ)
	}
	m, err := k.manyOf(set, o.wanted)
	if err != nil {
		return err
	}
	outside := k.sys.environFor()
	k.sys.Environ = planning(k.sys.Environ)
	if o.all {
		err = k.readyAll(ctx, &m)
	} else {
		m.names = names
		err = k.readyEach(ctx, &m)
	}
	if err != nil {
		return err
	}
	k.close()
	files, err := k.severalConfig(m)
	if err != nil {
		return err
	}
	names = m.names
	k.sayRegion(m)
	if chosen := front.Lookup(outside, "AWS_PROFILE"); chosen != "" && !slices.Contains(names, chosen) {
		k.sys.say("AWS_PROFILE (%s) is none of these profiles, and does not reach the command", profile.Shown(chosen))
	}
	environ := m.environ(outside, files)
	if text := front.Replacing(outside, strings.Join(names, ",")); text != "" {
		k.sys.say("%s", text)
	}
	// The command takes fob's place, and the directory is its: the next run that
	// makes one clears it away.
	err = launch.Run(k.sys.Execve, o.argv, environ)
	files.dir.remove()
	return err
}

// many are the profiles of one command.
type many struct {
	set   profile.Set
	names []string
	want  wanted
	// variable is the region of the environment, for profiles that have none.
	variable profile.Setting
	// instance says that one of them begins at the metadata service of EC2.
	instance bool
}

// manyOf settles what holds for all of them. A policy gets the form that it has in a
// line, since its text names the session; its file may be a pipe.
func (k *keeper) manyOf(set profile.Set, w wanted) (many, error) {
	m := many{set: set, want: w}
	if w.region == "" {
		m.variable = regionFor(k.sys.Environ)
	}
	if why := source.CheckRegion(m.variable.Value); why != "" && m.variable.Value != "" {
		return m, &fault.Error{What: "cannot use " + m.variable.From, Why: fmt.Errorf("%s %s", profile.Shown(m.variable.Value), why), Next: []string{"write it like us-east-1"}, Code: fault.Config}
	}
	p, err := w.sessionPolicy()
	if err != nil || p.Inline == "" {
		return m, err
	}
	var line bytes.Buffer
	if err := json.Compact(&line, []byte(p.Inline)); err != nil {
		return m, &fault.Error{What: "cannot use the session policy of " + p.From, Why: errors.New("it is not JSON"), Next: []string{"name one: view, read-only, plan"}, Code: fault.Usage}
	}
	m.want.policy, m.want.policyFile = line.String(), ""
	return m, nil
}

// of is what is wanted of one of them.
func (m many) of(name string) wanted {
	w := m.want
	w.profile = name
	if p, err := m.set.Profile(name); err == nil && w.region == "" && p.Value("region") == "" {
		w.region = m.variable.Value
	}
	return w
}

// unfit says that a profile cannot be one of several: what it begins with does not
// reach the command, where each would take it for its own.
func unfit(c chain.Chain) error {
	if len(c.Steps) == 0 {
		return nil
	}
	switch from := source.CardOf(c.Steps[0]).Call; from {
	case source.FromEnvironment, source.FromContainer:
		return &fault.Error{What: "cannot use credential_source = " + from + " with several profiles", Why: errors.New("what it stands for does not reach the command, where every SDK would take it"), Next: []string{"one profile alone: fob exec " + fault.Operand(c.Profile) + " -- COMMAND"}, Code: fault.Config}
	}
	return nil
}

func beginsAtInstance(c chain.Chain) bool {
	return len(c.Steps) > 0 && source.CardOf(c.Steps[0]).Call == source.FromInstance
}

// readyEach gets the session of each profile, so that none fails or asks later
// that could have now.
func (k *keeper) readyEach(ctx context.Context, m *many) error {
	if err := allThere(m.set, m.names); err != nil {
		return err
	}
	for _, name := range m.names {
		h, err := k.session(ctx, m.of(name))
		if why := unfit(h.chain); err != nil && why != nil {
			err = why
		}
		if err != nil {
			return ofProfile(name, err)
		}
		m.instance = m.instance || beginsAtInstance(h.chain)
	}
	return nil
}

// allThere tells of all names that the config does not have at once.
func allThere(set profile.Set, names []string) error {
	var absent, next []string
	for _, name := range names {
		if set.Has(name) {
			continue
		}
		absent = append(absent, strconv.Quote(name))
		if near := profile.Near(name, set.Names()); len(near) > 0 {
			next = append(next, fmt.Sprintf("did you mean %s for %s?", profile.Shown(near[0]), profile.Shown(name)))
		}
	}
	if len(absent) == 0 {
		return nil
	}
	const most = 2
	return &fault.Error{
		What: "cannot give the command the profile " + strings.Join(absent, ", "), Why: errors.New("not in " + set.Display() + ", where the command is to find each by its name"),
		Next: append(next[:min(most, len(next))], "see the profiles: fob list --profiles"), Code: fault.Config,
	}
}

// ofProfile says which of several profiles a failure is of.
func ofProfile(name string, err error) error {
	f := (*fault.Error)(nil)
	if !errors.As(err, &f) {
		return fmt.Errorf("profile %q: %w", name, err)
	}
	why := errors.New(f.What)
	if f.Why != nil {
		why = fmt.Errorf("%s: %w", f.What, f.Why)
	}
	return &fault.Error{What: fmt.Sprintf("cannot get the credentials of profile %q", name), Why: why, Next: f.Next, Code: f.Code}
}

// readyAll gives every profile that has a way to credentials, and gets those
// sessions that need a person. The rest is fetched when the command asks: of
// hundreds of roles it uses a few.
func (k *keeper) readyAll(ctx context.Context, m *many) error {
	minLeft, err := k.minLeft()
	if err != nil {
		return err
	}
	if err := k.open(ctx); err != nil {
		return err
	}
	set, kinds := m.set, source.Kinds(k.inClear(m.set))
	var guarded []string
	for _, name := range set.Names() {
		w := m.of(name)
		request, err := k.sys.request(w)
		if err != nil {
			return err
		}
		c, err := chain.Resolve(set, kinds, k.hasKey, k.index.Refused(k.sys.Now()), request)
		err = cmp.Or(err, unfit(c))
		if err != nil || profile.Unwritable(name) != "" {
			if p, unread := set.Profile(name); unread != nil || p.Value("role_arn") != "" || p.Value("source_profile") != "" {
				k.sys.say("left out profile %s: %s", profile.Shown(name), cause(name, err))
			}
			continue
		}
		if c.Guard != guard.None {
			guarded = append(guarded, profile.Shown(name))
			continue
		}
		m.names, m.instance = append(m.names, name), m.instance || beginsAtInstance(c)
		if _, codes := missing(c, k.keptSteps(c, minLeft.Duration)); codes > 0 {
			if _, err := k.session(ctx, w); err != nil {
				return ofProfile(name, err)
			}
		}
	}
	if len(guarded) > 0 {
		k.sys.say("left out what is guarded, which is opened by its name only: %s", strings.Join(guarded, ", "))
	}
	if len(m.names) == 0 {
		return &fault.Error{What: "cannot give the command any profile", Why: errors.New("none in " + set.Display() + " has a way to credentials"), Next: []string{"see the profiles: fob list --profiles", "fob add PROFILE"}, Code: fault.Config}
	}
	return nil
}

func cause(name string, err error) string {
	if err == nil {
		return profile.Unwritable(name)
	}
	return strings.ReplaceAll(err.Error(), "\n", " ")
}

// severalConfig writes the files that the command reads in the place of the
// person's: a config, and a credentials file without keys, which every SDK would
// take before the config.
func (k *keeper) severalConfig(m many) (files childFiles, err error) {
	fail := func(err error) (childFiles, error) {
		if files.dir != nil {
			files.dir.remove()
		}
		return childFiles{}, &fault.Error{What: "cannot write the config for the command", Why: err, Code: fault.Failed}
	}
	var broken error
	text, err := m.set.ForSDKs(func(p profile.Profile) string {
		if !slices.Contains(m.names, p.Name) {
			return ""
		}
		flags, err := k.lineFlags(m.of(p.Name))
		broken = errors.Join(broken, err)
		line, err := k.sys.processLine(p.Name, flags...)
		broken = errors.Join(broken, err)
		return line
	}, m.variable.Value)
	if err = errors.Join(err, broken); err != nil {
		return fail(err)
	}
	if files.dir, err = newRunDir(k.home); err != nil {
		return fail(err)
	}
	if files.config, err = files.dir.write("config", text); err != nil {
		return fail(err)
	}
	of, _ := k.credentialsFile()
	if of, err = filepath.Abs(of); err != nil || strings.ContainsAny(of, "\r\n") {
		return fail(errors.Join(err, errors.New("the path of the credentials file has two lines")))
	}
	if files.credentials, err = files.dir.write("credentials", []byte(inPlaceOf+of+"\n")); err != nil {
		return fail(err)
	}
	return files, nil
}

// childFiles are what the command reads in the place of the person's.
type childFiles struct {
	dir                 *runDir
	config, credentials string
}

// inPlaceOf begins a credentials file without keys. A fob that the command starts
// reads the one that it names.
const inPlaceOf = "# Written by fob exec in the place of "

// lineFlags are the flags of exec that hold for each credential_process line. What
// is for one call only (a code, --fresh) is not among them.
func (k *keeper) lineFlags(w wanted) (flags []string, err error) {
	add := func(flag, value string) {
		if value != "" {
			flags = append(flags, flag, value)
		}
	}
	r, err := k.sys.request(w)
	if err != nil {
		return nil, err
	}
	if k.g.noInput {
		flags = append(flags, "--no-input")
	}
	if w.noSession {
		flags = append(flags, "--no-session")
	}
	add("--duration", cmp.Or(w.duration, k.sys.lastsByVariable()))
	add("--region", w.region)
	add("--min-ttl", k.g.minTTL)
	add("--prompt", k.g.prompt)
	add("--policy", r.Policy.Name)
	add("--policy", r.Policy.Inline)
	for _, arn := range r.Policy.ARNs {
		add("--policy-arns", arn)
	}
	return flags, nil
}
