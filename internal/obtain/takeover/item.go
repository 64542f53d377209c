package takeover

import (
	"encoding/json"
	"regexp"

	"fob/internal/cred"
)

// item is how aws-vault's library writes a key into stores that know no more
// than a name and a text. Where a store has fields of its own, Data is all that
// is written.
type item struct {
	Data []byte
}

// stored is a key, as the JSON form of the AWS SDK's credentials.
type stored struct {
	AccessKeyID, SecretAccessKey, SessionToken string
}

// readItem reads a key from a wrapped item.
func readItem(text []byte) (cred.AccessKey, error) {
	var i item
	if json.Unmarshal(text, &i) != nil || len(i.Data) == 0 {
		return cred.AccessKey{}, errNoItem // JSON's own error would quote the text
	}
	return readData(i.Data)
}

// readData reads a key from a bare item.
func readData(data []byte) (cred.AccessKey, error) {
	var s stored
	if json.Unmarshal(data, &s) != nil || s.AccessKeyID == "" || s.SecretAccessKey == "" {
		return cred.AccessKey{}, errNoItem
	}
	if s.SessionToken != "" {
		return cred.AccessKey{}, errTemporary
	}
	return cred.AccessKey{ID: s.AccessKeyID, Secret: cred.NewSecret(s.SecretAccessKey)}, nil
}

// sessionName matches the names of aws-vault's sessions and sign-in tokens: that
// of a session is KIND,PROFILE,DEVICE,EXPIRY, and versions before 7 had three
// other forms. Every other name is a key's.
const sessionName = `^[^,]+,[\w-]+,[\w-]*,\d+$|^session,[^,]+,[^,]*,\d{2,}$|^session:[^ ]+:[^ ]*:[^:]+$|^.+ session \(\d+\)$|^oidc:`

// parted sorts the names of a store's items.
func parted(names []string) (keys []string, sessions int) {
	session := regexp.MustCompile(sessionName)
	for _, name := range names {
		if session.MatchString(name) {
			sessions++
		} else {
			keys = append(keys, name)
		}
	}
	return keys, sessions
}

// add puts a key, or why there is none, into the haul.
func (h *Haul) add(k Key, err error) {
	if err != nil {
		h.Left = append(h.Left, Left{Name: k.Name, Why: err, Expected: err == errTemporary})
		return
	}
	h.Keys = append(h.Keys, k)
}
