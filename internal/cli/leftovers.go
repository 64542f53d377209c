package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/decide/chain"
	"fob/internal/decide/health"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

// processAsk is a credential_process line that asks fob for a profile.
type processAsk struct {
	section, asked, from string
}

// processAsks are the lines of both files of the AWS tools that ask fob.
func (k *keeper) processAsks(set profile.Set) []processAsk {
	var all []processAsk
	credentials, err := profile.LoadCredentials(k.credentialsFile())
	files := []profile.Set{set}
	if err == nil {
		files = append(files, credentials)
	}
	for _, file := range files {
		for _, name := range file.Names() {
			p, err := file.Section(name)
			line, ok := p.Setting("credential_process")
			if asked := askedOfFob(line.Value); err == nil && ok && asked != "" {
				all = append(all, processAsk{section: name, asked: asked, from: line.From})
			}
		}
	}
	return all
}

// askedOfFob is the profile that a credential_process line asks fob for; "" where
// it runs something else.
func askedOfFob(line string) string {
	words, err := splitWords(line)
	if err != nil || len(words) < 3 {
		return ""
	}
	name := strings.TrimSuffix(filepath.Base(words[0]), ".exe")
	last := words[len(words)-1]
	if name != "fob" || !slices.Contains(words[1:len(words)-1], "credential-process") || strings.HasPrefix(last, "-") && words[len(words)-2] != "--" {
		return ""
	}
	return last
}

// asksItself says that c begins with a line that asks fob for the profile in which
// it stands. A stored key goes before it; without one it would go on for ever.
func asksItself(c chain.Chain) bool {
	if len(c.Steps) == 0 {
		return false
	}
	process, ok := c.Steps[0].(source.Process)
	return ok && askedOfFob(process.Line) == process.Profile
}

// tellLeftBehind says which lines of the AWS files lead to a key that is removed.
func (k *keeper) tellLeftBehind(name string) {
	set, err := k.load()
	if err != nil {
		return // every other command says so
	}
	others := slices.ContainsFunc(set.Names(), func(other string) bool {
		p, err := set.Section(other)
		return err == nil && other != name && p.Value("source_profile") == name
	})
	p, err := set.Section(name)
	more := slices.ContainsFunc(p.Keys(), func(key string) bool { return key != "mfa_serial" })
	if err == nil && name != "default" && !others && !more {
		k.sys.say("its section stays, which you may remove: [profile %s] at %s", fault.Line(name), p.Where())
	}
	for _, ask := range k.processAsks(set) {
		if ask.asked == name {
			k.sys.say("%s: profile %s asks fob for that key by its credential_process: remove the line, or programs that use the profile fail", ask.from, profile.Shown(ask.section))
		}
	}
}

// checkProcessLines finds credential_process lines that ask fob for what it cannot
// give: every program that uses such a profile then fails.
func checkProcessLines(_ context.Context, d *checkup) []health.Finding {
	if d.setErr != nil {
		return nil
	}
	plans := map[string]error{}
	for _, p := range d.plans {
		plans[p.Name] = p.Err
	}
	var found []health.Finding
	for _, ask := range d.processAsks(d.set) {
		lacks, why := ask.asked, "that profile is not in "+d.set.Display()+", and no key is stored for it"
		if err, planned := plans[ask.asked]; planned {
			var is bool
			if lacks, is = chain.LacksKey(err); !is {
				continue // it can be given, or why not is told
			}
			why = "no key is stored for profile " + profile.Shown(lacks)
		} else if d.locked || d.hasKey(ask.asked) {
			continue
		}
		found = append(found, health.Finding{
			Level: health.Wrong, What: fmt.Sprintf("%s: profile %s asks fob for profile %s, which it cannot give", ask.from, fault.Line(ask.section), profile.Shown(ask.asked)),
			Why: why + ": every program that uses the profile fails", Next: []string{"remove the line " + ask.from, "or store a key: fob add " + fault.Operand(lacks)},
		})
	}
	return found
}

// checkBackups finds the copies that fob import leaves of a file with keys.
func checkBackups(_ context.Context, d *checkup) []health.Finding {
	credentials, _ := d.credentialsFile()
	var found []health.Finding
	seen := map[string]bool{}
	for _, path := range []string{credentials, d.home.Config} {
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			continue
		}
		for _, e := range entries {
			copied := filepath.Join(filepath.Dir(path), e.Name())
			if !strings.HasPrefix(e.Name(), filepath.Base(path)+beforeFob) || seen[copied] {
				continue
			}
			seen[copied] = true
			found = append(found, health.Finding{
				Level: health.Warning, What: "fob import has left a copy with keys in the clear: " + fault.Line(copied),
				Why: "every program of yours can read it", Next: []string{"when all works: rm " + fault.Word(copied)},
			})
		}
	}
	return found
}
