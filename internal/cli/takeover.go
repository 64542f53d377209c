package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/fault"
	"fob/internal/keep/store"
	"fob/internal/obtain/keys"
	"fob/internal/obtain/takeover"
)

type importedJSON struct {
	From     string        `json:"from" doc:"the kind of place, as --from calls it"`
	Where    string        `json:"where" doc:"the file, folder or service"`
	DryRun   bool          `json:"dry_run" doc:"nothing was done"`
	Keys     []importedKey `json:"keys" doc:"the keys that are stored now, or would be"`
	Left     []leftKey     `json:"left" doc:"what was not taken"`
	Sessions int           `json:"sessions" doc:"temporary credentials there, which fob does not take"`
	Replaced []string      `json:"replaced" doc:"profiles whose key in the file is a credential_process line now, or would be"`
	Backup   string        `json:"backup,omitempty" doc:"the copy of the file as it was, with the keys in it"`
}

type importedKey struct {
	Profile string `json:"profile" doc:"the profile that it is stored for"`
	Key     string `json:"key" doc:"its id, cut short"`
	New     bool   `json:"new" doc:"it was not stored before"`
}

type leftKey struct {
	Profile string `json:"profile" doc:"its name there"`
	Why     string `json:"why" doc:"why it was not taken"`
	wanted  bool   // a person would expect it to be taken
}

// taking is one run that takes keys over. Every key is in the store, and was
// read back from it, before the place that it came from is changed.
type taking struct {
	k      *keeper
	o      importOptions
	from   takeover.Source
	config profile.Set
	store  []takeover.Key // to be stored
	report importedJSON
	next   []string // what to try for what was left
	// newStore says that there was no store when the keys were judged.
	newStore bool
}

// keysFile is a source whose keys can be taken out of it.
type keysFile interface {
	Replaceable() bool
	Load() (profile.Set, error)
}

func (t *taking) run(ctx context.Context) error {
	t.sweep()
	haul, err := t.from.Take(ctx, t.wanted())
	if err != nil {
		return t.unread(err)
	}
	if err := t.open(ctx); err != nil {
		return err
	}
	t.k.close() // nobody waits for what is asked from here on
	t.report.Sessions = haul.Sessions
	for _, w := range haul.Warnings {
		t.k.sys.say("%s", w)
	}
	for _, l := range haul.Left {
		t.leave(l.Name, l.Why, !l.Expected)
	}
	if err := t.judge(ctx, haul); err != nil {
		return err
	}
	change, err := t.plan(ctx)
	if err != nil {
		return err
	}
	if !t.o.dryRun {
		if err := t.keep(ctx); err != nil {
			return err
		}
		if err := t.replace(ctx, change); err != nil {
			return t.halfway(err)
		}
	}
	return t.tell(haul, change)
}

// open opens the store, or for a dry run no more than what tells which keys it
// has. A store that is not there is made when there is something to keep in it.
func (t *taking) open(ctx context.Context) error {
	exists, err := t.k.exists()
	if err != nil {
		return err
	}
	if t.newStore = !exists; t.newStore || t.o.dryRun {
		return t.k.open(ctx)
	}
	if _, err := t.k.openOrMake(ctx); err != nil {
		return err
	}
	t.k.close()
	return t.k.offerRecovery(ctx, false, !t.k.sys.canAsk())
}

// makeStore makes the store that was not there when the keys were judged.
func (t *taking) makeStore(ctx context.Context) error {
	made, err := t.k.openOrMake(ctx)
	if err != nil {
		return err
	}
	if !made {
		return &fault.Error{What: "cannot go on: another run has made the store meanwhile", Next: []string{"run this again"}, Code: fault.Failed}
	}
	t.k.close()
	return t.k.offerRecovery(ctx, true, !t.k.sys.canAsk())
}

func (t *taking) wanted() takeover.Wanted {
	if len(t.o.profiles) == 0 {
		return nil
	}
	return func(name string) bool { return slices.Contains(t.o.profiles, name) }
}

