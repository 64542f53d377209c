package takeover

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"fob/internal/cred"
)

// keychainService is the service of aws-vault's items; the account of each is the
// name of the item.
const keychainService = "aws-vault"

// keychain is aws-vault's keychain of its own, read by macOS's security program
// (security(1)). The system asks the person for the keychain's password and
// whether the program may read each item.
func keychain(env Env) Source {
	path := keychainPath(env)
	where := env.shown(path)
	return itemStore{name: "aws-vault-keychain", where: where, open: func(ctx context.Context, _ bool) (shelf, error) {
		if _, err := os.Stat(path); err != nil {
			return shelf{}, place(where, err)
		}
		list, err := env.Program(ctx, []string{"/usr/bin/security", "dump-keychain", path})
		if err != nil {
			return shelf{}, place(where, err)
		}
		return shelf{names: keychainAccounts(list), read: func(name string) (cred.AccessKey, error) {
			data, err := env.Program(ctx, []string{"/usr/bin/security", "find-generic-password", "-s", keychainService, "-a", name, "-w", path})
			if err != nil {
				return cred.AccessKey{}, place(where, err)
			}
			return readData(bytes.TrimSpace(data))
		}}, nil
	}}
}

// keychainPath is the file of the keychain; since macOS 10.12 its name ends in
// -db.
func keychainPath(env Env) string {
	if env.Path != "" {
		return env.expand(env.Path)
	}
	name := env.lookup("AWS_VAULT_KEYCHAIN_NAME")
	if name == "" {
		name = "aws-vault"
	}
	path := filepath.Join(env.Home, "Library", "Keychains", name+".keychain-db")
	old := strings.TrimSuffix(path, "-db")
	if _, err := os.Stat(path); err != nil {
		if _, err := os.Stat(old); err == nil {
			return old
		}
	}
	return path
}

// keychainAccounts reads the accounts of aws-vault's items from what security
// dump-keychain prints of attributes; secrets are not among them. A value is
// quoted, with a hexadecimal form before it where it is not plain ASCII:
//
//	"acct"<blob>="work"
//	"acct"<blob>=0x62C3BC726F  "b\303\274ro"
//	"svce"<blob>="aws-vault"
func keychainAccounts(list []byte) []string {
	attribute := regexp.MustCompile(`^ +"(acct|svce)"<blob>=(?:0x([0-9A-F]+) +)?"(.*)"$`)
	var names []string
	values := map[string]string{}
	for line := range strings.Lines(string(list) + "keychain:\n") {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "keychain:") { // the next item begins
			if values["svce"] == keychainService && values["acct"] != "" {
				names = append(names, values["acct"])
			}
			values = map[string]string{}
			continue
		}
		if m := attribute.FindStringSubmatch(line); m != nil {
			values[m[1]] = m[3]
			if raw, err := hex.DecodeString(m[2]); err == nil && m[2] != "" {
				values[m[1]] = string(raw)
			}
		}
	}
	return names
}
