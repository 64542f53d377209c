package profile

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// Edit is what becomes of one profile's own section: it is removed, with the
// blank line that set it apart, or settings are set.
type Edit struct {
	Name     string
	Remove   bool
	Settings []Setting
}

// WithEdits makes any number of edits at once, in the time of one. Nothing may be
// wrong with the sections, and each is named once.
func (s Set) WithEdits(edits []Edit) ([]byte, error) {
	want, name := s.model(), ""
	at := make(map[int]int)
	for i, h := range s.heads() {
		at[h.start] = i
	}
	var cuts []cut
	gone := make(map[int]bool)
	seen := make(map[string]bool)
	for _, e := range edits {
		name = e.Name
		sec, err := s.editable(name)
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, s.refuse(name, "it is given twice")
		}
		seen[name] = true
		if e.Remove {
			gone[at[sec.start]] = true
			cuts = append(cuts, s.removal(sec))
			continue
		}
		more, err := s.settingCuts(sec, e, &want[at[sec.start]])
		if err != nil {
			return nil, err
		}
		cuts = append(cuts, more...)
	}
	var stay []model
	for i, m := range want {
		if !gone[i] {
			stay = append(stay, m)
		}
	}
	return s.checked(name, spliced(s.text, cuts), stay)
}

// settingCuts sets the settings in one section, and in what it is to say.
func (s Set) settingCuts(sec section, e Edit, want *model) ([]cut, error) {
	var cuts []cut
	var added strings.Builder
	lead := ""
	if n := len(sec.entries); n > 0 {
		lead = sec.entries[n-1].lead
	}
	for _, set := range e.Settings {
		key := strings.ToLower(set.Key)
		if flaw := writable(key, set.Value); flaw != "" {
			return nil, s.refuse(e.Name, flaw)
		}
		i := slices.IndexFunc(want.pairs, func(p pair) bool { return p.key == key })
		switch {
		case i >= len(sec.entries):
			return nil, s.refuse(e.Name, key+" is given twice")
		case i < 0:
			want.pairs = append(want.pairs, pair{key, set.Value})
			added.WriteString(lead + assignment(key, set.Value) + s.newline())
		case sec.entries[i].lines > 1:
			return nil, s.mistake(e.Name, problem{line: sec.entries[i].line, text: "the value of " + key + " goes over several lines", next: "edit it by hand"})
		default:
			want.pairs[i].value = set.Value
			cuts = append(cuts, sec.entries[i].replaced(set.Value))
		}
	}
	if text := added.String(); text != "" {
		if sec.last == len(s.text) {
			text = s.missingEnd() + text
		}
		cuts = append(cuts, cut{sec.last, sec.last, text})
	}
	return cuts, nil
}

// replaced puts another value in the place of the one that is there.
func (e entry) replaced(value string) cut {
	if e.valueAt == e.valueEnd && value != "" {
		value = " " + value
	}
	return cut{e.valueAt, e.valueEnd, value}
}

// cut is a piece of the text that another one takes the place of.
type cut struct {
	from, to int
	with     string
}

// spliced makes the cuts. Two that remove the same blank line share it.
func spliced(text []byte, cuts []cut) []byte {
	slices.SortStableFunc(cuts, func(a, b cut) int { return cmp.Compare(a.from, b.from) })
	var b bytes.Buffer
	done := 0
	for _, c := range cuts {
		b.Write(text[done:max(done, c.from)])
		b.WriteString(c.with)
		done = max(done, c.to)
	}
	b.Write(text[done:])
	return b.Bytes()
}
