package health

import (
	"errors"
	"slices"
	"strings"

	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

// Plan is what becomes of one profile: a chain, or why there is none.
type Plan struct {
	Name  string
	Chain chain.Chain
	Err   error
	// Assumed says that which keys are stored is not known.
	Assumed bool
	// Agent says why agents get nothing of it by a mistake in the config, "" where
	// there is none, and Mend what corrects that.
	Agent, Mend string
}

// Config judges what the config says, given what comes of all of its profiles.
func Config(set profile.Set, plans []Plan) []Finding {
	c := &config{set: set, told: map[string]bool{}}
	c.mistakes()
	return c.judge(plans)
}

// Profiles judges what the config says of these profiles.
func Profiles(set profile.Set, plans []Plan) []Finding {
	return (&config{set: set}).judge(plans)
}

func (c *config) judge(plans []Plan) []Finding {
	c.unusable(plans)
	c.agents(plans)
	c.shortened(plans)
	for _, p := range plans {
		c.section(p.Name)
		c.foreignDevice(p)
	}
	c.regions(plans)
	usable := slices.DeleteFunc(slices.Clone(plans), func(p Plan) bool { return p.Err != nil })
	if len(usable) > 0 {
		text := count(len(usable), "profile") + " of " + c.set.Display() + " can be used"
		if usable[0].Assumed {
			text += ", if their keys are stored: the store is locked"
		}
		c.tell(Fine, text, "")
	}
	c.withoutDevice(usable)
	return c.found
}

// mostMistakes keeps a file of junk from filling the screen.
const mostMistakes = 10

type config struct {
	set   profile.Set
	told  map[string]bool // mistakes in the text, by what is said of them
	found []Finding
}

func (c *config) tell(level, what, why string, next ...string) {
	c.found = append(c.found, Finding{Level: level, What: what, Why: why, Next: next})
}

// mistakes are those of the text, whichever profile they spoil.
func (c *config) mistakes() {
	for _, text := range c.set.FileWarnings() {
		if !strings.Contains(text, "a group of users can write") { // Modes tells of that
			c.tell(Warning, text, "")
		}
	}
	for _, e := range c.set.Unread() {
		c.tell(Warning, e.Error(), "", e.Next...)
	}
	mistakes := c.set.Mistakes()
	for i, e := range mistakes {
		if c.told[e.Error()] = true; i == mostMistakes {
			c.tell(Wrong, "there are "+count(len(mistakes)-i, "mistake")+" more in "+c.set.Display(), "", "see them all: fob list --profiles")
		}
		switch {
		case i >= mostMistakes:
		case strings.Contains(e.Text, "the first is ignored"):
			c.tell(Warning, e.Error(), "", "make one section of the two")
		default:
			c.tell(Wrong, e.Error(), "", e.Next...)
		}
	}
}

// withoutDevice tells of roles that the key alone enters.
func (c *config) withoutDevice(usable []Plan) {
	var without []string
	for _, p := range usable {
		steps := p.Chain.Steps
		device := slices.ContainsFunc(steps, func(s source.Step) bool { return source.Device(s).Serial != "" })
		role := slices.ContainsFunc(steps, func(s source.Step) bool { return source.CardOf(s).Role != "" })
		if p.Chain.Key != "" && role && !device {
			without = append(without, p.Name)
		}
	}
	if len(without) > 0 {
		c.tell(Fine, "no mfa_serial on the way of "+profilesOf(without)+": the stored key alone enters the role", "")
	}
}

// empty tells of a section that says nothing, and that nothing leads to.
func (c *config) empty(name string, keyless groups) {
	p, err := c.set.Section(name)
	if err != nil || len(p.Keys()) > 0 || name == "default" || keyless.names[name] != nil {
		return
	}
	c.tell(Warning, "profile "+fault.Line(name)+" is empty, and no key is stored for it", "", "fob add "+fault.Operand(name), "or remove [profile "+fault.Line(name)+"] at "+p.Where())
}

// unusable tells of each reason for which profiles cannot be used once.
func (c *config) unusable(plans []Plan) {
	var keyless, elsewhere, broken groups
	var nothing []string
	first := map[string]error{} // by what tells the reasons apart
	for _, p := range plans {
		lacks, noKey := chain.LacksKey(p.Err)
		setting := (*source.SettingError)(nil)
		switch {
		case p.Err == nil:
		case noKey && c.asksForNothing(p.Name) && lacks == p.Name:
			nothing = append(nothing, p.Name)
		case noKey:
			keyless.add(lacks, p.Name)
		case errors.As(p.Err, &setting) && slices.Contains([]string{"sso_start_url", "sso_session", "login_session"}, setting.Setting.Key):
			elsewhere.add("", p.Name)
		default:
			same := sameReason(reason(p.Err))
			if first[same] == nil {
				first[same] = p.Err
			}
			broken.add(same, p.Name)
		}
	}
	for _, same := range broken.texts {
		if why := reason(first[same]); !c.told[why] {
			c.tell(Wrong, "cannot use "+profilesOf(broken.names[same]), why, c.mendsOf(first[same])...)
		}
	}
	for _, lacks := range keyless.texts {
		c.tell(Warning, "no key is stored for profile "+profile.Shown(lacks), "what begins with it: "+profilesOf(keyless.names[lacks]), "fob add "+fault.Operand(lacks))
	}
	for _, name := range nothing {
		c.empty(name, keyless)
	}
	if names := elsewhere.names[""]; names != nil {
		c.tell(Skipped, profilesOf(names), "credentials of IAM Identity Center or aws login, which the AWS CLI gets")
	}
}

// agents tells of each mistake by which agents get nothing once. What keeps people
// out too is told already.
func (c *config) agents(plans []Plan) {
	var found groups
	mend := map[string]string{}
	for _, p := range plans {
		if _, noKey := chain.LacksKey(p.Err); p.Agent != "" && (p.Err == nil || noKey) {
			found.add(p.Agent, p.Name)
			mend[p.Agent] = p.Mend
		}
	}
	for _, why := range found.texts {
		c.tell(Wrong, "agents get nothing of "+profilesOf(found.names[why]), why, mend[why])
	}
}

// asksForNothing says whether a profile holds settings for others to take, such as
// a [default] with a region: that it has no key is no mistake.
func (c *config) asksForNothing(name string) bool {
	p, err := c.set.Section(name)
	if err != nil {
		return false
	}
	for _, key := range []string{"role_arn", "source_profile", "mfa_process", "include_profile"} {
		if _, asks := p.Setting(key); asks {
			return false
		}
	}
	_, device := p.Setting("mfa_serial")
	return !device || name == "default"
}

func profilesOf(names []string) string {
	shown := make([]string, len(names))
	for i, name := range names {
		shown[i] = fault.Line(name)
	}
	if len(names) == 1 {
		return "profile " + shown[0]
	}
	return count(len(names), "profile") + " (" + listed(shown) + ")"
}

// reason is why a profile cannot be used, without its name.
func reason(err error) string {
	if f := (*fault.Error)(nil); errors.As(err, &f) && f.Why != nil {
		return f.Why.Error()
	}
	return err.Error()
}

// sameReason is one text for one reason: a circle is the same wherever one enters it.
func sameReason(why string) string {
	before, circle, ok := strings.Cut(why, "goes round in a circle: ")
	if !ok {
		return why
	}
	words := strings.Fields(strings.NewReplacer("(", "", ")", "", ",", "").Replace(circle))
	slices.Sort(words)
	return before + strings.Join(slices.Compact(words), " ")
}

// mendsOf is what is known to help, the account's lost digit before the rest.
func (c *config) mendsOf(err error) []string {
	var next []string
	if set := (*source.SettingError)(nil); errors.As(err, &set) {
		known, zeros := c.wholeIDs(set.Setting.Value)
		if known != "" {
			next = append(next, "write the account's id with all twelve digits at "+set.Setting.From+": "+set.Setting.Key+" = "+known)
		}
		if zeros != "" {
			next = append(next, "if a zero at the front of the account's id was lost, write at "+set.Setting.From+": "+set.Setting.Key+" = "+zeros)
		}
	}
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		next = append(next, f.Next...)
	}
	if len(next) == 0 {
		next = []string{"correct it, then: fob doctor"}
	}
	return next
}

