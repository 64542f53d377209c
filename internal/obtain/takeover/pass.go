package takeover

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"fob/internal/cred"
)

// passStores are aws-vault's pass backend, one entry for each item, read by the
// pass program (https://www.passwordstore.org), which asks for what it needs; and
// its passage backend, the same with another program.
func passStores(env Env) []Source {
	return []Source{
		passStore(env, passKind{name: "pass", ext: ".gpg", below: ".password-store", variable: "PASSWORD_STORE_DIR"}),
		passStore(env, passKind{name: "passage", ext: ".age", below: ".passage/store", variable: "PASSAGE_DIR"}),
	}
}

// passKind is a program of that family: the suffix of its files, and where they
// are below HOME unless the variable says otherwise.
type passKind struct{ name, ext, below, variable string }

func passStore(env Env, kind passKind) Source {
	dir := env.expand(env.Path)
	if dir == "" {
		dir = env.first(kind.below, "AWS_VAULT_PASS_PASSWORD_STORE_DIR", kind.variable)
	}
	prefix, program := env.lookup("AWS_VAULT_PASS_PREFIX"), env.lookup("AWS_VAULT_PASS_CMD")
	if program == "" {
		program = kind.name
	}
	where := env.shown(filepath.Join(dir, prefix))
	return itemStore{name: "aws-vault-" + kind.name, where: where, open: func(ctx context.Context, _ bool) (shelf, error) {
		names, err := entries(filepath.Join(dir, prefix), kind.ext)
		if err != nil {
			return shelf{}, place(where, err)
		}
		read := func(name string) (cred.AccessKey, error) {
			name = path.Join(prefix, name)
			text, err := env.Program(ctx, []string{program, "show", "--", name}, kind.variable+"="+dir)
			if err != nil {
				return cred.AccessKey{}, place(program+" show "+name, err)
			}
			return readItem(text)
		}
		// Where aws-vault has no folder of its own, the entries beside its own are
		// the person's passwords, which are none of our business.
		likely := func(name string) bool { return prefix != "" || env.Config.Has(name) }
		return shelf{names: names, read: read, likely: likely}, nil
	}}
}

// entries are the names of the files below a folder that end in ext, without it.
func entries(dir, ext string) (names []string, err error) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(root); err == nil && !info.IsDir() {
		return nil, errors.New("it is not a folder")
	}
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch name, isEntry := strings.CutSuffix(file, ext); {
		case err != nil:
			return err
		case d.IsDir() && file != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir // .git, .extensions
		case !d.IsDir() && isEntry:
			rel, err := filepath.Rel(root, name)
			names = append(names, filepath.ToSlash(rel))
			return err
		}
		return nil
	})
	return names, err
}
