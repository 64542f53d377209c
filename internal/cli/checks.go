package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/lock"
	"fob/internal/keep/sealkey"
	"fob/internal/keep/unlock"
)

// checks are what fob doctor looks at, in the order in which it tells of it.
func checks() []func(context.Context, *keeper) []finding {
	return []func(context.Context, *keeper) []finding{
		checkExecutables, checkStore, checkWays, checkPlaces, checkPassphrase,
	}
}

// checkExecutables looks whether both are there. That their versions are the same
// the front has seen to, or this would not run.
func checkExecutables(_ context.Context, k *keeper) []finding {
	core, err := k.sys.Executable()
	if err != nil {
		return []finding{badly(err)}
	}
	found := finding{Level: fine, What: fmt.Sprintf("fob %s, at %s", k.sys.Version, core)}
	dir := filepath.Dir(core)
	for _, place := range []string{dir, filepath.Join(dir, "../../bin")} {
		if _, err := os.Stat(filepath.Join(place, "fob"+filepath.Ext(core))); err == nil {
			return []finding{found}
		}
	}
	return []finding{found, {
		Level: warning, What: "the program fob is not beside fob-core",
		Why: "every run then takes the slow way", Next: []string{"install both, side by side"},
	}}
}

func checkStore(_ context.Context, k *keeper) []finding {
	state, err := k.state()
	if err != nil {
		return []finding{badly(err)}
	}
	if state == "none" {
		return []finding{{Level: fine, What: "there is no store yet: " + k.home.Data, Next: []string{"fob add PROFILE"}}}
	}
	if _, err := k.vault.Sum(); err != nil { // what can be seen without its key
		return []finding{badly(storeFault(err))}
	}
	found := []finding{{Level: fine, What: fmt.Sprintf("the store is %s: %s", state, k.home.Data)}}
	if why := leavesMachine(k.home.Data); why != "" {
		found = append(found, finding{
			Level: warning, What: "copies of the store leave this machine: " + why,
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

// checkWays tells of what opens the store, of what would if it worked, and of
// what cannot be used here at all.
func checkWays(ctx context.Context, k *keeper) []finding {
	exists, err := k.vault.Exists()
	if err != nil {
		return nil // checkStore tells of it
	}
	unsafe := (*lock.UnsafeError)(nil)
	if err := lock.CheckDir(k.slots()); errors.As(err, &unsafe) {
		return []finding{{Level: wrong, What: "what opens the store is not looked at", Why: err.Error(), Next: mend(unsafe)}}
	}
	var found []finding
	ways := k.listWays(ctx)
	opens := slices.ContainsFunc(ways, func(w wayJSON) bool { return w.Order == 1 })
	recovery := slices.ContainsFunc(ways, func(w wayJSON) bool { return w.Slot && w.Name == recoveryKind })
	for _, w := range ways {
		f := finding{Level: fine, What: w.Name + ": " + w.line()}
		if w.Slot && w.Why != "" {
			f.Level, f.Next = warning, w.mends
			if opens {
				f.Next = append(f.Next, "set it up anew: fob store use "+w.Name+settingsFor(w.Name))
			}
		}
		found = append(found, f)
	}
	switch {
	case !exists:
	case !opens:
		found = append(found, finding{Level: wrong, What: "nothing opens the store", Next: []string{"use the recovery code, if you made one: fob store passwd --backend recovery", "or put the folder back from a backup: " + k.slots()}})
	case !recovery:
		found = append(found, finding{Level: warning, What: "the store has no recovery code", Why: "when what opens it is lost, so are its keys", Next: []string{"fob store use recovery"}})
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

func checkPlaces(_ context.Context, k *keeper) []finding {
	places := k.rest.Places()
	usable := slices.DeleteFunc(slices.Clone(places), func(p sealkey.Place) bool { return p.Why != "" })
	if len(usable) > 0 {
		return []finding{{Level: fine, What: "an unlock is remembered in: " + usable[0].Name}}
	}
	f := finding{Level: warning, What: "an unlock is remembered nowhere: every run opens the store anew"}
	f.Why = oneReason(places)
	return []finding{f}
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
func checkPassphrase(_ context.Context, k *keeper) []finding {
	var found []finding
	for _, name := range passphraseVariables() {
		if front.Lookup(k.sys.Environ, name) != "" {
			found = append(found, finding{
				Level: warning, What: name + " is set",
				Why:  "every program that is started with it can open the store; a file of the shell that sets it is the passphrase in the clear",
				Next: []string{"where a person is, unset it: fob asks at the terminal", "for a service: --passphrase-fd"},
			})
		}
	}
	return found
}

// needs says what the recipe of a way takes, beside age.
func needs(name string) string {
	switch name {
	case "secret-service":
		return "; secret-tool is in the package libsecret-tools (Debian), libsecret (others)"
	case "keyctl":
		return "; keyctl is in the package keyutils"
	case "pass":
		return "; pass is in the package pass"
	case "plugin":
		return "; its program has to be on PATH"
	case recoveryKind:
		return "; age wants it as it was printed, in capitals and with hyphens"
	}
	return ""
}

// runRecover prints how the keys are read without fob, with the paths of this
// store.
func (s System) runRecover(ctx context.Context, g *globals) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# The store opens without fob, with the stock age tool (https://age-encryption.org,\n# package age). One of the commands below gives the identity, the last the keys as\n# JSON. The files that they write are for nobody else:\numask 077\n")
	vault, identity := filepath.Join(k.home.Data, "vault.age"), "identity"
	n := 0
	for _, w := range unlock.Ways(ctx, k.unlockEnv(nil), unlock.Kinds()) {
		if !w.Slot {
			continue
		}
		n++
		recipe := w.Recipe(k.unlockEnv(nil), identity)
		if recipe == "" {
			recipe = "# (no program of this system shows what it keeps)"
		}
		fmt.Fprintf(&b, "\n# By %s, %s%s:\n%s\n", w.Name, w.Help, needs(w.Name), recipe)
	}
	if n == 0 {
		if err := k.mustExist(); err != nil {
			return err
		}
		return &fault.Error{What: "nothing here opens a store", Why: fmt.Errorf("%s has no slot", k.slots()), Next: []string{"put the folder back from a backup"}, Code: fault.Locked}
	}
	fmt.Fprintf(&b, "\nage -d -i %s %s\n\n# Remove the file afterwards: it opens everything.\nrm %s\n", identity, fault.Word(vault), identity)
	fmt.Fprintf(&b, "# If that says that the file is damaged, the one before the last change is %s.prev\n", fault.Word(vault))
	_, err = s.Stdout.Write([]byte(b.String()))
	return err
}
