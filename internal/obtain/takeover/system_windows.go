package takeover

import (
	"context"
	"io/fs"
	"strings"

	"fob/internal/cred"

	"github.com/danieljoos/wincred"
)

// winPrefix begins the target name of each of aws-vault's generic credentials;
// the name of the item follows.
const winPrefix = "aws-vault:aws-vault:"

// systemSources is the Credential Manager.
func systemSources(Env) []Source {
	return []Source{itemStore{name: "aws-vault-wincred", where: "Windows Credential Manager", open: func(context.Context, bool) (shelf, error) {
		all, err := wincred.FilteredList(winPrefix + "*")
		if err != nil {
			return shelf{}, err
		}
		if len(all) == 0 {
			return shelf{}, fs.ErrNotExist
		}
		var s shelf
		data := map[string][]byte{}
		for _, c := range all {
			name := strings.TrimPrefix(c.TargetName, winPrefix)
			s.names = append(s.names, name)
			data[name] = c.CredentialBlob
		}
		s.read = func(name string) (cred.AccessKey, error) { return readData(data[name]) }
		return s, nil
	}}}
}
