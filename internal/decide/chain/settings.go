package chain

import (
	"slices"
	"strings"
	"time"

	"fob/internal/decide/profile"
	"fob/internal/decide/source"
)

// overlay is what the environment lays over a profile. The settings of a role
// are the target's alone.
func overlay(env map[string]string, target bool) []profile.Setting {
	var over []profile.Setting
	put := func(name, key string) {
		if value, ok := env[name]; ok && value != "" {
			over = append(over, profile.Setting{Key: key, Value: value, From: "environment variable " + name})
		}
	}
	put("AWS_MFA_SERIAL", "mfa_serial")
	put("AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints")
	put("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")
	put("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")
	put("AWS_CA_BUNDLE", "ca_bundle")
	if !target {
		return over
	}
	// On EKS and in CI this pair belongs to the web identity of the machine,
	// not to the profile that the person named.
	if env["AWS_WEB_IDENTITY_TOKEN_FILE"] == "" {
		put("AWS_ROLE_ARN", "role_arn")
		put("AWS_ROLE_SESSION_NAME", "role_session_name")
	}
	put("AWS_SESSION_TAGS", "session_tags")
	put("AWS_TRANSITIVE_TAGS", "transitive_session_tags")
	put("AWS_SOURCE_IDENTITY", "source_identity")
	return over
}

// variable reads one environment variable as a setting.
func (v *resolver) variable(name string) (profile.Setting, bool) {
	value := v.req.Env[name]
	return profile.Setting{Key: name, Value: value, From: "environment variable"}, value != ""
}

// asked is the lifetime that the person asked for by flag or environment, or 0;
// own is the variable of this kind of session.
func (v *resolver) asked(own string, most time.Duration) (time.Duration, string, error) {
	if v.req.Lifetime != 0 {
		set := profile.Setting{Key: "duration", Value: v.req.Lifetime.String(), From: "--duration"}
		d, err := source.Lifetime(set, source.MinLifetime, most)
		return d, "--duration", err
	}
	for _, name := range []string{"FOB_DURATION", "AWS_VAULT_DURATION", own} {
		if set, ok := v.variable(name); ok {
			d, err := source.Lifetime(set, source.MinLifetime, most)
			return d, name, err
		}
	}
	return 0, "", nil
}

// lifetimes decides how long each role session is asked for. What was asked on
// the command line is for the target; a role reached from a role gets one hour
// at most, whatever was asked.
func (v *resolver) lifetimes(roles []source.AssumeRole, links []link) error {
	at := len(roles)
	for _, l := range links {
		if l.role == nil {
			continue
		}
		at--
		r := &roles[at]
		life, from, err := v.lifetime(l.profile, at == len(roles)-1)
		if err != nil {
			return err
		}
		if at == len(roles)-1 {
			life = v.guardedLife(life, from)
			v.chain.Asked = life
		}
		life = v.allowed(r.RoleARN, life)
		if (len(roles) > 1 || links[len(links)-1].begin != nil) && life > roleChainingMax {
			v.cut(at == len(roles)-1, r.RoleARN, life, from)
			life = roleChainingMax
		}
		if r.Lifetime = life; at == len(roles)-1 {
			v.shorten(&r.Lifetime)
		}
	}
	return nil
}

// allowed is the length to ask for, given what AWS has refused of late.
func (v *resolver) allowed(arn string, life time.Duration) time.Duration {
	if refused, ok := v.limits[arn]; ok && life >= refused && refused > roleChainingMax {
		v.warn("AWS has refused sessions of " + refused.String() + " for " + arn + ": asking for 1h instead of " + life.String())
		return roleChainingMax
	}
	return life
}

// cut says that role chaining shortens a session: loudly where the person asked
// for that session's length, quietly for a role on the way.
func (v *resolver) cut(target bool, arn string, life time.Duration, from string) {
	if target {
		v.warn(from + " asks for " + life.String() + ", but " + arn + " is assumed from another role, and AWS gives such a session 1h at most")
		return
	}
	v.note(arn + " is on the way to another role: 1h at most instead of " + life.String() + " (" + from + ")")
}

func (v *resolver) lifetime(p profile.Profile, target bool) (time.Duration, string, error) {
	if target {
		if d, from, err := v.asked("AWS_ASSUME_ROLE_TTL", source.MaxRoleLifetime); d != 0 || err != nil {
			return d, from, err
		}
	}
	if set, ok := p.Setting("duration_seconds"); ok {
		d, err := source.Lifetime(set, source.MinLifetime, source.MaxRoleLifetime)
		return d, set.From, err
	}
	return time.Hour, "the default", nil
}

// region is the target's: flag, then environment, then the profile. Only the
// last step and the child use it, so that a region in the environment does not
// cost a second MFA session.
func (v *resolver) region(p profile.Profile) (string, error) {
	sets := []profile.Setting{{Key: "region", Value: v.req.Region, From: "--region"}}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		set, _ := v.variable(name)
		sets = append(sets, set)
	}
	if set, ok := p.Setting("region"); ok {
		sets = append(sets, set)
	}
	for _, set := range sets {
		if set.Value == "" {
			continue
		}
		if why := source.CheckRegion(set.Value); why != "" {
			return "", badRegion(set, why)
		}
		return set.Value, nil
	}
	return "", nil
}

