package cli

import (
	"fmt"
	"strings"

	"fob/internal/decide/profile"
	"fob/internal/decide/refarch"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

type configuredJSON struct {
	File    string              `json:"file" doc:"the AWS config"`
	From    string              `json:"accounts_file" doc:"the accounts file, or which organization"`
	Source  string              `json:"source_profile" doc:"the profile with the key"`
	Serial  string              `json:"mfa_serial,omitempty" doc:"the MFA device of all profiles"`
	Changed bool                `json:"changed" doc:"something was written, or would be"`
	Written bool                `json:"written" doc:"it was written"`
	Changes []configuredProfile `json:"changes" doc:"profiles that are not as they are wanted"`
	Stale   []string            `json:"stale" doc:"profiles that fob configure wrote, that are not wanted any more and that stay"`
	Skipped []string            `json:"skipped" doc:"accounts that are not active"`
}

type configuredProfile struct {
	Profile  string              `json:"profile" doc:"its name"`
	Action   string              `json:"action" doc:"add, set, remove; leave: a person wrote it, so it stays as it is"`
	Where    string              `json:"where,omitempty" doc:"where it stands"`
	Settings []configuredSetting `json:"settings" doc:"settings that are not as they are wanted"`
}

type configuredSetting struct {
	Key    string `json:"key" doc:"the setting"`
	Before string `json:"before,omitempty" doc:"its value in the file"`
	After  string `json:"after,omitempty" doc:"its value as it is wanted"`
}

func newConfiguredJSON(set profile.Set, a refarch.Accounts, w refarch.Wanted, p refarch.Plan) configuredJSON {
	out := configuredJSON{
		File: set.Path(), From: a.File, Source: w.Source, Serial: w.Serial, Changed: p.Changed(),
		Changes: []configuredProfile{}, Stale: append([]string{}, p.Stale...), Skipped: append([]string{}, a.Skipped...),
	}
	for _, c := range p.Changes {
		one := configuredProfile{Profile: c.Profile, Action: string(c.Do), Where: c.Where, Settings: []configuredSetting{}}
		for _, s := range c.Settings {
			one.Settings = append(one.Settings, configuredSetting(s))
		}
		out.Changes = append(out.Changes, one)
	}
	return out
}

// counted says how many profiles are changed.
func (o configuredJSON) counted() string {
	n := make(map[string]int)
	region := false
	for _, c := range o.Changes {
		if c.Profile == "default" && len(c.Settings) == 1 && c.Settings[0].Key == "region" {
			region = true // settings for the others, and no way in
			continue
		}
		n[c.Action]++
	}
	var parts []string
	for _, a := range []struct {
		do   refarch.Do
		said string
	}{{refarch.Add, "new"}, {refarch.Set, "changed"}, {refarch.Remove, "removed"}} {
		if count := n[string(a.do)]; count > 0 {
			parts = append(parts, fmt.Sprintf("%d profile%s %s", count, plural(count), a.said))
		}
	}
	if region {
		parts = append(parts, "the region in [default]")
	}
	return strings.Join(parts, ", ")
}

// showPlan prints the changes as a diff whose pieces are the profiles.
func (s System) showPlan(set profile.Set, p refarch.Plan) error {
	if !p.Changed() {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", fault.Line(set.Display()), fault.Line(set.Display()))
	for _, c := range p.Changes {
		if c.Do == refarch.Leave {
			continue
		}
		header := "[profile " + c.Profile + "]"
		if c.Profile == "default" {
			header = "[default]"
		}
		switch c.Do {
		case refarch.Add:
			header = "+" + header
		case refarch.Remove:
			header = "-" + header
		default:
			header = " " + header
		}
		b.WriteString("@@\n" + fault.Line(header) + "\n")
		if c.Note != "" {
			b.WriteString(header[:1] + "# " + c.Note + "\n")
		}
		for _, set := range c.Settings {
			if set.Before != "" {
				b.WriteString("-" + fault.Line(set.Key+" = "+set.Before) + "\n")
			}
			if set.After != "" {
				b.WriteString("+" + fault.Line(set.Key+" = "+set.After) + "\n")
			}
		}
	}
	_, err := s.Stdout.Write([]byte(b.String()))
	return err
}

// sayLeft tells of what stays otherwise than is wanted, and how to hand it over.
func (s System) sayLeft(p refarch.Plan, pruned bool) {
	for _, c := range p.Changes {
		if c.Do != refarch.Leave {
			continue
		}
		var keys []string
		for _, set := range c.Settings {
			keys = append(keys, set.Key)
		}
		s.say("left profile %s as it is (%s), though %s would be another; to have it kept up to date, put this line below its header: # %s", profile.Shown(c.Profile), c.Where, strings.Join(keys, ", "), refarch.Note)
	}
	if n := len(p.Stale); n > 0 {
		then := "--prune removes what holds nothing else"
		if pruned {
			then = "left, since something was added to what fob configure wrote, or another profile needs it"
		}
		s.say("%d profile%s of fob configure not among these: %s; %s", n, plural(n), someOfThem(p.Stale), then)
	}
}

// sayRegion tells of profiles that have no region, and of a region that may be a slip.
func (s System) sayRegion(set profile.Set, w refarch.Wanted, p refarch.Plan) {
	if odd := source.OddRegion(w.Region); w.Region != "" && odd != "" {
		s.say("--region %s %s", profile.Shown(w.Region), odd)
	}
	now, err := set.WithText(p.Text)
	if err != nil || regionFor(s.Environ).Value != "" {
		return
	}
	for _, g := range w.Grants {
		one, err := now.Profile(refarch.ProfileName(g.Account.Name, g.Key))
		if err == nil && one.Value("region") == "" {
			s.say("no region: most programs want one: --region us-west-2")
			return
		}
	}
}

// someOfThem lists the first names of many.
func someOfThem(names []string) string {
	const most = 5
	text := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
