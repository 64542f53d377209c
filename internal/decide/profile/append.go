package profile

import (
	"bytes"
	"slices"
	"strings"
)

// Addition is a section to append. Note, where it is not "", is one line of a
// comment below its header, without the #.
type Addition struct {
	Name, Note string
	Settings   []Setting
}

// WithProfile appends a section. It is an error if there is one of that name.
func (s Set) WithProfile(name string, settings []Setting) ([]byte, error) {
	return s.WithProfiles([]Addition{{Name: name, Settings: settings}})
}

// WithProfiles is WithProfile for any number of sections at once, each after a
// blank line.
func (s Set) WithProfiles(all []Addition) ([]byte, error) {
	nl := s.newline()
	var b bytes.Buffer
	b.Write(s.text)
	if len(s.text) > markLen(s.text) {
		b.WriteString(s.missingEnd() + nl)
	}
	want, name := s.model(), ""
	seen := make(map[string]bool)
	for i, a := range all {
		name = a.Name
		if err := s.mayAppend(a, seen[name]); err != nil {
			return nil, err
		}
		seen[name] = true
		if i > 0 {
			b.WriteString(nl)
		}
		b.WriteString(s.dialect.header(name) + nl)
		if a.Note != "" {
			b.WriteString("# " + a.Note + nl)
		}
		added := model{kind: profiles, name: name, bare: s.dialect == configFile && name == "default"}
		for _, set := range a.Settings {
			key := strings.ToLower(set.Key)
			b.WriteString(assignment(key, set.Value) + nl)
			added.pairs = append(added.pairs, pair{key, set.Value})
		}
		want = append(want, added)
	}
	if len(all) == 0 {
		return bytes.Clone(s.text), nil
	}
	return s.checked(name, b.Bytes(), want)
}

// mayAppend says why such a section cannot be appended; again is whether one of
// that name was just now.
func (s Set) mayAppend(a Addition, again bool) error {
	if flaw := Unwritable(a.Name); flaw != "" {
		return s.refuse(a.Name, flaw)
	}
	if found := s.find(profiles, a.Name); len(found) > 0 {
		return s.mistake(a.Name, problem{line: found[0].line, text: "the profile is there already"})
	}
	if again {
		return s.refuse(a.Name, "it is given twice")
	}
	if badBytes([]byte(a.Note)) != "" {
		return s.refuse(a.Name, "its comment holds "+badBytes([]byte(a.Note)))
	}
	for i, set := range a.Settings {
		key := strings.ToLower(set.Key)
		if flaw := writable(key, set.Value); flaw != "" {
			return s.refuse(a.Name, flaw)
		}
		if slices.ContainsFunc(a.Settings[:i], func(o Setting) bool { return strings.ToLower(o.Key) == key }) {
			return s.refuse(a.Name, key+" is given twice")
		}
	}
	return nil
}

// Noted says whether the note of an Addition stands in the profile's own
// section, above its last setting.
func (s Set) Noted(name, note string) bool {
	return slices.Contains(s.comments(name), note)
}

// Remarked says whether any other comment stands there, beside a setting too: it
// would be lost with the section, and a person wrote it.
func (s Set) Remarked(name, note string) bool {
	return slices.ContainsFunc(s.comments(name), func(c string) bool { return c != note })
}

// comments are those of a section, from its header to its last setting.
func (s Set) comments(name string) []string {
	sec, err := s.section(profiles, name)
	if err != nil {
		return nil
	}
	var all []string
	add := func(text []byte) {
		if text = bytes.TrimSpace(text); len(text) > 0 {
			all = append(all, string(bytes.TrimSpace(text[1:])))
		}
	}
	w := walker{text: s.text[:sec.last], pos: sec.start}
	for l, ok := w.next(); ok; l, ok = w.next() {
		switch l.class {
		case comment:
			add(l.body)
		case header:
			add(l.body[bytes.LastIndexByte(l.body, ']')+1:])
		}
	}
	for _, e := range sec.entries {
		end, _ := lineEnd(s.text, e.valueEnd)
		add(s.text[e.valueEnd:end])
	}
	return all
}
