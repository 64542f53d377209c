package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"fob/internal/decide/chain"
	"fob/internal/decide/guard"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/keep/lock"

	"github.com/spf13/cobra"
)

type sdkOptions struct {
	out                        string
	check, dryRun, force, json bool
}

func newSDKConfig(sys *System, g *globals) *cobra.Command {
	var o sdkOptions
	c := &cobra.Command{
		Use:   "sdk-config",
		Short: "Store a second AWS config, whose profiles ask fob",
		Long: "Write a second AWS config with the profiles of the first, each with one\n" +
			"credential_process line that asks fob. With AWS_CONFIG_FILE set to it, AWS_PROFILE=dev\n" +
			"works in editors, kubectl, MCP servers and every SDK. Once it is there, fob renews it\n" +
			"when the first has changed.",
		Example: "  fob sdk-config\n  export AWS_CONFIG_FILE=~/.aws/fob-sdk-config\n  fob sdk-config --check",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return sys.runSDKConfig(c.Context(), g, o) },
	}
	f := c.Flags()
	f.StringVar(&o.out, "out", "", "where to write it (default the file that was written last, else ~/.aws/fob-sdk-config)")
	f.BoolVar(&o.check, "check", false, "write nothing: say whether it is as it should be")
	f.BoolVar(&o.dryRun, "dry-run", false, "write nothing: print it")
	f.BoolVar(&o.force, "force", false, "replace a file that a person wrote or changed")
	f.BoolVar(&o.json, "json", false, "print JSON")
	c.MarkFlagsMutuallyExclusive("check", "dry-run")
	return c
}

type sdkJSON struct {
	File    string   `json:"file" doc:"the second config"`
	Origin  string   `json:"origin" doc:"the config that it is made from"`
	Asking  []string `json:"asking" doc:"profiles that ask fob"`
	Guarded []string `json:"guarded" doc:"those of them that are guarded: their clients get nothing until a person has answered in their terminal"`
	Others  []string `json:"others" doc:"profiles without credentials, which keep their settings"`
	Hidden  []string `json:"hidden" doc:"profiles whose keys in the credentials file the SDKs take first"`
	Left    []string `json:"left" doc:"profiles whose names cannot be written there"`
	Changed bool     `json:"changed" doc:"it was written, or would be"`
	Text    string   `json:"text,omitempty" doc:"with --dry-run: what it would hold"`
}

func (s System) runSDKConfig(ctx context.Context, g *globals, o sdkOptions) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	set, err := k.config()
	if err != nil {
		return err
	}
	if err := k.open(ctx); err != nil { // which profiles have a key
		return err
	}
	path, err := k.sdkPath(o.out)
	if err != nil {
		return err
	}
	if err := k.spared(path, set, o.out != ""); err != nil {
		return err
	}
	text, report, err := k.sdkText(set)
	if err != nil {
		return err
	}
	for _, name := range report.Left {
		s.say("left out profile %s: %s", profile.Shown(name), profile.Unwritable(name))
	}
	if o.dryRun && !o.json {
		_, err := s.Stdout.Write(text)
		return err
	}
	there, err := profile.Load(path, path)
	if err != nil {
		return noSDKConfig(err)
	}
	report.File, report.Changed = path, !bytes.Equal(there.Text(), text)
	mayReplace := func(there profile.Set) bool { return o.force || len(there.Text()) == 0 || !there.Edited() }
	switch {
	case o.check && report.Changed:
		return staleSDKConfig(path, there)
	case o.dryRun:
		report.Text = string(text)
	case o.check, !report.Changed:
	case !mayReplace(there):
		return &fault.Error{
			What: "cannot write " + fault.Line(path), Why: errors.New("a person wrote it, or changed it since fob did"),
			Next: []string{"write to another file: --out FILE", "replace it: --force"}, Code: fault.Config,
		}
	default:
		if err := k.writeSDKConfig(path, there, text, mayReplace); err != nil {
			return noSDKConfig(err)
		}
	}
	if o.json {
		return writeJSON(s.Stdout, report)
	}
	s.saySDKConfig(report, o.check)
	return nil
}

func (s System) saySDKConfig(r sdkJSON, checked bool) {
	done := map[bool]string{true: "wrote", false: "up to date:"}[r.Changed]
	s.say("%s %s: %d profile%s ask%s fob, %d without credentials", done, r.File, len(r.Asking), plural(len(r.Asking)), map[bool]string{true: "s"}[len(r.Asking) == 1], len(r.Others))
	if len(r.Guarded) > 0 {
		s.say("guarded: %s; what asks for them outside of a terminal gets nothing", strings.Join(r.Guarded, ", "))
	}
	for _, name := range r.Hidden {
		s.say("the SDKs take the keys of profile %q out of the credentials file first: fob import takes them into the store", name)
	}
	if !checked {
		s.say("use it: export AWS_CONFIG_FILE=%s", fault.Word(r.File))
	}
}

func noSDKConfig(err error) error {
	f := &fault.Error{What: "cannot write the config for SDKs", Why: err, Code: fault.Config}
	if p := (*profile.Error)(nil); errors.As(err, &p) {
		f.Next = p.Next
	}
	return f
}

