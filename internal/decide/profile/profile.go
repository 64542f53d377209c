// Package profile reads ~/.aws/config as the AWS CLI and the SDKs read it, says
// for each setting where it stands, and edits the file without touching any
// other byte. It knows nothing of the network, of secrets, of the environment,
// and of what a setting means: a role ARN is text here.
package profile

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Setting is one key with its value and where it was said. Key is lower case.
// From is a place in the file ("~/.aws/config:7"), or in the words of whoever
// laid it over the file: "--region", "environment variable AWS_REGION".
type Setting struct {
	Key, Value, From string
}

// Profile is one section with all that it gets from elsewhere. Settings come
// from what With laid over it, then the section itself, then its chain of
// include_profile, then [default] for keys that carry no identity. A key that
// stands without a value ("mfa_serial =") is there, and hides one from [default].
type Profile struct {
	Name     string
	display  string
	line     int
	held     []held // sorted by key, each key once
	services []held // keys are "service key", sorted
}

// held is a setting as it is kept: the text of From is made when asked for.
type held struct {
	key, value string
	line       int
	over       string // From of a setting laid over the file
}

func byKey(a, b held) int { return strings.Compare(a.key, b.key) }

// Value is the effective value of key, "" when it is not set or set to nothing.
func (p Profile) Value(key string) string {
	s, _ := p.Setting(key)
	return s.Value
}

// Setting is the effective setting of key; false means that it is not there. A
// nested value starts with a line feed and has one "key = value" per line.
func (p Profile) Setting(key string) (Setting, bool) {
	key = strings.ToLower(key)
	return p.lookup(p.held, key, key)
}

// ServiceSetting is a setting of one service from the [services] section that
// the profile names, for example ("sts", "endpoint_url").
func (p Profile) ServiceSetting(service, key string) (Setting, bool) {
	key = strings.ToLower(key)
	return p.lookup(p.services, strings.ToLower(service)+" "+key, key)
}

func (p Profile) lookup(in []held, key, shown string) (Setting, bool) {
	i, ok := slices.BinarySearchFunc(in, held{key: key}, byKey)
	if !ok {
		return Setting{}, false
	}
	h := in[i]
	if h.over != "" {
		return Setting{Key: shown, Value: h.value, From: h.over}, true
	}
	return Setting{Key: shown, Value: h.value, From: place(p.display, h.line)}, true
}

// Where is the position of the profile's header, as "~/.aws/config:6".
func (p Profile) Where() string { return place(p.display, p.line) }

// With is a copy in which these settings win over the file's. Where a key
// stands twice the last one wins.
func (p Profile) With(over ...Setting) Profile {
	top := make([]held, 0, len(over))
	for _, o := range slices.Backward(over) {
		key := strings.ToLower(o.Key)
		if !slices.ContainsFunc(top, func(h held) bool { return h.key == key }) {
			top = append(top, held{key: key, value: o.Value, over: cmp.Or(o.From, "given")})
		}
	}
	slices.SortFunc(top, byKey)
	p.held = fill(top, p.held, nil)
	return p
}

// Begins gives the settings whose key begins with text.
func (p Profile) Begins(text string) (all []Setting) {
	for _, h := range p.held {
		if strings.HasPrefix(h.key, text) {
			set, _ := p.Setting(h.key)
			all = append(all, set)
		}
	}
	return all
}

// Keys are the effective keys, sorted.
func (p Profile) Keys() []string {
	keys := make([]string, len(p.held))
	for i, h := range p.held {
		keys[i] = h.key
	}
	return keys
}

// fill is the settings of top and those of below that top lacks and allow
// permits; both are sorted, and so is the result. A nil allow permits all.
func fill(top, below []held, allow func(key string) bool) []held {
	all := make([]held, 0, len(top)+len(below))
	for len(top) > 0 || len(below) > 0 {
		switch {
		case len(below) == 0 || len(top) > 0 && top[0].key <= below[0].key:
			if len(below) > 0 && top[0].key == below[0].key {
				below = below[1:]
			}
			all, top = append(all, top[0]), top[1:]
		default:
			if allow == nil || allow(below[0].key) {
				all = append(all, below[0])
			}
			below = below[1:]
		}
	}
	return all
}

// place names a line of a file; line 0 means the file as a whole.
func place(display string, line int) string {
	if line == 0 {
		return display
	}
	return display + ":" + strconv.Itoa(line)
}
