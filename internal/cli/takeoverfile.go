package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fob/internal/decide/profile"
	"fob/internal/fault"
	"fob/internal/keep/lock"
	"fob/internal/obtain/takeover"
)

// change is what is to be done to a file.
type change struct {
	set   profile.Set
	text  []byte
	names []string
}

// options are how the file is written: only if it is still what was read.
func (c change) options() lock.WriteOptions {
	return lock.WriteOptions{FollowLink: true, Compare: true, Expect: c.set.Text()}
}

// plan says which keys are taken out of the file, and asks.
func (t *taking) plan(ctx context.Context) (change, error) {
	file, ok := t.from.(keysFile)
	if !ok || !file.Replaceable() || t.o.keep {
		return change{}, nil
	}
	set, err := file.Load()
	if err != nil {
		return change{}, t.unread(err)
	}
	c := change{set: set}
	commands := map[string]string{}
	for _, key := range t.report.Keys {
		if err := takeover.MayReplace(set, t.config, key.Profile); err != nil {
			t.k.sys.say("the key of profile %s stays in %s, too: %v", profile.Shown(key.Profile), set.Display(), err)
			continue
		}
		if commands[key.Profile], err = t.k.sys.processLine(key.Profile); err != nil {
			return c, &fault.Error{What: "cannot find fob itself, to name it in " + set.Display(), Why: err, Next: []string{"leave the file as it is: --keep"}, Code: fault.Failed}
		}
		c.names = append(c.names, key.Profile)
	}
	if c.text, err = takeover.Replace(set, commands); err != nil {
		return c, t.unread(err)
	}
	if len(c.names) == 0 {
		return c, nil
	}
	if err := lock.MayWrite(set.Path(), c.options()); err != nil {
		f := &fault.Error{What: "cannot take the keys out of " + set.Display(), Why: err, Code: fault.Failed}
		f.Next = append(mending(err), "store them, and leave the file as it is: --keep")
		return c, f
	}
	if t.o.dryRun || t.o.yes {
		return c, nil
	}
	return c, t.ask(ctx, c)
}

// ask shows what will be done to the file.
func (t *taking) ask(ctx context.Context, c change) error {
	term, err := t.k.sys.OpenTTY()
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return &fault.Error{What: "cannot ask whether " + c.set.Display() + " may be changed", Why: f.Why, Next: []string{"say so beforehand: --yes", "or leave the file as it is: --keep"}, Code: f.Code}
	}
	if err != nil {
		return err
	}
	defer term.Close()
	for line := range strings.Lines(takeover.Diff(c.set.Text(), c.text, c.set.Display())) {
		term.Say(strings.TrimSuffix(line, "\n"))
	}
	yes, err := term.Confirm(ctx, fmt.Sprintf("Store %d key%s, and change the file so?", len(t.report.Keys), plural(len(t.report.Keys))))
	if err == nil && !yes {
		err = &fault.Error{What: "nothing was stored or changed", Next: []string{"store the keys and leave the file as it is: --keep"}, Code: fault.Failed}
	}
	return err
}

// backup is the copy of a file that is to be changed.
type backup struct {
	path string
	old  bool // a run that was cut off has made it
}

// beforeFob is what the names of such copies have in common.
const beforeFob = ".before-fob-"

// copyOf writes a copy of the file beside it, under a name that nothing has. Of
// a file that has not changed since, there is one copy only.
func (t *taking) copyOf(set profile.Set) (b backup, err error) {
	dir, base := filepath.Split(set.Path())
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), base+beforeFob) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if text, err := lock.ReadFile(path, int64(len(set.Text()))); err == nil && bytes.Equal(text, set.Text()) {
			return backup{path: path, old: true}, nil
		}
	}
	stamp := set.Path() + beforeFob + t.k.sys.Now().UTC().Format("20060102T150405Z")
	b.path = stamp
	for n := 2; ; n++ {
		err = lock.WriteFile(b.path, set.Text(), lock.WriteOptions{Mode: 0o600, Create: true, CountAs: base})
		if !errors.Is(err, fs.ErrExist) || n > 100 {
			return b, err
		}
		b.path = fmt.Sprintf("%s-%d", stamp, n)
	}
}

// replace writes the file without the keys, when a copy of it is beside it. A
// copy beside a file that stays as it was would be one more place with keys in
// clear.
func (t *taking) replace(ctx context.Context, c change) error {
	if len(c.names) == 0 {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b, err := t.copyOf(c.set)
	if err = t.settled(err); err != nil {
		return t.unchanged(c, err)
	}
	if err = t.settled(lock.WriteFile(c.set.Path(), c.text, c.options())); err == nil {
		t.report.Backup = b.path
		return nil
	}
	if b.old || os.Remove(b.path) != nil {
		t.report.Backup = b.path
	}
	return t.unchanged(c, err)
}

// settled tells of a write that took place and which a power cut may undo.
func (t *taking) settled(err error) error {
	late := (*lock.NotDurableError)(nil)
	if !errors.As(err, &late) {
		return err
	}
	t.k.sys.say("%v", late)
	return nil
}

// unchanged says why the file is as it was, though the keys are stored.
func (t *taking) unchanged(c change, err error) error {
	again := func(flag string) string {
		line := "fob import --from " + t.from.Name() + flag
		if t.o.path != "" {
			line += " " + fault.Operand(t.o.path)
		}
		return line
	}
	f := &fault.Error{What: "the keys are stored, but " + c.set.Display() + " could not be changed", Why: err, Code: fault.Failed}
	if t.report.Backup != "" {
		f.Next = append(f.Next, "remove the copy, which has the keys in clear: rm "+fault.Operand(t.report.Backup))
	}
	if changed := (*lock.ChangedError)(nil); errors.As(err, &changed) {
		f.Next = append(f.Next, "run this again: "+again(""))
		return f
	}
	f.Next = append(f.Next, mending(err)...)
	if len(f.Next) < 2 {
		f.Next = append(f.Next, "once that is mended: "+again(""))
	}
	f.Next = append(f.Next, "or leave the keys in it: "+again(" --keep"))
	return f
}

// mending is what helps against a file that is refused.
func mending(err error) []string {
	if unsafe := (*lock.UnsafeError)(nil); errors.As(err, &unsafe) {
		return mend(unsafe)
	}
	return nil
}

// sweep removes what runs that were killed have left beside the file: it has the
// keys in clear, and this run may come to write nothing there.
func (t *taking) sweep() {
	file, ok := t.from.(keysFile)
	if !ok || !file.Replaceable() || t.o.dryRun {
		return
	}
	if set, err := file.Load(); err == nil && set.Path() != "" {
		_ = lock.Clean(filepath.Dir(set.Path()), filepath.Base(set.Path()))
	}
}
