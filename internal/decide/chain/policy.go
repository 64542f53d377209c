package chain

import (
	"errors"
	"slices"
	"strings"

	"fob/internal/decide/policy"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

// PolicySetting is the session policy of a profile.
const PolicySetting = "fob_policy"

// Policy narrows the last role session. It goes by a name or has a text, ARNs or
// both; Resolve puts the text and the ARNs of its name into the chain.
type Policy struct {
	Name   string
	Inline string
	ARNs   []string
	// From says who asked for it: flags, or where it stands in the config.
	From string
}

// IsZero says whether nobody asked for anything.
func (p Policy) IsZero() bool { return p.Name == "" && p.Inline == "" && len(p.ARNs) == 0 }

// PolicyOf reads the value of --policy or fob_policy: a name, the JSON of a
// policy, or ARNs of managed ones with commas between them. why says what is
// wrong with it, or is "".
func PolicyOf(value, from string) (p Policy, why string) {
	value = strings.TrimSpace(value)
	p.From = from
	switch {
	case strings.HasPrefix(value, "{"):
		p.Inline = value
	case strings.HasPrefix(value, "arn:"):
		for _, arn := range strings.Split(value, ",") {
			p.ARNs = append(p.ARNs, strings.TrimSpace(arn))
		}
	case policy.Known(value):
		p.Name = value
	default:
		return Policy{}, "is neither JSON nor the name of a policy: " + strings.Join(policy.Names(), ", ") + ", or " + policy.Full + " for the role's own rights"
	}
	return p, ""
}

// narrowBy settles the session policy, and puts its text and ARNs into the
// request: what the flags say, else the config.
func (v *resolver) narrowBy(links []link) error {
	p, setting, err := v.wished(links)
	if err != nil || p.IsZero() {
		return err
	}
	if p.Name == policy.Full {
		v.req.Policy = Policy{}
		v.note("the role's own rights, not narrowed (" + p.From + ")")
		return nil
	}
	role, region := lastRole(links), ""
	if set, ok := links[0].profile.Setting("region"); ok {
		region = set.Value
	}
	if p.Name != "" {
		p.Inline, p.ARNs, _ = policy.Builtin(p.Name, partitionOf(role, region))
	}
	why := source.CheckPolicy(p.Inline, p.ARNs, role)
	if why == "" && p.Inline != "" && v.req.CheckPolicy != nil {
		why = v.req.CheckPolicy(p.Inline)
	}
	switch {
	case why == "":
		v.req.Policy, v.chain.Policy = p, p
		return nil
	case setting.Key != "":
		return &source.SettingError{Setting: setting, Why: "cannot be used: " + why}
	}
	return badPolicy(p.From, why)
}

// wished is the policy that was asked for. What an agent is given and what the
// profile says both hold; AWS would take policies side by side as either of them,
// so the narrower one is sent.
func (v *resolver) wished(links []link) (Policy, profile.Setting, error) {
	asked := v.req.Policy
	if !asked.IsZero() && v.req.Agent == "" {
		return asked, profile.Setting{}, nil
	}
	held, set, err := v.configured(links)
	if err != nil || asked.IsZero() {
		return held, set, err
	}
	if held.IsZero() || held.Name == policy.Full {
		return asked, profile.Setting{}, nil
	}
	narrower, ok := policy.Narrower(asked.Name, held.Name)
	switch {
	case !ok:
		return held, set, &source.SettingError{Setting: set, Why: "stands beside the policy of the agent (" + asked.From + "), and which of them is narrower cannot be told", Next: []string{"write one of " + strings.Join(policy.Names(), ", ") + " in one of the two"}}
	case narrower == held.Name:
		return held, set, nil
	}
	return asked, profile.Setting{}, nil
}

// configured is the policy of the config: that of the profile that was named, or
// where it passes on the role of another, of that one. What stands in the
// environment already is handed to nobody anew.
func (v *resolver) configured(links []link) (Policy, profile.Setting, error) {
	if v.req.Profile == environmentName {
		return Policy{}, profile.Setting{}, nil
	}
	for _, l := range links {
		if set, ok := l.profile.Setting(PolicySetting); ok && set.Value != "" {
			p, err := v.fromSetting(set)
			return p, set, err
		}
		if l.role != nil {
			break
		}
	}
	return Policy{}, profile.Setting{}, nil
}

func (v *resolver) fromSetting(set profile.Setting) (Policy, error) {
	path, file := strings.CutPrefix(strings.TrimSpace(set.Value), "file:")
	if !file {
		p, why := PolicyOf(set.Value, PolicySetting+", "+set.From)
		if why != "" {
			return p, &source.SettingError{Setting: set, Why: why}
		}
		return p, nil
	}
	if v.req.ReadPolicy == nil {
		return Policy{}, &source.SettingError{Setting: set, Why: "names a file, which is not read here"}
	}
	text, err := v.req.ReadPolicy(path)
	if err != nil {
		return Policy{}, &source.SettingError{Setting: set, Why: "cannot be read: " + err.Error()}
	}
	return Policy{Inline: text, From: PolicySetting + ", " + set.From}, nil
}

// lastRole is the ARN of the role whose session is handed out, or "".
func lastRole(links []link) string {
	for _, l := range links {
		if l.role != nil {
			return l.role.RoleARN
		}
		if l.begin != nil {
			return source.CardOf(l.begin).Role
		}
	}
	return ""
}

// partitionOf is the partition of a role, or where there is none of a region.
func partitionOf(arn, region string) string {
	switch partition := source.Partition(arn); {
	case partition != "":
		return partition
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// narrow puts the session policy on the last role.
func (v *resolver) narrow(roles []source.AssumeRole) error {
	p := v.req.Policy
	if p.IsZero() {
		return nil
	}
	if len(roles) == 0 {
		return v.unnarrowed("its credentials come from a source that takes no session policy")
	}
	last := &roles[len(roles)-1]
	last.Policy, last.PolicyARNs = p.Inline, slices.Clone(p.ARNs)
	v.noteNarrowed()
	return nil
}

// noteNarrowed says which policy narrows, who asked for it, and what it does not
// keep back.
func (v *resolver) noteNarrowed() {
	p := v.req.Policy
	which := "a session policy"
	if p.Name != "" {
		which = "session policy " + p.Name
	}
	v.note(which + " (" + p.From + ") narrows the last role: the result is what both allow")
	if p.Name == "plan" {
		v.note("plan reads Terraform's states, which hold secrets in the clear")
	}
}

// unnarrowed refuses to hand out full rights where narrowed ones were asked for.
func (v *resolver) unnarrowed(why string) error {
	if v.req.Agent != "" {
		return v.notForAgents(why + " (asked for by " + v.req.Policy.From + ")")
	}
	f := &fault.Error{
		What: "cannot narrow the session of profile " + quoted(v.req.Profile),
		Why:  errors.New(why + " (asked for by " + v.req.Policy.From + ")"),
		Next: []string{"use a profile that assumes a role: that can be narrowed"},
		Code: fault.Usage,
	}
	if strings.HasPrefix(v.req.Policy.From, PolicySetting) {
		f.Next = append(f.Next, "take the full rights for this run: --policy full", "or for good: "+PolicySetting+" = full in that profile")
		return f
	}
	f.Next = append(f.Next, "or leave "+v.req.Policy.From+" out and get the full rights")
	return f
}

func badPolicy(from, why string) error {
	return &fault.Error{What: "cannot use the session policy of " + from, Why: errors.New(why), Code: fault.Usage}
}
