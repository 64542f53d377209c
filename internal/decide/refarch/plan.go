package refarch

import (
	"errors"
	"slices"
	"strings"

	"fob/internal/decide/profile"
)

// Note is the comment by which a profile that fob wrote is known. A person who
// takes the line out has the profile for themselves; who writes it into a section
// of their own hands that over.
const Note = "written by fob configure"

// Wanted is what the config is to hold.
type Wanted struct {
	Source string // the profile with the key
	Serial string // its MFA device, "" for none
	Region string // for [default], "" to leave it alone
	Grants []Grant
	Prune  bool
	// Guard puts fob_guard = code on the profile with the key and, in the accounts
	// that are WorthGuarding, on those of roles that do more than read. Without it a guard that is there stays.
	Guard bool
}

// Do is what becomes of a profile.
type Do string

// What becomes of a profile.
const (
	Add    Do = "add"
	Set    Do = "set"    // some of its settings
	Remove Do = "remove" // fob wrote it all, and it is not wanted any more
	Leave  Do = "leave"  // a person wrote it, and it says something else
)

// Change is what becomes of one profile. Those that stay as they are have none.
type Change struct {
	Profile  string
	Do       Do
	Settings []SettingChange
	// Where is the place in the file, "" for what is added.
	Where string
	// Note is a comment that comes or goes with the profile, or "".
	Note string
}

// SettingChange is one setting before and after; "" is for none.
type SettingChange struct{ Key, Before, After string }

// Plan says what to change in a config, and what then stands in it.
type Plan struct {
	Changes []Change
	Text    []byte
	// Stale are profiles that fob wrote, that are not wanted any more and that
	// stay: Prune was not asked for, or a person has added something or needs them.
	Stale []string
}

// Changed says whether the text is another one than before.
func (p Plan) Changed() bool {
	return slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Do != Leave })
}

// planner gathers the changes.
type planner struct {
	set   profile.Set
	plan  Plan
	edits []profile.Edit
	added []profile.Addition
}

// Make decides on the changes. It touches what Note stands in and what is not
// there yet, besides region in [default] and a missing mfa_serial of the source.
// Errors are *Error and *profile.Error.
func Make(set profile.Set, w Wanted) (Plan, error) {
	p := &planner{set: set}
	sections, err := w.sections()
	if err != nil {
		return Plan{}, err
	}
	if w.Region != "" {
		if err := p.region(w.Region); err != nil {
			return Plan{}, err
		}
	}
	for _, s := range sections {
		if err := p.want(s, s.Name == w.Source); err != nil {
			return Plan{}, err
		}
	}
	p.prune(w, sections)
	text, err := set.WithEdits(p.edits)
	if err != nil {
		return Plan{}, err
	}
	if set, err = set.WithText(text); err != nil {
		return Plan{}, err
	}
	p.plan.Text, err = set.WithProfiles(p.added)
	return p.plan, err
}

// sections are the profiles that are wanted, in the order in which they are
// written.
func (w Wanted) sections() ([]profile.Addition, error) {
	source := profile.Addition{Name: w.Source, Note: Note}
	if w.Serial != "" {
		source.Settings = []profile.Setting{{Key: "mfa_serial", Value: w.Serial}}
	}
	serial := source.Settings
	source.Settings = append(slices.Clone(serial), w.guards("", "")...)
	all := []profile.Addition{source}
	from := map[string]string{w.Source: "the profile with the key"}
	for _, g := range w.Grants {
		name := ProfileName(g.Account.Name, g.Key)
		of := "account " + shown(g.Account.Name) + " with role " + shown(g.Key)
		if other := from[name]; other != "" {
			return nil, &Error{Text: "two profiles would be called " + shown(name) + ": " + other + ", and " + of, Next: []string{"rename an account", "leave a role out: --roles"}}
		}
		from[name] = of
		settings := []profile.Setting{{Key: "source_profile", Value: w.Source}}
		settings = append(settings, serial...)
		arn := "arn:" + partition(w.Serial) + ":iam::" + g.Account.ID + ":role/" + g.Role
		settings = append(settings, profile.Setting{Key: "role_arn", Value: arn})
		all = append(all, profile.Addition{Name: name, Note: Note, Settings: append(settings, w.guards(g.Account.Name, g.Key)...)})
	}
	return all, nil
}

// partition is that of the person's own device, since roles are entered within
// one.
func partition(serial string) string {
	if parts := strings.SplitN(serial, ":", 3); len(parts) == 3 && parts[0] == "arn" && parts[1] != "" {
		return parts[1]
	}
	return "aws"
}