// unread says why nothing could be read.
func (t *taking) unread(err error) error {
	if done := (*fault.Error)(nil); errors.As(err, &done) || errors.Is(err, context.Canceled) {
		return err
	}
	f := &fault.Error{What: "cannot read the keys of " + t.from.Name(), Why: err, Code: fault.Failed}
	if wrong := (*takeover.WrongPassphraseError)(nil); errors.As(err, &wrong) {
		f.What, f.Code = "wrong passphrase", fault.Locked
		f.Next = []string{"give another: AWS_VAULT_FILE_PASSPHRASE, or leave it unset and be asked"}
	}
	if p := (*profile.Error)(nil); errors.As(err, &p) {
		f.Next, f.Code = p.Next, fault.Config
	}
	return f
}

func (t *taking) leave(name string, why error, wanted bool) {
	if f := (*fault.Error)(nil); errors.As(why, &f) && f.Why != nil {
		why = f.Why // not what could not be done, which is said once
	}
	if errors.Is(why, takeover.ErrNotOpened) {
		t.next = []string{"give the other passphrase by AWS_VAULT_FILE_PASSPHRASE, and run this again"}
	}
	t.report.Left = append(t.report.Left, leftKey{Profile: name, Why: why.Error(), wanted: wanted})
}

// judge sorts the keys that were read: to be stored, stored already, or left.
func (t *taking) judge(ctx context.Context, haul takeover.Haul) error {
	seen := map[string]bool{}
	for _, key := range haul.Keys {
		if key.Name == "" { // the person has one
			if len(t.o.profiles) != 1 || len(haul.Keys) != 1 {
				return t.nameless(len(haul.Keys))
			}
			key.Name = t.o.profiles[0]
		}
		if seen[key.Name] {
			t.leave(key.Name, errors.New("there is a second key of that name"), true)
			continue
		}
		seen[key.Name] = true
		there, err := t.k.has(ctx, key, t.o.overwrite)
		if err == nil {
			err = keys.MayHold(t.config, key.Name)
		}
		switch {
		case errors.Is(err, context.Canceled):
			return err
		case err != nil:
			t.leave(key.Name, err, true)
			continue
		case !there:
			t.store = append(t.store, key)
		}
		t.report.Keys = append(t.report.Keys, importedKey{Profile: key.Name, Key: cred.Short(key.Key.ID), New: !there})
	}
	for _, name := range t.o.profiles {
		if !seen[name] && !slices.ContainsFunc(t.report.Left, func(l leftKey) bool { return l.Profile == name }) {
			t.leave(name, noSuchKey(haul.Passed), true)
		}
	}
	return nil
}

// has says whether the store has this very key for its profile, and why it
// cannot take it.
func (k *keeper) has(ctx context.Context, key takeover.Key, overwrite bool) (bool, error) {
	if err := keys.Check(key.Key); err != nil {
		return false, err
	}
	kept, ok := k.index.Keys[key.Name]
	if !ok {
		return false, nil
	}
	same := kept.ID == key.Key.ID
	if same && !k.identity.IsZero() {
		r, err := k.vault.Record(ctx, key.Name)
		if err != nil {
			return false, storeFault(err)
		}
		same = r.Key.Secret.Equal(key.Key.Secret)
	}
	switch _, rotates := k.index.Rotations[key.Name]; {
	case same:
		return true, nil
	case rotates:
		return false, rotating(key.Name)
	case !overwrite:
		return false, fmt.Errorf("another key is stored for it, %s; --overwrite replaces it", cred.Short(kept.ID))
	}
	return false, nil
}