// wholeIDs are an ARN whose account's id is too short with the ids that may be
// meant: one that the config has elsewhere, and the one with zeros in front.
func (c *config) wholeIDs(arn string) (known, zeros string) {
	f := strings.SplitN(arn, ":", 6)
	if len(f) < 6 || f[0] != "arn" {
		return "", ""
	}
	with := func(id string) string {
		if id == "" {
			return ""
		}
		f[4] = id
		return strings.Join(f, ":")
	}
	known, zeros = chain.MeantAccount(f[4], chain.Accounts(c.set))
	if known == zeros {
		zeros = ""
	}
	return with(known), with(zeros)
}

// shortened tells of sessions that are shorter than the config asks for.
func (c *config) shortened(plans []Plan) {
	var cut groups
	for _, p := range plans {
		for _, text := range p.Chain.Warnings {
			if strings.Contains(text, " asks for ") && strings.HasPrefix(text, c.set.Display()) {
				cut.add(text, p.Name)
			}
		}
	}
	for _, text := range cut.texts {
		at, _, _ := strings.Cut(text, " ")
		c.tell(Warning, "duration_seconds cannot be had by "+profilesOf(cut.names[text]), text, "write duration_seconds = 3600 at "+at)
	}
}

// foreignDevice finds a device of another account than the user's: AWS takes a
// code with the user's own only.
func (c *config) foreignDevice(p Plan) {
	if p.Err != nil || p.Chain.Key == "" || p.Name == p.Chain.Key {
		return
	}
	own, ok := c.device(p.Name)
	base, ok2 := c.device(p.Chain.Key)
	if !ok || !ok2 {
		return
	}
	mine, theirs := source.Account(base.Value), source.Account(own.Value)
	if mine == "" || theirs == "" || mine == theirs {
		return
	}
	c.tell(Wrong, "mfa_serial of profile "+fault.Line(p.Name)+" ("+own.From+") is a device of account "+theirs,
		"the user of its key is in account "+mine+", and AWS takes codes of the user's own devices only", "remove the line, or write mfa_serial = "+base.Value+" at "+own.From)
}