// region sees to [default], from where it reaches every profile.
func (p *planner) region(region string) error {
	if !p.set.Has("default") {
		p.add(profile.Addition{Name: "default", Settings: []profile.Setting{{Key: "region", Value: region}}})
		return nil
	}
	own, err := p.set.Section("default")
	if err != nil || own.Value("region") == region {
		return err
	}
	p.change(own, []SettingChange{{"region", own.Value("region"), region}})
	return nil
}

func (p *planner) add(a profile.Addition) {
	p.added = append(p.added, a)
	c := Change{Profile: a.Name, Do: Add, Note: a.Note}
	for _, s := range a.Settings {
		c.Settings = append(c.Settings, SettingChange{s.Key, "", s.Value})
	}
	p.plan.Changes = append(p.plan.Changes, c)
}

// change sets settings of a section that is there.
func (p *planner) change(own profile.Profile, to []SettingChange) {
	p.plan.Changes = append(p.plan.Changes, Change{Profile: own.Name, Do: Set, Settings: to, Where: own.Where()})
	e := profile.Edit{Name: own.Name}
	for _, s := range to {
		e.Settings = append(e.Settings, profile.Setting{Key: s.Key, Value: s.After})
	}
	p.edits = append(p.edits, e)
}

// want sees to one profile. In a section that a person wrote nothing is changed;
// the profile with the key gets what it lacks.
func (p *planner) want(a profile.Addition, source bool) error {
	own, err := p.set.Section(a.Name)
	if unknown := (*profile.UnknownError)(nil); errors.As(err, &unknown) {
		p.add(a)
		return nil
	}
	if err != nil {
		return err
	}
	var differ []SettingChange
	lacks := true
	for _, s := range a.Settings {
		if have := own.Value(s.Key); have != s.Value {
			differ = append(differ, SettingChange{s.Key, have, s.Value})
			lacks = lacks && have == ""
		}
	}
	switch {
	case len(differ) == 0:
		return nil
	case p.set.Noted(a.Name, Note), source && (lacks || ofAdd(own)):
		p.change(own, differ)
		return nil
	}
	p.plan.Changes = append(p.plan.Changes, Change{Profile: own.Name, Do: Leave, Settings: differ, Where: own.Where()})
	return nil
}

// ofAdd says whether a profile with a key has nothing but what fob writes when it
// stores the key, or enrols the device.
func ofAdd(own profile.Profile) bool {
	return slices.Equal(own.Keys(), []string{"mfa_serial"})
}

// prune looks for profiles that fob wrote for this source and that are not wanted
// any more. What a person has written into one stays, and so does one that a
// person's profile is made from.
func (p *planner) prune(w Wanted, wanted []profile.Addition) {
	keep := make(map[string]bool)
	for _, a := range wanted {
		keep[a.Name] = true
	}
	needed := p.needed()
	for _, name := range p.set.Names() {
		if keep[name] || !p.set.Noted(name, Note) {
			continue
		}
		own, err := p.set.Section(name)
		if err != nil || own.Value("source_profile") != w.Source {
			continue // not to be read, or of another source
		}
		if !w.Prune || needed[name] || p.set.Remarked(name, Note) || slices.ContainsFunc(own.Keys(), notOurs) {
			p.plan.Stale = append(p.plan.Stale, name)
			continue
		}
		p.remove(own)
	}
}

// needed are the profiles that others are made from.
func (p *planner) needed() map[string]bool {
	all := make(map[string]bool)
	for _, name := range p.set.Names() {
		if own, err := p.set.Section(name); err == nil {
			all[own.Value("source_profile")], all[own.Value("include_profile")] = true, true
		}
	}
	return all
}

// notOurs says whether fob writes no such setting: it is a person's then, and
// perhaps a secret.
func notOurs(key string) bool {
	return key != "source_profile" && key != "mfa_serial" && key != "role_arn" && key != guardSetting().Key
}

func (p *planner) remove(own profile.Profile) {
	c := Change{Profile: own.Name, Do: Remove, Note: Note, Where: own.Where()}
	for _, key := range own.Keys() {
		c.Settings = append(c.Settings, SettingChange{key, own.Value(key), ""})
	}
	p.plan.Changes = append(p.plan.Changes, c)
	p.edits = append(p.edits, profile.Edit{Name: own.Name, Remove: true})
}
