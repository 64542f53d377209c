package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"fob/internal/cred"
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
	var err error
	if o.all {
		names, err = k.readyAll(ctx, set, o.wanted)
	} else {
		err = k.readyEach(ctx, set, names, o.wanted)
	}
	if err != nil {
		return err
	}
	k.close()
	files, err := k.severalConfig(set, names, o.wanted)
	if err != nil {
		return err
	}
	k.sayRegion(set, names, o.region)
	if chosen := front.Lookup(k.sys.Environ, "AWS_PROFILE"); chosen != "" && !slices.Contains(names, chosen) {
		k.sys.say("AWS_PROFILE (%s) is none of these profiles, and does not reach the command", profile.Shown(chosen))
	}
	environ := severalEnviron(k.sys.environFor(), names, o.region, files)
	if outer := front.Lookup(k.sys.Environ, "AWS_VAULT"); outer != "" && outer != strings.Join(names, ",") {
		k.sys.say("replacing the credentials of profile %s by those of %s", profile.Shown(outer), profile.Shown(strings.Join(names, ",")))
	}
	// The command takes fob's place, and the directory is its: the next run that
	// makes one clears it away.
	err = launch.Run(k.sys.Execve, o.argv, environ)
	files.dir.remove()
	return err
}

// readyEach gets the session of each profile, so that none fails or asks later
// that could have now.
func (k *keeper) readyEach(ctx context.Context, set profile.Set, names []string, w wanted) error {
	if err := allThere(set, names); err != nil {
		return err
	}
	for _, name := range names {
		w.profile = name
		if _, err := k.session(ctx, w); err != nil {
			return ofProfile(name, err)
		}
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
func (k *keeper) readyAll(ctx context.Context, set profile.Set, w wanted) (names []string, err error) {
	minLeft, err := k.minLeft()
	if err != nil {
		return nil, err
	}
	if err := k.open(ctx); err != nil {
		return nil, err
	}
	kinds := source.Kinds(k.inClear(set))
	var guarded []string
	for _, name := range set.Names() {
		w.profile = name
		request, err := k.sys.request(w)
		if err != nil {
			return nil, err
		}
		c, err := chain.Resolve(set, kinds, k.hasKey, k.index.Refused(k.sys.Now()), request)
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
		names = append(names, name)
		if k.explain(c, minLeft.Duration, false).Codes > 0 {
			if _, err := k.session(ctx, w); err != nil {
				return nil, ofProfile(name, err)
			}
		}
	}
	if len(guarded) > 0 {
		k.sys.say("left out what is guarded, which is opened by its name only: %s", strings.Join(guarded, ", "))
	}
	if len(names) == 0 {
		return nil, &fault.Error{What: "cannot give the command any profile", Why: errors.New("none in " + set.Display() + " has a way to credentials"), Next: []string{"see the profiles: fob list --profiles", "fob add PROFILE"}, Code: fault.Config}
	}
	return names, nil
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
func (k *keeper) severalConfig(set profile.Set, names []string, w wanted) (files childFiles, err error) {
	fail := func(err error) (childFiles, error) {
		if files.dir != nil {
			files.dir.remove()
		}
		return childFiles{}, &fault.Error{What: "cannot write the config for the command", Why: err, Code: fault.Failed}
	}
	flags, err := k.lineFlags(w)
	if err != nil {
		return fail(err)
	}
	var broken error
	text, err := set.ForSDKs(func(p profile.Profile) string {
		if !slices.Contains(names, p.Name) {
			return ""
		}
		line, err := k.sys.processLine(p.Name, flags...)
		broken = errors.Join(broken, err)
		return line
	}, regionFor(k.sys.Environ).Value)
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
	add("--duration", w.duration)
	add("--region", w.region)
	add("--min-ttl", k.g.minTTL)
	add("--prompt", k.g.prompt)
	add("--policy", r.Policy.Name)
	if r.Policy.Inline != "" {
		var line bytes.Buffer
		if err := json.Compact(&line, []byte(r.Policy.Inline)); err != nil {
			return nil, err
		}
		add("--policy", line.String())
	}
	for _, arn := range r.Policy.ARNs {
		add("--policy-arns", arn)
	}
	return flags, nil
}

// regionFor is the region of profiles that have none: the one of the environment,
// unless an outer exec has set it.
func regionFor(environ []string) profile.Setting {
	environ = launch.Inherited(environ)
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if value := front.Lookup(environ, name); value != "" {
			return profile.Setting{Key: "region", Value: value, From: name}
		}
	}
	return profile.Setting{}
}

// sayRegion tells where a variable of the person's does not do what it does for one
// profile: it would send every account's calls to one region.
func (k *keeper) sayRegion(set profile.Set, names []string, flag string) {
	variable := regionFor(k.sys.Environ)
	if flag != "" || variable.Value == "" {
		return
	}
	for _, name := range names {
		p, err := set.Profile(name)
		if own := p.Value("region"); err == nil && own != "" && own != variable.Value {
			k.sys.say("each profile has its own region, and %s does not reach the command; for one region in all: --region %s", variable.From, variable.Value)
			return
		}
	}
}

// severalEnviron has no credentials, no region but that of --region, and no
// AWS_PROFILE but one that the person has set to a profile of the list: what names
// none must not get into an account by chance. SDKs take a region of the environment
// before each profile's own.
func severalEnviron(environ []string, names []string, region string, files childFiles) []string {
	chosen := front.Lookup(environ, "AWS_PROFILE")
	var kept []string
	for _, entry := range launch.Environ(environ, launch.Settings{Profile: strings.Join(names, ","), Region: region}, cred.Session{}) {
		name, _, _ := strings.Cut(entry, "=")
		switch name {
		case "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE":
			continue
		case "AWS_REGION", "AWS_DEFAULT_REGION":
			if region == "" {
				continue
			}
		}
		kept = append(kept, entry)
	}
	// The last is for the Go SDK before version 2, which reads no config without.
	kept = append(kept, "AWS_CONFIG_FILE="+files.config, "AWS_SHARED_CREDENTIALS_FILE="+files.credentials, "AWS_SDK_LOAD_CONFIG=1")
	if slices.Contains(names, chosen) {
		kept = append(kept, "AWS_PROFILE="+chosen)
	}
	return kept
}