// keep stores the keys, and reads each back.
func (t *taking) keep(ctx context.Context) error {
	if len(t.store) == 0 {
		return nil
	}
	if t.newStore {
		if err := t.makeStore(ctx); err != nil {
			return err
		}
	}
	if err := t.k.hold(ctx); err != nil {
		return err
	}
	for _, key := range t.store {
		if err := t.k.put(ctx, store.Record{Name: key.Name, Key: key.Key, Created: t.k.sys.Now().UTC()}); err != nil {
			return err
		}
		kept, err := t.k.vault.Record(ctx, key.Name)
		if err != nil {
			return storeFault(err)
		}
		if kept.Key.ID != key.Key.ID || !kept.Key.Secret.Equal(key.Key.Secret) {
			return &fault.Error{What: "cannot go on: the key of profile " + profile.Shown(key.Name) + " was changed by another run", Next: []string{"run this again"}, Code: fault.Failed}
		}
		t.k.sys.say("stored the key %s for profile %s (%s)", cred.Short(key.Key.ID), profile.Shown(key.Name), key.From)
	}
	return nil
}

// halfway is the end of a run whose keys are stored and whose file is as it was.
func (t *taking) halfway(err error) error {
	if !t.o.json {
		return err
	}
	return errors.Join(writeJSON(t.k.sys.Stdout, t.report), err)
}

// tell says what came of it. A dry run's answer is what was asked for, so it
// goes to standard output.
func (t *taking) tell(haul takeover.Haul, c change) error {
	t.report.Replaced = append(t.report.Replaced, c.names...)
	if t.o.json {
		if err := writeJSON(t.k.sys.Stdout, t.report); err != nil {
			return err
		}
		return t.incomplete()
	}
	say := t.k.sys.say
	if t.o.dryRun {
		say = func(format string, args ...any) {
			_, _ = fmt.Fprintln(t.k.sys.Stdout, fault.Line(fmt.Sprintf(format, args...)))
		}
	}
	for _, key := range t.report.Keys {
		switch {
		case !key.New:
			say("the key %s of profile %s is stored already", key.Key, profile.Shown(key.Profile))
		case t.o.dryRun:
			say("would store the key %s for profile %s", key.Key, profile.Shown(key.Profile))
		}
	}
	t.sayWithoutSection()
	for _, l := range t.report.Left {
		if !l.wanted {
			say("left %s: %s", profile.Shown(l.Profile), l.Why)
		}
	}
	if n := haul.Sessions; n > 0 {
		say("left %d session%s: fob makes its own", n, plural(n))
	}
	if n := haul.Unknown; n > 0 {
		say("did not look at %d other entr%s; to take one that is a key: --profile NAME", n, map[bool]string{true: "y", false: "ies"}[n == 1])
	}
	switch {
	case len(c.names) == 0:
	case t.o.dryRun:
		_, _ = fmt.Fprint(t.k.sys.Stdout, fault.Printable(takeover.Diff(c.set.Text(), c.text, c.set.Display())))
	default:
		say("replaced the key%s of %s in %s; once all works, remove the copy, which has the key%s in clear: rm %s", plural(len(c.names)), strings.Join(c.names, ", "), c.set.Display(), plural(len(c.names)), fault.Operand(t.report.Backup))
		say("the key%s lay in clear; a new one is safer: fob rotate %s", plural(len(c.names)), fault.Operand(c.names[0]))
	}
	return t.incomplete()
}

// incomplete is the fault of a run that left something that it was to take.
func (t *taking) incomplete() error {
	var why []string
	for _, l := range t.report.Left {
		if l.wanted {
			why = append(why, profile.Shown(l.Profile)+": "+l.Why)
		}
	}
	if len(why) > 0 {
		return &fault.Error{What: fmt.Sprintf("cannot take over %d key%s of %s", len(why), plural(len(why)), t.from.Where()), Why: errors.New(strings.Join(why, "\n")), Next: t.next, Code: fault.Failed}
	}
	if len(t.report.Keys) == 0 && len(t.report.Left) == 0 {
		return &fault.Error{What: "there is no key in " + t.from.Where(), Next: []string{"see what there is: fob import"}, Code: fault.Failed}
	}
	return nil
}
