package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fob/internal/decide/health"
	"fob/internal/decide/profile"
	"fob/internal/fault"
	"fob/internal/keep/lock"
)

// leftAge is from when on a file that a killed run left is told of.
const leftAge = time.Minute

// checkModes looks at the owners and modes of what fob and the AWS tools keep.
func checkModes(_ context.Context, d *checkup) []health.Finding {
	found, _ := health.Modes(d.files(), d.sys.UID)
	for dir, names := range d.left() {
		found = append(found, health.Finding{Level: health.Warning, What: "killed runs have left files in " + dir + ": " + names, Why: "they may hold what they were to write", Next: []string{"fob doctor --fix"}})
	}
	return found
}

// mostFiles bounds the look at a store: sessions are all made in one way.
const mostFiles = 5000

// files are what others must not use, as the system tells of them.
func (d *checkup) files() []health.File {
	var all []health.File
	_ = filepath.WalkDir(d.home.Data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || len(all) >= mostFiles {
			return fs.SkipAll
		}
		if info, err := e.Info(); err == nil {
			all = append(all, fileOf(path, info))
		}
		return nil
	})
	folder := filepath.Join(d.home.User, ".aws")
	shared := map[string]bool{d.home.Config: true, folder: true}
	credentials, _ := d.credentialsFile()
	for _, path := range []string{folder, d.home.Config, credentials} {
		if info, err := os.Stat(path); err == nil && info.IsDir() == (path == folder) && (info.IsDir() || info.Mode().IsRegular()) {
			f := fileOf(path, info)
			f.Shared = shared[path]
			all = append(all, f)
		}
	}
	return all
}

func fileOf(path string, info fs.FileInfo) health.File {
	f := health.File{Path: path, Mode: info.Mode()}
	f.Owner, f.Group = ownerOf(info)
	return f
}

// writtenPlaces are the folders in which fob writes, with the files of each; none
// means all.
func (d *checkup) writtenPlaces() map[string][]string {
	credentials, _ := d.credentialsFile()
	places := map[string][]string{}
	for _, path := range []string{d.home.Config, credentials, filepath.Join(d.home.User, ".aws", "fob-sdk-config")} {
		if filepath.IsAbs(path) {
			places[filepath.Dir(path)] = append(places[filepath.Dir(path)], filepath.Base(path))
		}
	}
	_ = filepath.WalkDir(d.home.Data, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipAll
		}
		if e.IsDir() {
			places[path] = nil
		}
		return nil
	})
	return places
}

// left are the files of killed runs, by folder.
func (d *checkup) left() map[string]string {
	before := d.sys.Now().Add(-d.sys.Ahead - leftAge)
	found := map[string]string{}
	for dir, names := range d.writtenPlaces() {
		if all := lock.Abandoned(dir, before, names...); len(all) > 0 {
			found[dir] = strings.Join(all, ", ")
		}
	}
	return found
}

// fixAll does what can hurt nobody, and says what it did.
func (d *checkup) fixAll() []string {
	var done []string
	_, mends := health.Modes(d.files(), d.sys.UID)
	for _, m := range mends {
		if err := os.Chmod(m.Path, m.Mode); err == nil {
			done = append(done, m.Command())
		}
	}
	places := d.writtenPlaces()
	for dir, names := range d.left() {
		if lock.Clean(dir, places[dir]...) == nil {
			done = append(done, "removed from "+dir+": "+names)
		}
	}
	d.set, d.setErr = d.load()
	return done
}

// checkKeysInClear looks at the files of the AWS tools.
func checkKeysInClear(_ context.Context, d *checkup) []health.Finding {
	path, shown := d.credentialsFile()
	credentials, err := profile.LoadCredentials(path, shown)
	if err != nil {
		f := &fault.Error{What: "cannot read the AWS credentials file", Why: err, Code: fault.Config}
		if p := (*profile.Error)(nil); errors.As(err, &p) {
			f.Next = p.Next
		}
		return []health.Finding{unreadable(f)}
	}
	return health.InClear([]health.KeyFile{keysIn(credentials, "credentials"), keysIn(d.set, "config")})
}

func keysIn(set profile.Set, source string) health.KeyFile {
	f := health.KeyFile{Shown: set.Display(), Source: source}
	for _, name := range set.Names() {
		p, err := set.Section(name)
		switch {
		case err != nil || p.Value("aws_access_key_id") == "" || p.Value("aws_secret_access_key") == "":
		case p.Value("aws_session_token") != "":
			f.Sessions = append(f.Sessions, name)
		default:
			f.Keys = append(f.Keys, name)
		}
	}
	return f
}

// checkCaches looks for what AWS tools keep in the clear between runs.
func checkCaches(_ context.Context, d *checkup) []health.Finding {
	home := d.sys.homeDir()
	folders := []health.Folder{
		{Shown: "~/.aws/cli/cache", Holds: "sessions of roles, in the clear"},
		{Shown: "~/.aws/sso/cache", Holds: "sign-ins of IAM Identity Center, in the clear, some of them for months", Clear: "aws sso logout"},
		{Shown: "~/.aws/login/cache", Holds: "sign-ins of aws login, in the clear", Clear: "aws logout --all"},
		{Shown: "~/.aws/boto/cache", Holds: "sessions of boto3, in the clear"},
	}
	for i := range folders {
		f := &folders[i]
		f.Path = filepath.Join(home, f.Shown[2:])
		entries, _ := os.ReadDir(f.Path)
		for _, e := range entries {
			if filepath.Ext(e.Name()) == ".json" {
				f.Files++
			}
		}
	}
	return health.Caches(folders)
}
