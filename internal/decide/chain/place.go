package chain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

const (
	// roleChainingMax is AWS's limit for a role assumed with the session of
	// another role
	// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html, "Role
	// chaining"). The field holds that sessions of GetSessionToken are limited
	// in the same way, so fob asks for no more from them.
	roleChainingMax = time.Hour
	// sessionTokenLifetime is what one MFA code opens.
	sessionTokenLifetime = 8 * time.Hour
	plainSessionLifetime = time.Hour
)

// place orders the steps: key, perhaps an MFA session, then the roles from the
// one nearest the key to the target.
func (v *resolver) place(links []link) error {
	base := links[len(links)-1].profile
	var roles []source.AssumeRole
	for i := len(links) - 1; i >= 0; i-- {
		if r := links[i].role; r != nil {
			end, err := v.endpoint(links[i].profile)
			if err != nil {
				return err
			}
			r.Endpoint = end
			roles = append(roles, *r)
		}
	}
	serials, err := v.serials(links)
	if err != nil {
		return err
	}
	if err := v.child(links[0].profile, roles); err != nil {
		return err
	}
	if len(roles) == 0 {
		return v.placeUser(base, serials)
	}
	if err := v.lifetimes(roles, links); err != nil {
		return err
	}
	if err := v.narrow(&roles[len(roles)-1]); err != nil {
		return err
	}
	return v.placeRoles(base, roles, serials)
}

// devices holds what MFA the chain names: the serial of the profile with the
// key and of the role nearest to it.
type devices struct{ base, role source.MFA }

// serials reads the MFA devices of a chain. Only a user can present one, so the
// roles further on may name the same device, and no other.
func (v *resolver) serials(links []link) (devices, error) {
	var d devices
	for i := len(links) - 1; i >= 0; i-- {
		p := links[i].profile
		m, err := v.device(p, d)
		if err != nil {
			return d, err
		}
		switch isBase := i == len(links)-1; {
		case m.Serial == "":
		case isBase && links[i].role == nil, isBase && d.base.Serial == "":
			d.base = m
		case d.role.Serial == "" && firstRole(links, i):
			d.role = m
		case d.base.Serial == "" && d.role.Serial == "":
			d.base = m
		case m.Serial != d.base.Serial && m.Serial != d.role.Serial:
			set, _ := p.Setting("mfa_serial")
			return d, &source.SettingError{Setting: set, Why: "cannot be presented: this role is assumed from another role's session, and only a user has MFA devices", Next: []string{"remove it here, or name the device of the first step"}}
		}
	}
	return d, nil
}

// firstRole says whether links[i] holds the role nearest to the key.
func firstRole(links []link, i int) bool {
	for _, l := range links[i+1:] {
		if l.role != nil {
			return false
		}
	}
	return links[i].role != nil
}

// device reads mfa_serial and mfa_process of one profile. mfa_process of the
// profile nearer to the key serves those that have none.
func (v *resolver) device(p profile.Profile, nearer devices) (source.MFA, error) {
	m := source.MFA{Process: nearer.base.Process, ProcessFrom: nearer.base.ProcessFrom}
	if nearer.role.Process != "" {
		m.Process, m.ProcessFrom = nearer.role.Process, nearer.role.ProcessFrom
	}
	if set, ok := p.Setting("mfa_process"); ok && set.Value != "" {
		m.Process, m.ProcessFrom = set.Value, set.From
	}
	set, ok := p.Setting("mfa_serial")
	if !ok || set.Value == "" {
		return m, nil
	}
	if why := source.CheckSerial(set.Value); why != "" {
		return m, &source.SettingError{Setting: set, Why: why, Next: []string{"see its ARN in the console, or: aws iam list-mfa-devices"}}
	}
	m.Serial = set.Value
	return m, nil
}

