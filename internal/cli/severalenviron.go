package cli

import (
	"cmp"
	"slices"
	"strings"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/deliver/launch"
	"fob/internal/front"
)

// planning is the environment in which the lines of the command plan, with what only
// this fob reads, to open the store and to ask. What is got by it is what they find:
// a session of another region or role would be no use to them.
func planning(environ []string) []string {
	child := many{instance: true}.environ(environ, childFiles{})
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		own := func(program string) bool { return strings.HasPrefix(name, program+"_") }
		kept := own("FOB") || own("AWS_VAULT") || name == "AWS_CONFIG_FILE" || name == "AWS_SHARED_CREDENTIALS_FILE"
		return !kept && !slices.Contains(child, entry)
	})
}

// lastsByVariable is the length that a variable of fob's asks for, which does not
// reach the command. One that cannot be read was refused where it counts.
func (s System) lastsByVariable() string {
	text := strings.TrimSpace(cmp.Or(s.lookup("FOB_DURATION"), s.lookup("AWS_VAULT_DURATION")))
	if _, ok := front.Lifetime(text); !ok {
		return ""
	}
	return text
}

// regionFor is the region of profiles that have none: the one of the environment,
// unless an outer exec has set it.
func regionFor(environ []string) profile.Setting {
	environ = launch.Inherited(environ)
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if value := front.Lookup(environ, name); value != "" {
			return profile.Setting{Key: "region", Value: value, From: name}
		}
	}
	return profile.Setting{}
}

// sayRegion tells where a variable of the person's does not do what it does for one
// profile: it would send every account's calls to one region.
func (k *keeper) sayRegion(m many) {
	if m.variable.Value == "" {
		return
	}
	for _, name := range m.names {
		p, err := m.set.Profile(name)
		if own := p.Value("region"); err == nil && own != "" && own != m.variable.Value {
			k.sys.say("each profile has its own region, and %s does not reach the command; for one region in all: --region %s", m.variable.From, m.variable.Value)
			return
		}
	}
}

// metadataAt is where the metadata service of EC2 is, if not where it always is.
const metadataAt = "AWS_EC2_METADATA_SERVICE_ENDPOINT"

// environ has no credentials, no region but that of --region, and no AWS_PROFILE but
// one that the person has set to a profile of the list: what names none must not get
// into an account by chance. SDKs take a region of the environment before each
// profile's own. FOB_MIN_TTL stays for the lines: a flag in its place would refuse
// what the variable only tells of.
func (m many) environ(environ []string, files childFiles) []string {
	var kept []string
	for _, entry := range launch.Environ(environ, launch.Settings{Profile: strings.Join(m.names, ","), Region: m.want.region}, cred.Session{}) {
		name, _, _ := strings.Cut(entry, "=")
		switch name {
		case "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE":
			continue
		case "AWS_REGION", "AWS_DEFAULT_REGION":
			if m.want.region == "" {
				continue
			}
		case "AWS_EC2_METADATA_DISABLED":
			if !m.instance {
				continue
			}
		}
		kept = append(kept, entry)
	}
	// The last is for the Go SDK before version 2, which reads no config without.
	kept = append(kept, "AWS_CONFIG_FILE="+files.config, "AWS_SHARED_CREDENTIALS_FILE="+files.credentials, "AWS_SDK_LOAD_CONFIG=1")
	if !m.instance { // which has a role that no profile names
		kept = append(kept, "AWS_EC2_METADATA_DISABLED=true")
	} else if at := front.Lookup(environ, metadataAt); at != "" {
		kept = append(kept, metadataAt+"="+at)
	}
	if least := front.Lookup(environ, "FOB_MIN_TTL"); least != "" {
		kept = append(kept, "FOB_MIN_TTL="+least)
	}
	if chosen := front.Lookup(environ, "AWS_PROFILE"); slices.Contains(m.names, chosen) {
		kept = append(kept, "AWS_PROFILE="+chosen)
	}
	return kept
}