func (c *config) device(name string) (profile.Setting, bool) {
	p, err := c.set.Profile(name)
	if err != nil {
		return profile.Setting{}, false
	}
	return p.Setting("mfa_serial")
}

// regions finds profiles without a region: the programs that use them ask for one.
func (c *config) regions(plans []Plan) {
	var without []string
	for _, p := range plans {
		if p.Err == nil && p.Chain.Region == "" {
			without = append(without, p.Name)
		}
	}
	if len(without) > 0 {
		c.tell(Warning, "no region for "+profilesOf(without), "most programs do not run without one", "write region = NAME below [default] in "+c.set.Display()+", for fob", "or below each profile, for AWS tools without fob, too")
	}
}

// section judges the settings of one section: names that nobody knows, and what
// tools that read the file by themselves do not take from [default].
func (c *config) section(name string) {
	p, err := c.set.Section(name)
	if err != nil {
		return // told already
	}
	for _, key := range p.Keys() {
		if near := misspelt(key); near != "" {
			set, _ := p.Setting(key)
			c.tell(Warning, "no tool knows "+profile.Shown(key)+" of profile "+fault.Line(name)+" ("+set.From+")", "perhaps "+near+" is meant", "write "+near+" at "+set.From)
		}
	}
	_, process := p.Setting("credential_process")
	base, err := c.set.Section("default")
	if region := base.Value("region"); err == nil && process && name != "default" && region != "" && p.Value("region") == "" {
		c.tell(Warning, "profile "+fault.Line(name)+" has no region of its own", "AWS tools that read its credential_process take none from [default]", "write region = "+region+" below "+p.Where())
	}
}