// placeUser plans for a profile without a role: the user's own session.
func (v *resolver) placeUser(base profile.Profile, d devices) error {
	if !v.req.Policy.IsZero() {
		return &fault.Error{
			What: "cannot narrow the session of profile " + quoted(v.req.Profile),
			Why:  fmt.Errorf("it has no role, and GetSessionToken takes no session policy"),
			Next: []string{"use a profile that assumes a role", "or leave --policy out and get the user's full rights"},
			Code: fault.Usage,
		}
	}
	v.chain.Account = source.Account(d.base.Serial)
	end, err := v.endpoint(base)
	if err != nil {
		return err
	}
	v.chain.STS = v.baseEndpoint(end, base, d.base.Serial)
	if v.req.NoSession {
		v.note("--no-session and no role: the long-term key itself is handed out")
		return nil
	}
	step := source.SessionToken{Profile: base.Name, Device: d.base, Endpoint: v.chain.STS}
	asked, from, err := v.asked("AWS_SESSION_TOKEN_TTL", source.MaxSessionTokenLifetime)
	if err != nil {
		return err
	}
	v.chain.Asked = asked
	switch {
	case d.base.Serial == "":
		step.Lifetime = plainSessionLifetime
		if asked > 0 {
			step.Lifetime = asked
		}
		v.note("no mfa_serial: the session carries no MFA, and IAM refuses it")
	case asked > roleChainingMax:
		step.Lifetime = asked
		v.note("%s asks for %s, so this is a session of its own and costs one more code", from, asked)
	default:
		if step.Lifetime, err = v.shared(); err != nil {
			return err
		}
		v.note("one code opens this session for %s; every role of at most 1h is then entered without another", step.Lifetime)
	}
	v.chain.Steps = []source.Step{step}
	return nil
}

// shared is the lifetime of the MFA session that all roles use. It is the same
// whatever is asked for, or else it would not be shared.
func (v *resolver) shared() (time.Duration, error) {
	set, ok := v.variable("AWS_CHAINED_SESSION_TOKEN_TTL")
	if !ok {
		return sessionTokenLifetime, nil
	}
	return source.Lifetime(set, source.MinLifetime, source.MaxSessionTokenLifetime)
}

// placeRoles decides who sends the code. Where the devices allow it, one MFA
// session serves every role of at most one hour; a longer role must be assumed
// with the key itself, and costs a code of its own.
func (v *resolver) placeRoles(base profile.Profile, roles []source.AssumeRole, d devices) error {
	first := &roles[0]
	device := d.role
	if device.Serial == "" {
		device = d.base
	}
	long := len(roles) == 1 && first.Lifetime > roleChainingMax
	differs := d.base.Serial != "" && d.role.Serial != "" && d.base.Serial != d.role.Serial
	withSession := device.Serial != "" && !v.req.NoSession && !long && !differs
	var steps []source.Step
	switch {
	case withSession:
		life, err := v.shared()
		if err != nil {
			return err
		}
		end, err := v.endpoint(base)
		if err != nil {
			return err
		}
		steps = append(steps, source.SessionToken{Profile: base.Name, Lifetime: life, Device: device, Endpoint: v.baseEndpoint(end, base, device.Serial)})
		v.note("one code opens a session for %s, which serves every role of at most 1h over this key", life)
	case device.Serial == "":
		v.note("no mfa_serial: the key assumes the role without a code")
	default:
		first.Device = device
		v.note("%s", codeNote(v.req.NoSession, differs, first, d))
	}
	for i := range roles {
		sessionName(&roles[i], device.Serial)
		steps = append(steps, roles[i])
	}
	v.chain.Steps, v.chain.STS = steps, roles[len(roles)-1].Endpoint
	return nil
}

func codeNote(noSession, differs bool, r *source.AssumeRole, d devices) string {
	switch {
	case noSession:
		return "--no-session: the key assumes the role itself, which costs one code"
	case differs:
		return fmt.Sprintf("the role names MFA device %s and its source %s: the key assumes the role itself, which costs one code", d.role.Serial, d.base.Serial)
	}
	return fmt.Sprintf("a session of %s cannot come from the shared MFA session (at most 1h): the key assumes the role itself, which costs one code", r.Lifetime)
}

// sessionName fills in a name that makes CloudTrail readable: the MFA device is
// named like the IAM user wherever people may enrol their own.
func sessionName(r *source.AssumeRole, serial string) {
	if r.SessionName != "" {
		return
	}
	r.Generated = true
	r.SessionName = "fob"
	if i := strings.LastIndexByte(serial, '/'); i >= 0 && strings.HasPrefix(serial, "arn:") && len(serial)-i-1 >= 2 {
		r.SessionName = serial[i+1:]
		r.SessionName = r.SessionName[:min(len(r.SessionName), 64)]
	}
}

// narrow puts the session policy on the last role.
func (v *resolver) narrow(last *source.AssumeRole) error {
	if v.req.Policy.IsZero() {
		return nil
	}
	if why := source.CheckPolicy(v.req.Policy.Inline, v.req.Policy.ARNs); why != "" {
		return &fault.Error{What: "cannot use that session policy", Why: fmt.Errorf("%s", why), Code: fault.Usage}
	}
	last.Policy, last.PolicyARNs = v.req.Policy.Inline, slices.Clone(v.req.Policy.ARNs)
	v.note("the session policy narrows the last role; the result is what both allow")
	return nil
}
