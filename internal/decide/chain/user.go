package chain

import (
	"errors"

	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

// User plans how to call IAM as the user whose stored key begins the chain of
// r.Profile, and gives IAM's endpoint. The roles on the way are left out, but
// their MFA device counts where the profile with the key names none. The one
// step is the MFA session that roles share, so one that is kept serves. A chain
// without steps is the key itself: IAM takes no session without MFA
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html).
func User(set profile.Set, kinds []source.Kind, hasKey func(string) bool, r Request) (Chain, source.Endpoint, error) {
	v := &resolver{set: set, kinds: kinds, hasKey: hasKey, req: r}
	v.chain = Chain{Profile: r.Profile, Agent: r.Agent}
	links, err := v.walk()
	var iam source.Endpoint
	if err == nil {
		iam, err = v.asUser(links)
	}
	if err != nil {
		return Chain{}, source.Endpoint{}, v.asFault(err)
	}
	return v.chain, iam, nil
}

func (v *resolver) asUser(links []link) (iam source.Endpoint, err error) {
	last := links[len(links)-1]
	if last.begin != nil {
		return iam, &fault.Error{What: what(v.req.Profile), Why: errors.New("no stored key begins its chain: " + last.begin.Describe()), Next: []string{"see which keys are stored: fob list --credentials"}, Code: fault.Config}
	}
	d, err := v.serials(links)
	if err != nil {
		return iam, err
	}
	device := d.base
	if device.Serial == "" {
		device = d.role
	}
	if iam, err = v.endpoint("iam", last.profile); err != nil {
		return iam, err
	}
	iam = v.baseEndpoint(iam, device.Serial)
	end, err := v.endpoint("sts", last.profile)
	if err != nil {
		return iam, err
	}
	v.chain.STS, v.chain.Account = v.baseEndpoint(end, device.Serial), source.Account(device.Serial)
	if device.Serial == "" || v.req.NoSession {
		return iam, nil
	}
	life, err := v.shared()
	v.chain.Steps = []source.Step{source.SessionToken{Profile: last.profile.Name, Lifetime: life, Device: device, Endpoint: v.chain.STS}}
	return iam, err
}

// IAM is where IAM is called about a profile, whatever its chain begins with.
func IAM(set profile.Set, kinds []source.Kind, hasKey func(string) bool, r Request) (source.Endpoint, error) {
	v := &resolver{set: set, kinds: kinds, hasKey: hasKey, req: r}
	return v.service("iam")
}

// Organizations is IAM for AWS Organizations.
func Organizations(set profile.Set, kinds []source.Kind, hasKey func(string) bool, r Request) (source.Endpoint, error) {
	v := &resolver{set: set, kinds: kinds, hasKey: hasKey, req: r}
	return v.service("organizations")
}

func (v *resolver) service(name string) (source.Endpoint, error) {
	links, err := v.walk()
	if err != nil {
		return source.Endpoint{}, v.asFault(err)
	}
	arn := ""
	for _, l := range links {
		if l.role != nil {
			arn = l.role.RoleARN
		}
	}
	end, err := v.endpoint(name, links[len(links)-1].profile)
	if err != nil {
		return end, v.asFault(err)
	}
	return v.baseEndpoint(end, arn), nil
}
