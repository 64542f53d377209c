package profile

import (
	"slices"
	"strings"
)

// maxIncludes ends a chain of include_profile that nobody can have meant.
const maxIncludes = 100

// Profile reads a profile and all that it includes. Errors: *UnknownError when
// the file has no such section; *Error, with the line, for a mistake in a
// section that it touches.
func (s Set) Profile(name string) (Profile, error) {
	own, err := s.section(profiles, name)
	if err != nil {
		return Profile{}, err
	}
	held, err := s.good(own)
	if err != nil {
		return Profile{}, err
	}
	p := Profile{Name: name, display: s.display, line: own.line, held: held}
	if p.held, err = s.include(own, held); err != nil {
		return Profile{}, err
	}
	if name != "default" {
		from, bad := s.base()
		for _, b := range bad {
			if _, have := p.Setting(b.key); b.key == anyKey || !have && harmless(b.key) {
				return Profile{}, s.mistake("default", b)
			}
		}
		p.held = fill(p.held, from, harmless)
	}
	return s.withServices(p)
}

// Bare is a profile that has no section, for a key that is stored under a name
// the file does not know: what [default] gives, and nothing else.
func (s Set) Bare(name string) Profile {
	from, _ := s.base()
	p := Profile{Name: name, display: s.display, held: fill(nil, from, harmless)}
	if full, err := s.withServices(p); err == nil {
		return full
	}
	return p
}

// Section is the profile's own section, without what it gets from elsewhere.
// Errors as for Profile.
func (s Set) Section(name string) (Profile, error) {
	own, err := s.section(profiles, name)
	if err != nil {
		return Profile{}, err
	}
	held, err := s.good(own)
	return Profile{Name: name, display: s.display, line: own.line, held: held}, err
}

// section reads the one section of that name.
func (s Set) section(k kind, name string) (section, error) {
	heads := preferred(s.find(k, name))
	if len(heads) == 0 {
		return section{}, s.unknown(k, name)
	}
	for _, h := range heads {
		if h.flaw != "" {
			return section{}, s.flawed(h)
		}
	}
	if len(heads) > 1 {
		return section{}, s.mistake(name, again(heads[0], heads[1]))
	}
	return read(s.text, heads[0]), nil
}

// preferred leaves [default] out where there is a [profile default]: the SDKs
// take the latter.
func preferred(heads []head) []head {
	long := func(h head) bool { return !h.bare }
	if !slices.ContainsFunc(heads, long) {
		return heads
	}
	kept := make([]head, 0, len(heads))
	for _, h := range heads {
		if long(h) {
			kept = append(kept, h)
		}
	}
	return kept
}

func again(first, second head) problem {
	return problem{
		line: second.line,
		text: "the section stands twice, first " + onLine(first.line),
		next: "make one section of the two",
	}
}

func (s Set) flawed(h head) *Error {
	next := "write the header as " + s.dialect.headerForm(h.kind)
	who := h.name
	if h.kind != profiles {
		who = ""
	}
	return &Error{File: s.display, Line: h.line, Profile: who, Text: h.flaw, Next: []string{next}}
}

func (s Set) mistake(name string, p problem) *Error {
	e := &Error{File: s.display, Line: p.line, Profile: name, Text: p.text}
	switch {
	case p.said == "":
	case s.dialect == credentialsFile: // a secret on a line of its own
		e.Text = "the text" + e.Text
	default:
		e.Text = Shown(p.said) + e.Text
	}
	if p.next != "" {
		e.Next = []string{p.next}
	}
	return e
}

// good is the settings of a section in which nothing is wrong.
func (s Set) good(sec section) ([]held, error) {
	list, problems := settings(sec)
	if len(problems) == 0 {
		return list, nil
	}
	if sec.kind != profiles {
		e := s.mistake("", problems[0])
		e.Text = "[" + sec.kind.word() + " " + Shown(sec.name) + "]: " + e.Text
		return nil, e
	}
	return nil, s.mistake(sec.name, problems[0])
}

// include adds what the chain of include_profile has and the profile has not.
func (s Set) include(own section, all []held) ([]held, error) {
	links, given := []section{own}, all
	for {
		h, ok := (Profile{held: given}).Setting("include_profile")
		if !ok || h.Value == "" {
			return all, nil
		}
		from := links[len(links)-1]
		line := lineOf(given, "include_profile")
		i := slices.IndexFunc(links, func(l section) bool { return l.name == h.Value })
		if i >= 0 {
			return nil, s.circle(links[i:], line)
		}
		if len(links) > maxIncludes {
			return nil, s.mistake(own.name, problem{line: line, text: "include_profile goes on for more than 100 profiles"})
		}
		if len(s.find(profiles, h.Value)) == 0 {
			return nil, s.notIncluded(from.name, h.Value, line)
		}
		next, err := s.section(profiles, h.Value)
		if err != nil {
			return nil, err
		}
		if given, err = s.good(next); err != nil {
			return nil, err
		}
		links = append(links, next)
		all = fill(all, given, func(key string) bool { return key != "include_profile" })
	}
}

