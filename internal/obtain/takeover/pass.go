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

// passStore is aws-vault's pass backend: one entry for each item, read by the
// pass program (https://www.passwordstore.org), which asks for what it needs. Its
// passage backend is the same with another program.
type passStore struct {
	env           Env
	name, program string
	dir, variable string // the program's store, and the variable that names it
	prefix, ext   string
}

func passStores(env Env) []Source {
	prefix := env.lookup("AWS_VAULT_PASS_PREFIX")
	pass := &passStore{env: env, name: "aws-vault-pass", program: "pass", prefix: prefix, ext: ".gpg", variable: "PASSWORD_STORE_DIR"}
	passage := &passStore{env: env, name: "aws-vault-passage", program: "passage", prefix: prefix, ext: ".age", variable: "PASSAGE_DIR"}
	pass.dir = env.first(".password-store", "AWS_VAULT_PASS_PASSWORD_STORE_DIR", pass.variable)
	passage.dir = env.first(".passage/store", "AWS_VAULT_PASS_PASSWORD_STORE_DIR", passage.variable)
	all := []Source{}
	for _, s := range []*passStore{pass, passage} {
		if env.Path != "" {
			s.dir = env.expand(env.Path)
		}
		if program := env.lookup("AWS_VAULT_PASS_CMD"); program != "" {
			s.program = program
		}
		all = append(all, s)
	}
	return all
}

func (s *passStore) Name() string  { return s.name }
func (s *passStore) Where() string { return s.env.shown(filepath.Join(s.dir, s.prefix)) }

func (s *passStore) Look(context.Context) (Listing, error) {
	names, err := s.names()
	if err != nil {
		return Listing{}, err
	}
	var l Listing
	names, l.Sessions = parted(names)
	for _, name := range names {
		if s.likely(name) {
			l.Names = append(l.Names, name)
		}
	}
	return l, nil
}

func (s *passStore) Take(ctx context.Context, wanted Wanted) (Haul, error) {
	names, err := s.names()
	if err != nil {
		return Haul{}, err
	}
	unknown := 0
	choose := func(name string) bool {
		if wanted == nil && !s.likely(name) {
			unknown++
			return false
		}
		return wanted.Has(name)
	}
	h := takeItems(names, choose, s.Where(), func(name string) (cred.AccessKey, error) {
		text, err := s.env.Program(ctx, []string{s.program, "show", "--", path.Join(s.prefix, name)}, s.variable+"="+s.dir)
		if err != nil {
			return cred.AccessKey{}, place(s.program+" show "+path.Join(s.prefix, name), err)
		}
		return readItem(text)
	})
	h.Unknown = unknown
	return h, ctx.Err()
}

// likely says whether an entry can be taken for a key without opening it. Where
// aws-vault has no folder of its own, the entries beside its own are the
// person's passwords, which are none of our business.
func (s *passStore) likely(name string) bool { return s.prefix != "" || s.env.Config.Has(name) }

// names are the entries below the prefix.
func (s *passStore) names() ([]string, error) {
	root, err := filepath.EvalSymlinks(filepath.Join(s.dir, s.prefix))
	if err != nil {
		return nil, place(s.Where(), err)
	}
	if info, err := os.Stat(root); err == nil && !info.IsDir() {
		return nil, place(s.Where(), errors.New("it is not a folder"))
	}
	var names []string
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch name, isItem := strings.CutSuffix(file, s.ext); {
		case err != nil:
			return err
		case d.IsDir() && file != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir // .git, .extensions
		case !d.IsDir() && isItem:
			rel, err := filepath.Rel(root, name)
			names = append(names, filepath.ToSlash(rel))
			return err
		}
		return nil
	})
	if err != nil {
		return nil, place(s.Where(), err)
	}
	return names, nil
}
