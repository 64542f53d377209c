package health

import (
	"slices"
	"strings"

	"fob/internal/decide/profile"
	"fob/internal/fault"
)

// Environ is what is looked at of an environment.
type Environ struct {
	// Get gives a variable, "" where it is not set.
	Get func(name string) string
	// Set are the names of all variables that are set, Known those that fob reads.
	Set, Known []string
	// Config has the profiles; the zero Set is one that cannot be read. InClear says
	// which have credentials in the shared file alone.
	Config  profile.Set
	InClear func(name string) bool
}

const unsetKeys = "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"

// Environment judges variables that override each other, and keys among them.
func Environment(e Environ) []Finding {
	return slices.Concat(e.keys(), e.overrides(), e.targets(), e.misspelt())
}

// keys judges credentials that stand in the environment. A session there is what
// fob exec gives; a key is not.
func (e Environ) keys() []Finding {
	id, secret, session := e.Get("AWS_ACCESS_KEY_ID"), e.Get("AWS_SECRET_ACCESS_KEY"), e.Get("AWS_SESSION_TOKEN")
	var found []Finding
	switch {
	case id == "" && secret == "" && session == "":
		return nil
	case id == "" || secret == "":
		found = append(found, Finding{Level: Warning, What: "the environment has only a part of a key", Why: "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY one is not set, and tools then take another key or none", Next: []string{unsetKeys}})
	case session == "":
		found = append(found, Finding{Level: Warning, What: "a long-term key stands in the environment (AWS_ACCESS_KEY_ID)", Why: "every program that is started here can read it", Next: []string{"fob add PROFILE --env", unsetKeys}})
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if e.Get(name) != "" {
			found = append(found, Finding{Level: Warning, What: name + " and AWS_ACCESS_KEY_ID are both set", Why: "the AWS CLI and most SDKs take the key and not the profile; some do the opposite", Next: []string{unsetKeys, "unset " + name}})
			break
		}
	}
	for _, name := range []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
		if e.Get(name) != "" {
			found = append(found, Finding{Level: Warning, What: name + " and AWS_ACCESS_KEY_ID are both set", Why: "every tool takes the key and does not ask the endpoint", Next: []string{unsetKeys}})
			break
		}
	}
	return found
}

// overrides finds pairs of variables of which one goes before the other.
func (e Environ) overrides() []Finding {
	var found []Finding
	for _, pair := range []struct{ first, second, why string }{
		{"AWS_REGION", "AWS_DEFAULT_REGION", "fob and the SDKs take AWS_REGION, boto3 AWS_DEFAULT_REGION"},
		{"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "fob and the SDKs take AWS_PROFILE, the AWS CLI and boto3 AWS_DEFAULT_PROFILE"},
		{"FOB_DURATION", "AWS_VAULT_DURATION", ""}, {"FOB_MIN_TTL", "AWS_MIN_TTL", ""}, {"FOB_PROMPT", "AWS_VAULT_PROMPT", ""},
		{"FOB_PASSPHRASE", "AWS_VAULT_FILE_PASSPHRASE", ""}, {"FOB_AUTO_LOGOUT", "AWS_VAULT_AUTO_LOGOUT", ""}, {"FOB_PROFILE_ENV", "AWS_VAULT_PROFILE_ENV", ""},
	} {
		first, second := e.Get(pair.first), e.Get(pair.second)
		if first == "" || second == "" || first == second {
			continue
		}
		f := Finding{Level: Warning, What: pair.first + " and " + pair.second + " differ", Why: pair.why, Next: []string{"unset " + pair.second}}
		if f.Why == "" {
			f.Why = "fob takes " + pair.first
		}
		found = append(found, f)
	}
	return found
}

// targets judges variables that change what every profile is.
func (e Environ) targets() []Finding {
	var found []Finding
	if name := e.Get("AWS_PROFILE"); name != "" && e.Config.Display() != "" && !e.Config.Has(name) && !e.InClear(name) {
		found = append(found, Finding{Level: Warning, What: "AWS_PROFILE is " + profile.Shown(name) + ", which is not in " + e.Config.Display(), Why: "most tools then fail", Next: []string{"unset AWS_PROFILE", "see the profiles: fob list --profiles"}})
	}
	if e.Get("AWS_ROLE_ARN") != "" && e.Get("AWS_WEB_IDENTITY_TOKEN_FILE") == "" {
		found = append(found, Finding{Level: Warning, What: "AWS_ROLE_ARN is set", Why: "with fob every profile then enters that role in place of its own", Next: []string{"unset AWS_ROLE_ARN AWS_ROLE_SESSION_NAME"}})
	}
	if serial := e.Get("AWS_MFA_SERIAL"); serial != "" {
		for _, name := range e.Config.Names() {
			p, err := e.Config.Profile(name)
			if set, ok := p.Setting("mfa_serial"); err == nil && ok && set.Value != serial {
				found = append(found, Finding{Level: Warning, What: "AWS_MFA_SERIAL goes before mfa_serial of every profile", Why: "it is another than at " + set.From, Next: []string{"unset AWS_MFA_SERIAL"}})
				break
			}
		}
	}
	if named := e.Get("AWS_CONFIG_FILE"); named != "" && e.Config.Absent() {
		found = append(found, Finding{Level: Warning, What: "AWS_CONFIG_FILE names a file that is not there: " + e.Config.Display(), Why: "so there are no profiles", Next: []string{"unset AWS_CONFIG_FILE"}})
	}
	return found
}

// misspelt finds variables of fob's that fob does not know.
func (e Environ) misspelt() []Finding {
	var found []Finding
	for _, name := range e.Set {
		if !strings.HasPrefix(name, "FOB_") || slices.Contains(e.Known, name) {
			continue
		}
		if near := profile.Near(name, e.Known); len(near) > 0 {
			found = append(found, Finding{Level: Warning, What: "fob does not know the variable " + fault.Line(name), Why: "perhaps " + near[0] + " is meant", Next: []string{"unset " + fault.Word(name)}})
		}
	}
	return found
}