func lineOf(list []held, key string) int {
	i, _ := slices.BinarySearchFunc(list, held{key: key}, byKey)
	return list[i].line
}

func (s Set) notIncluded(name, wanted string, line int) *Error {
	e := &Error{File: s.display, Line: line, Profile: name, Text: "include_profile names " + Shown(wanted) + ", which is not in the file"}
	for _, n := range Near(wanted, s.Names()) {
		e.Next = append(e.Next, "perhaps "+Shown(n)+" is meant")
	}
	return e
}

// circle names each link of an include_profile circle with its line; last is
// the line that closes it, which stands in the last of them.
func (s Set) circle(links []section, last int) *Error {
	var path strings.Builder
	for i, l := range links {
		line := last
		if i+1 < len(links) {
			list, _ := settings(l)
			line = lineOf(list, "include_profile")
		}
		path.WriteString(Shown(l.name) + " (" + onLine(line) + ") -> ")
	}
	return &Error{
		File: s.display, Line: last, Profile: links[len(links)-1].name,
		Text: "include_profile goes round in a circle: " + path.String() + Shown(links[0].name),
		Next: []string{"remove one include_profile, for example at " + place(s.display, last)},
	}
}

// base is what [default] says, and what in it cannot be used. Two of them are
// taken together: a key that only one has is no matter of doubt.
func (s Set) base() ([]held, []problem) {
	var all []section
	for _, h := range preferred(s.find(profiles, "default")) {
		sec := read(s.text, h)
		for _, e := range sec.entries {
			if h.flaw != "" {
				sec.problems = append(sec.problems, problem{key: e.key, line: h.line, text: h.flaw})
			}
		}
		all = append(all, sec)
	}
	list, bad := settings(all...)
	return slices.DeleteFunc(list, func(h held) bool {
		return slices.ContainsFunc(bad, func(p problem) bool { return p.key == h.key })
	}), bad
}

// harmless is for the keys that [default] gives to every profile: those by which
// fob itself asks, never who asks. Whatever else is there stays there: the
// clients, which read the file too, do not inherit it.
func harmless(key string) bool {
	switch key {
	case "region", "mfa_serial", "mfa_process", "duration_seconds",
		"endpoint_url", "services", "ignore_configured_endpoint_urls", "ca_bundle",
		"sts_regional_endpoints", "use_fips_endpoint", "use_dualstack_endpoint":
		return true
	}
	return strings.HasPrefix(key, "fob_")
}

// withServices adds the settings of the [services] section that p names. One
// that is missing is an error: its endpoints may be all that keeps a test from
// the real AWS.
func (s Set) withServices(p Profile) (Profile, error) {
	name, ok := p.Setting("services")
	if !ok || name.Value == "" {
		return p, nil
	}
	if len(s.find(services, name.Value)) == 0 {
		return p, s.mistake(p.Name, problem{
			line: lineOf(p.held, "services"),
			text: "there is no [services " + Shown(name.Value) + "]",
			next: "add the section, or remove the setting",
		})
	}
	sec, err := s.section(services, name.Value)
	if err != nil {
		return p, err
	}
	if _, err := s.good(sec); err != nil {
		return p, err
	}
	for _, e := range sec.entries {
		list, bad := nested(s.text, e)
		if len(bad) > 0 {
			return p, s.mistake(p.Name, bad[0])
		}
		for _, h := range list {
			h.key = e.key + " " + h.key
			p.services = append(p.services, h)
		}
	}
	slices.SortFunc(p.services, byKey)
	return p, nil
}

// unknown says what in the file may be why the section is not there.
func (s Set) unknown(k kind, name string) *UnknownError {
	e := &UnknownError{Kind: k.word(), Name: name, File: s.display}
	plain := s.find(other, name)
	orphan := s.orphan()
	var names []string
	for _, h := range s.heads() {
		if h.kind == k && h.flaw == "" {
			names = append(names, h.name)
		}
	}
	e.Near = Near(name, names)
	switch {
	case s.absent:
		e.Hint = "there is no such file"
	case len(s.text) == markLen(s.text):
		e.Hint = "the file is empty"
	case len(plain) > 0:
		e.Hint = "the section " + onLine(plain[0].line) + " must be called [" + k.word() + " NAME]"
	case orphan > 0:
		e.Hint = "the setting " + onLine(orphan) + " stands before any section"
	}
	return e
}

func (s Set) stray(line int) *Error {
	return &Error{File: s.display, Line: line, Text: "a setting before any section", Next: []string{"put a header such as [default] above it"}}
}
