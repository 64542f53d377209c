package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/decide/health"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/lock"
	"fob/internal/keep/sealkey"
)

// checks are what fob doctor looks at, in the order in which it tells of it.
func checks() []func(context.Context, *checkup) []health.Finding {
	return []func(context.Context, *checkup) []health.Finding{
		checkExecutables, checkStore, checkWays, checkPlaces, checkPassphrase, checkEnvironment,
		checkConfig, checkProcessLines, checkKeysInClear, checkBackups, checkCaches, checkModes, checkAWS,
	}
}

// checkExecutables looks whether both are there, and whether it is these that a
// shell finds. That their versions are the same the front has seen to, or this
// would not run.
func checkExecutables(_ context.Context, k *checkup) []health.Finding {
	core, err := k.sys.Executable()
	if err != nil {
		return []health.Finding{badly(err)}
	}
	found := []health.Finding{{Level: health.Fine, What: fmt.Sprintf("fob %s, at %s", k.sys.Version, core)}}
	dir, name := filepath.Dir(core), "fob"+filepath.Ext(core)
	for _, place := range []string{dir, filepath.Join(dir, "../../bin")} {
		mine, err := os.Stat(filepath.Join(place, name))
		if err != nil {
			continue
		}
		return append(found, k.onPath(filepath.Join(place, name), mine)...)
	}
	return append(found, health.Finding{
		Level: health.Warning, What: "the program fob is not beside fob-core",
		Why: "every run then takes the slow way", Next: []string{"install both, side by side"},
	})
}

// onPath judges what a shell starts by the names fob and aws-vault.
func (d *checkup) onPath(path string, mine fs.FileInfo) []health.Finding {
	var found []health.Finding
	if at, err := launch.LookPath("fob", d.sys.Environ); err == nil {
		if other, err := os.Stat(at); err == nil && !os.SameFile(mine, other) {
			found = append(found, health.Finding{Level: health.Warning, What: "another fob comes first on PATH: " + at, Why: "this one is " + path, Next: []string{"put " + fault.Word(filepath.Dir(path)) + " before it on PATH, or remove the other: rm " + fault.Word(at)}})
		}
	}
	at, err := launch.LookPath("aws-vault", d.sys.Environ)
	if err != nil {
		return found
	}
	if link, err := filepath.EvalSymlinks(at); err == nil && link != at && strings.HasPrefix(filepath.Base(link), "fob") {
		other, err := os.Stat(at)
		if err == nil && !os.SameFile(mine, other) {
			found = append(found, health.Finding{Level: health.Warning, What: "aws-vault leads to another fob: " + link, Why: "this one is " + path, Next: []string{"ln -sf " + fault.Word(path) + " " + fault.Word(at)}})
		}
	}
	return found
}

func checkStore(_ context.Context, k *checkup) []health.Finding {
	state, err := k.state()
	if err != nil {
		return []health.Finding{badly(err)}
	}
	if state == "none" {
		return []health.Finding{{Level: health.Fine, What: "there is no store yet: " + k.home.Data, Next: []string{"fob add PROFILE"}}}
	}
	if _, err := k.vault.Sum(); err != nil { // what can be seen without its key
		return []health.Finding{badly(storeFault(err))}
	}
	found := []health.Finding{{Level: health.Fine, What: fmt.Sprintf("the store is %s: %s", state, k.home.Data)}}
	if why := leavesMachine(k.home.Data); why != "" {
		found = append(found, health.Finding{
			Level: health.Warning, What: "copies of the store leave this machine: " + why,
			Why:  "who gets a copy can try passphrases on it for ever, and a copy that is put back is an older store",
			Next: []string{"keep it elsewhere: move " + fault.Word(k.home.Data) + " to a folder that stays here, and set XDG_DATA_HOME to the folder above it"},
		})
	}
	return found
}

