package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
)

// inClear finds the keys that stand in the clear beside set. The front does not
// know those: it steps aside for them. The credentials file is read when nothing
// else gives a profile its credentials.
func (k *keeper) inClear(set profile.Set) source.InClearKind {
	load := sync.OnceValues(func() (profile.Set, error) { return profile.LoadCredentials(k.credentialsFile()) })
	return source.InClearKind{Sections: func(name string) ([]profile.Profile, error) {
		credentials, err := load()
		if err != nil {
			return nil, err
		}
		var out []profile.Profile
		for _, file := range []profile.Set{credentials, set} {
			p, err := file.Section(name)
			switch unknown := (*profile.UnknownError)(nil); {
			case errors.As(err, &unknown):
				continue
			case err != nil:
				return nil, err
			}
			out = append(out, p)
		}
		return out, nil
	}}
}

// credentialsFile is AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials, and
// how messages name it.
func (k *keeper) credentialsFile() (path, shown string) {
	home := k.sys.homeDir()
	path = k.sys.lookup("AWS_SHARED_CREDENTIALS_FILE")
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		path = filepath.Join(home, rest)
	}
	if path == "" {
		path = filepath.Join(home, ".aws", "credentials")
	} else if text, err := readSmall(path); err == nil {
		if of, ok := strings.CutPrefix(string(text), inPlaceOf); ok {
			path = strings.TrimSuffix(of, "\n")
		}
	}
	if rest, ok := strings.CutPrefix(path, home+string(filepath.Separator)); ok && home != "" {
		return path, filepath.Join("~", rest)
	}
	return path, path
}

// readInClear reads the key, or the session, that was found there.
func readInClear(in source.InClearKind, c source.InClear) (cred.Session, error) {
	sections, err := in.Sections(c.Profile)
	if err != nil {
		return cred.Session{}, err
	}
	for _, section := range sections {
		if id, _ := section.Setting("aws_access_key_id"); id.Value == c.ID && id.From == c.From {
			return cred.Session{ID: c.ID, Secret: cred.NewSecret(section.Value("aws_secret_access_key")), Token: cred.NewSecret(section.Value("aws_session_token"))}, nil
		}
	}
	return cred.Session{}, fmt.Errorf("the key at %s is gone", c.From)
}