func badRegion(set profile.Setting, why string) error {
	return &source.SettingError{Setting: set, Why: why, Next: []string{"write it like us-east-1"}}
}

// child settles what the child is told, and the last role's region.
func (v *resolver) child(target profile.Profile, roles []source.AssumeRole) error {
	region, err := v.region(target)
	if err != nil {
		return err
	}
	v.chain.Region = region
	if set, ok := target.Setting("endpoint_url"); ok && set.Value != "" && v.req.Env["AWS_ENDPOINT_URL"] == "" && !v.ignoresConfigured() {
		if why := source.CheckURL(set.Value); why != "" {
			return &source.SettingError{Setting: set, Why: why}
		}
		v.chain.Endpoint = set.Value
	}
	for i := range roles {
		r := &roles[i]
		if i == len(roles)-1 {
			r.Endpoint.Region = region
			v.chain.Account = source.Account(r.RoleARN)
		}
		r.Endpoint.Region = orDefault(r.Endpoint.Region, r.RoleARN)
	}
	return nil
}

// baseEndpoint is where the user's own session comes from. Its region is that
// of the profile with the key alone: --region is for the last role and the
// child, or two regions would cost two codes.
func (v *resolver) baseEndpoint(end source.Endpoint, serial string) source.Endpoint {
	end.Region = orDefault(end.Region, serial)
	return end
}

// orDefault gives a region to calls of profiles that name none: the first
// region of the ARN's partition. STS is the same from everywhere.
func orDefault(region, arn string) string {
	if region != "" {
		return region
	}
	switch source.Partition(arn) {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	case "aws-eusc":
		return "eusc-de-east-1"
	}
	return "us-east-1"
}

// checkSwitch refuses a value that is neither on nor off: with one of the two the
// calls go somewhere else.
func (v *resolver) checkSwitch() error {
	set, ok := v.variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
	if !ok || strings.EqualFold(set.Value, "true") || strings.EqualFold(set.Value, "false") {
		return nil
	}
	return &source.SettingError{Setting: set, Why: "is neither true nor false"}
}

func (v *resolver) ignoresConfigured() bool {
	return strings.EqualFold(v.req.Env["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"], "true")
}

// endpoint reads what decides the address of a service for one profile, in the SDKs'
// order: the service's variable, the general one, the service's section, the
// profile (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
func (v *resolver) endpoint(service string, p profile.Profile) (source.Endpoint, error) {
	var end source.Endpoint
	if set, ok := p.Setting("region"); ok && set.Value != "" {
		if why := source.CheckRegion(set.Value); why != "" {
			return end, badRegion(set, why)
		}
		end.Region = set.Value
	}
	var err error
	if end.FIPS, err = boolean(p, "use_fips_endpoint"); err != nil {
		return end, err
	}
	if end.DualStack, err = boolean(p, "use_dualstack_endpoint"); err != nil {
		return end, err
	}
	if set, ok := p.Setting("sts_regional_endpoints"); ok && set.Value != "" {
		if !slices.Contains([]string{"legacy", "regional"}, set.Value) {
			return end, &source.SettingError{Setting: set, Why: "is neither legacy nor regional"}
		}
		end.Legacy = set.Value == "legacy"
	}
	if set, ok := p.Setting("ca_bundle"); ok {
		end.CABundle, end.CABundleFrom = set.Value, set.From
	}
	set, ok := v.url(service, p)
	if !ok {
		return end, nil
	}
	if why := source.CheckURL(set.Value); why != "" {
		return end, &source.SettingError{Setting: set, Why: why}
	}
	end.URL, end.URLFrom = set.Value, set.From
	if set.Key != "endpoint_url" {
		end.URLFrom += " " + set.Key
	}
	return end, nil
}

func (v *resolver) url(service string, p profile.Profile) (profile.Setting, bool) {
	if v.ignoresConfigured() {
		return profile.Setting{}, false
	}
	own := map[string]string{"sts": "AWS_ENDPOINT_URL_STS", "iam": "AWS_ENDPOINT_URL_IAM", "organizations": "AWS_ENDPOINT_URL_ORGANIZATIONS"}[service]
	for _, name := range []string{own, "AWS_ENDPOINT_URL"} {
		if set, ok := v.variable(name); ok {
			return set, true
		}
	}
	if set, ok := p.ServiceSetting(service, "endpoint_url"); ok && set.Value != "" {
		return set, true
	}
	set, ok := p.Setting("endpoint_url")
	return set, ok && set.Value != ""
}

func boolean(p profile.Profile, key string) (bool, error) {
	set, ok := p.Setting(key)
	if !ok || set.Value == "" {
		return false, nil
	}
	switch strings.ToLower(set.Value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, &source.SettingError{Setting: set, Why: "is neither true nor false"}
}