// leavesMachine says why a folder is likely to be copied elsewhere: it lies in a
// git work tree, or in the folder of a service that synchronises.
func leavesMachine(dir string) string {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	for ; ; dir = filepath.Dir(dir) {
		for _, mark := range []string{".git", ".hg", ".stfolder", ".dropbox", ".dropbox.cache", ".owncloudsync.log", ".sync_"} {
			if _, err := os.Lstat(filepath.Join(dir, mark)); err == nil {
				return fmt.Sprintf("%s is there", filepath.Join(dir, mark))
			}
		}
		for _, service := range []string{"Dropbox", "OneDrive", "Google Drive", "GoogleDrive", "Nextcloud", "ownCloud", "Mobile Documents", "CloudStorage", "Syncthing"} {
			if strings.HasPrefix(filepath.Base(dir), service) {
				return fmt.Sprintf("it lies in %s", dir)
			}
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// checkWays tells of what opens the store, and of what would if it worked.
func checkWays(ctx context.Context, k *checkup) []health.Finding {
	exists, err := k.vault.Exists()
	if err != nil {
		return nil // checkStore tells of it
	}
	unsafe := (*lock.UnsafeError)(nil)
	if err := lock.CheckDir(k.slots()); errors.As(err, &unsafe) {
		return []health.Finding{{Level: health.Wrong, What: "what opens the store is not looked at", Why: err.Error(), Next: mend(unsafe)}}
	}
	var found []health.Finding
	ways := k.listWays(ctx)
	opens := slices.ContainsFunc(ways, func(w wayJSON) bool { return w.Order == 1 })
	recovery := slices.ContainsFunc(ways, func(w wayJSON) bool { return w.Slot && w.Name == recoveryKind })
	for _, w := range ways {
		if !w.Slot {
			continue // fob store tells what else there is
		}
		f := health.Finding{Level: health.Fine, What: w.Name + ": " + w.line()}
		if w.Why != "" {
			f.Level, f.Next = health.Warning, w.mends
			if opens {
				f.Next = append(f.Next, "set it up anew: fob store use "+w.Name+settingsFor(w.Name))
			}
		}
		found = append(found, f)
	}
	switch {
	case !exists:
	case !opens:
		found = append(found, health.Finding{Level: health.Wrong, What: "nothing opens the store", Next: []string{"use the recovery code, if you made one: fob store passwd --backend recovery", "or put the folder back from a backup: " + k.slots()}})
	case !recovery:
		found = append(found, health.Finding{Level: health.Warning, What: "the store has no recovery code", Why: "when what opens it is lost, so are its keys", Next: []string{"fob store use recovery"}})
	}
	return found
}

// settingsFor is what a way wants to be told each time that it is set up.
func settingsFor(name string) string {
	if name == "plugin" {
		return " --identity FILE"
	}
	return ""
}

func checkPlaces(_ context.Context, k *checkup) []health.Finding {
	places := k.rest.Places()
	usable := slices.DeleteFunc(slices.Clone(places), func(p sealkey.Place) bool { return p.Why != "" })
	if len(usable) > 0 {
		f := health.Finding{Level: health.Fine, What: "an unlock is remembered in: " + usable[0].Name}
		for _, p := range usable {
			if p.Holds != "" && !p.Until.IsZero() {
				f.What = fmt.Sprintf("an unlock is remembered in: %s (the %s, until %s)", p.Name, p.Holds, p.Until.Local().Format("2006-01-02 15:04"))
				break
			}
		}
		return []health.Finding{f}
	}
	f := health.Finding{Level: health.Warning, What: "an unlock is remembered nowhere: every run opens the store anew"}
	f.Why = oneReason(places)
	return []health.Finding{f}
}

// oneReason tells why each place is not used, and once what is the reason of all.
func oneReason(places []sealkey.Place) string {
	var each, all []string
	for _, p := range places {
		each = append(each, p.Name+": "+p.Why)
		if !slices.Contains(all, p.Why) {
			all = append(all, p.Why)
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return strings.Join(each, "; ")
}

// checkPassphrase warns of a passphrase that every program can read.
func checkPassphrase(_ context.Context, k *checkup) []health.Finding {
	var found []health.Finding
	for _, name := range passphraseVariables() {
		if front.Lookup(k.sys.Environ, name) != "" {
			found = append(found, health.Finding{
				Level: health.Warning, What: name + " is set",
				Why:  "every program that is started with it can open the store; a file of the shell that sets it is the passphrase in the clear",
				Next: []string{"where a person is, unset it: fob asks at the terminal", "for a service: --passphrase-fd"},
			})
		}
	}
	return found
}

// checkEnvironment looks at the variables that shape what fob and the AWS tools do.
func checkEnvironment(_ context.Context, k *checkup) []health.Finding {
	e := health.Environ{Get: k.sys.lookup, Config: k.set, InClear: k.in.Knows}
	for _, line := range k.sys.Environ {
		name, _, _ := strings.Cut(line, "=")
		e.Set = append(e.Set, name)
	}
	for _, v := range variables() {
		e.Known = append(e.Known, strings.Split(v[0], ", ")...)
	}
	e.Known = append(e.Known, "FOB_PROFILE", "FOB_REGION", "FOB_ENDPOINT")
	return health.Environment(e)
}

// checkConfig looks at the config and at what comes of each of its profiles.
func checkConfig(_ context.Context, k *checkup) []health.Finding {
	if k.setErr != nil {
		return []health.Finding{unreadable(k.setErr)}
	}
	return health.Config(k.set, k.plans)
}

// unreadable is a finding of a file that is not read, with the reason why --fix does
// not mend a mode that it could.
func unreadable(err error) health.Finding {
	f := badly(err)
	if len(f.Next) > 0 && strings.HasPrefix(f.Next[0], "look at it, then: chmod ") {
		f.Why += "; " + health.LeftByFix
	}
	return f
}
