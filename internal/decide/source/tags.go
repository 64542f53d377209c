package source

import (
	"slices"
	"strconv"
	"strings"

	"fob/internal/decide/profile"
)

// tags reads session_tags ("key=value,key2=value2") and transitive_session_tags
// ("key,key2"), as the incumbent writes them.
func tags(p profile.Profile) (list []Tag, transitive []string, err error) {
	if set, ok := p.Setting("session_tags"); ok && set.Value != "" {
		for _, part := range strings.Split(set.Value, ",") {
			k, v, ok := strings.Cut(strings.TrimSpace(part), "=")
			k, v = strings.TrimSpace(k), strings.TrimSpace(v)
			if !ok || k == "" || len(k) > 128 || len(v) > 256 {
				return nil, nil, &SettingError{Setting: set, Why: "is not a list of tags: " + quote(part) + " is not KEY=VALUE", Next: []string{"write it as key=value,key2=value2"}}
			}
			if slices.ContainsFunc(list, func(t Tag) bool { return strings.EqualFold(t.Key, k) }) {
				return nil, nil, &SettingError{Setting: set, Why: "names the tag " + quote(k) + " twice, and AWS takes each once, whatever its case"}
			}
			list = append(list, Tag{k, v})
		}
		if len(list) > maxTags {
			return nil, nil, &SettingError{Setting: set, Why: "holds " + strconv.Itoa(len(list)) + " tags; AWS takes at most 50"}
		}
	}
	set, ok := p.Setting("transitive_session_tags")
	if !ok || set.Value == "" {
		return list, nil, nil
	}
	for _, key := range strings.Split(set.Value, ",") {
		if key = strings.TrimSpace(key); key == "" {
			return nil, nil, &SettingError{Setting: set, Why: "has an empty key in its list"}
		}
		if !slices.ContainsFunc(list, func(t Tag) bool { return strings.EqualFold(t.Key, key) }) {
			return nil, nil, &SettingError{Setting: set, Why: "names " + quote(key) + ", which is none of the session tags", Next: []string{"add it to session_tags (AWS_SESSION_TAGS), or take it out here"}}
		}
		transitive = append(transitive, key)
	}
	return list, transitive, nil
}