// staleSDKConfig says in which way the file is not as it should be.
func staleSDKConfig(path string, there profile.Set) error {
	f := &fault.Error{What: "the config for SDKs is not as it should be", Next: []string{"fob sdk-config --out " + fault.Word(path)}, Code: fault.Config}
	switch {
	case len(there.Text()) == 0:
		f.Why = fmt.Errorf("%s is not there", path)
	case there.Origin() == "":
		f.Why, f.Next = fmt.Errorf("%s was not written by fob", path), []string{"name another file: --out FILE"}
	case there.Edited():
		f.Why, f.Next = fmt.Errorf("%s was changed by hand", path), []string{"make the change in " + fault.Word(there.Origin()) + ", then: fob sdk-config --force"}
	default:
		f.Why = fmt.Errorf("%s is older than what it is made from: profiles, keys, or where fob is have changed", path)
	}
	return f
}

// sdkText makes the file. A profile that cannot be entered asks nothing: its
// clients find out for themselves, as before.
func (k *keeper) sdkText(set profile.Set) ([]byte, sdkJSON, error) {
	report := sdkJSON{Origin: set.Path(), Asking: []string{}, Guarded: []string{}, Others: []string{}, Hidden: []string{}, Left: []string{}}
	inClear := k.inClear(set)
	kinds := source.Kinds(inClear)
	var broken error
	text, err := set.ForSDKs(func(p profile.Profile) string {
		c, err := chain.Resolve(set, kinds, k.hasKey, nil, unnarrowed(p.Name))
		if err != nil {
			report.Others = append(report.Others, p.Name)
			return ""
		}
		line, err := k.sys.processLine(p.Name)
		if err != nil {
			broken = err
		}
		report.Asking = append(report.Asking, p.Name)
		if c.Guard != guard.None {
			report.Guarded = append(report.Guarded, p.Name)
		}
		if inClear.Knows(p.Name) {
			report.Hidden = append(report.Hidden, p.Name)
		}
		return line
	}, "")
	for _, name := range set.Names() {
		if profile.Unwritable(name) != "" {
			report.Left = append(report.Left, name)
		}
	}
	if err = errors.Join(err, broken); err != nil {
		return nil, report, noSDKConfig(err)
	}
	return text, report, nil
}

// mostTries bounds how often a file is written that others write, too.
const mostTries = 100

// writeSDKConfig writes the file in the place of what is there, and remembers
// where it is. Where another run was faster it looks again: that one may have
// written the same, or what may be replaced as well.
func (k *keeper) writeSDKConfig(path string, there profile.Set, text []byte, mayReplace func(profile.Set) bool) error {
	if err := k.homeThere(); err != nil {
		return err
	}
	if err := k.makeFolder(path); err != nil {
		return err
	}
	for try := 1; !bytes.Equal(there.Text(), text); try++ {
		err := lock.WriteFile(path, text, lock.WriteOptions{FollowLink: true, Compare: true, Expect: there.Text()})
		if err == nil {
			break
		}
		if changed := (*lock.ChangedError)(nil); !errors.As(err, &changed) || try == mostTries {
			return err
		}
		now, unread := profile.Load(path, path)
		if unread != nil {
			return unread
		}
		if there = now; !mayReplace(there) {
			return err
		}
	}
	if err := lock.MakeDir(k.home.Data); err != nil {
		return err
	}
	return lock.WriteFile(k.sdkRecord(), []byte(path+"\n"), lock.WriteOptions{})
}

func (k *keeper) sdkRecord() string { return filepath.Join(k.home.Data, "sdk-config") }

// sdkWritten is the file that was written last, or "".
func (k *keeper) sdkWritten() string {
	text, err := lock.ReadFile(k.sdkRecord(), 64<<10)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(text), "\n")
}

// renewSDKConfig keeps the second config true to the first. It does so only when
// all is known that it is made from, and never replaces what a person has changed.
// A failure is told and is not the command's.
func (k *keeper) renewSDKConfig(set profile.Set) {
	path := k.sdkWritten()
	if exists, err := k.exists(); path == "" || !k.sys.agent.IsZero() || err != nil || exists && k.seal.IsZero() {
		return
	}
	mayReplace := func(there profile.Set) bool { return !there.Edited() && there.Origin() == set.Path() }
	there, err := profile.Load(path, path)
	if err != nil || !mayReplace(there) || k.spared(path, set, false) != nil {
		return
	}
	text, _, err := k.sdkText(set)
	if err == nil && !bytes.Equal(text, there.Text()) {
		if err = k.writeSDKConfig(path, there, text, mayReplace); err == nil {
			if k.sys.StderrIsTerminal() { // elsewhere it stands in the error text of the AWS CLI
				k.sys.say("renewed %s, since what it is made from has changed", path)
			}
		}
	}
	changed := (*lock.ChangedError)(nil) // by a person, whose it is now
	if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.As(err, &changed) {
		k.sys.say("could not renew %s: %v", path, err)
	}
}
