package chain

import (
	"cmp"
	"time"

	"fob/internal/decide/profile"
	"fob/internal/decide/source"
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

type resolver struct {
	set    profile.Set
	kinds  []source.Kind
	hasKey func(string) bool
	limits map[string]time.Duration
	req    Request
	chain  Chain
	target profile.Profile
}

// Resolve plans how to get the session that r asks for. hasKey says which
// profiles have a stored key; limits holds, by role ARN, the smallest lifetime
// that AWS has refused. Errors are *fault.Error, and for OpensConsole *NoConsoleError.
func Resolve(set profile.Set, kinds []source.Kind, hasKey func(string) bool, limits map[string]time.Duration, r Request) (Chain, error) {
	v := &resolver{set: set, kinds: kinds, hasKey: hasKey, limits: limits, req: r}
	v.chain = Chain{Profile: r.Profile, Agent: r.Agent, Granted: r.Granted, Terminal: r.Terminal}
	links, err := v.walk()
	if err == nil {
		err = v.placeGuarded(links)
	}
	if err != nil {
		return Chain{}, v.asFault(err)
	}
	return v.chain, nil
}

// place orders the steps: key, perhaps an MFA session, then the roles from the
// one nearest the key to the target.
func (v *resolver) place(links []link) error {
	base := links[len(links)-1].profile
	var roles []source.AssumeRole
	for i := len(links) - 1; i >= 0; i-- {
		if r := links[i].role; r != nil {
			end, err := v.endpoint("sts", links[i].profile)
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
	if err := cmp.Or(v.narrowBy(links), v.child(links[0].profile, roles)); err != nil {
		return err
	}
	begin := links[len(links)-1].begin
	if len(roles) == 0 && begin == nil {
		return v.placeUser(base, serials)
	}
	if err := v.lifetimes(roles, links); err != nil {
		return err
	}
	if begin != nil {
		if begin, err = v.beginWith(begin, base, len(roles) == 0); err != nil {
			return err
		}
		return v.placeOn(begin, base, roles, serials)
	}
	if err := v.narrow(roles); err != nil {
		return err
	}
	return v.placeRoles(base, roles, serials)
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
	fresh := v.chain.Guard.FreshCode()
	withSession := device.Serial != "" && !v.req.NoSession && !long && !differs && !fresh
	var steps []source.Step
	switch {
	case withSession:
		life, err := v.shared()
		if err != nil {
			return err
		}
		end, err := v.endpoint("sts", base)
		if err != nil {
			return err
		}
		steps = append(steps, source.SessionToken{Profile: base.Name, Lifetime: life, Device: device, Endpoint: v.baseEndpoint(end, device.Serial)})
		v.note("one code opens a session for " + life.String() + ", which serves every role of at most 1h over this key")
	case device.Serial == "":
		v.note("no mfa_serial: the key assumes the role without a code")
	default:
		first.Device = device
		if !fresh {
			v.note(codeNote(v.req.NoSession, differs, first, d))
		}
	}
	return v.placeNamed(steps, roles, device.Serial)
}
