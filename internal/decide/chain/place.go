package chain

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"fob/internal/decide/guard"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
)

// placeUser plans for a profile without a role: the user's own session.
func (v *resolver) placeUser(base profile.Profile, d devices) error {
	if v.req.Agent != "" {
		return v.notForAgents("it has no role: its session is the user's own, which can enter every role that the user can")
	}
	if v.req.Console != NoConsole {
		return v.federate(base, d)
	}
	if !v.req.Policy.IsZero() {
		return v.unnarrowed("it has no role, and GetSessionToken takes no session policy")
	}
	v.chain.Account = source.Account(d.base.Serial)
	end, err := v.endpoint("sts", base)
	if err != nil {
		return err
	}
	v.chain.STS = v.baseEndpoint(end, d.base.Serial)
	if v.req.NoSession {
		v.note("--no-session and no role: the long-term key itself is handed out")
		return nil
	}
	step := source.SessionToken{Profile: base.Name, Device: d.base, Endpoint: v.chain.STS}
	asked, from, err := v.asked("AWS_SESSION_TOKEN_TTL", source.MaxSessionTokenLifetime)
	if err != nil {
		return err
	}
	asked = v.guardedLife(asked, from)
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
		v.note(from + " asks for " + asked.String() + ", so this is a session of its own and costs one more code")
	case v.chain.Guard != guard.None:
		step.Lifetime, step.Alone = cmp.Or(asked, guardedMax), true
	default:
		if step.Lifetime, err = v.shared(); err != nil {
			return err
		}
		v.note("one code opens this session for " + step.Lifetime.String() + "; every role of at most 1h is then entered without another")
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

// placeOn puts the roles on a step that begins the chain. Only where its
// credentials may be a user's can the first role be shown an MFA device.
func (v *resolver) placeOn(begin source.Step, base profile.Profile, roles []source.AssumeRole, d devices) error {
	if key, clear := begin.(source.InClear); clear && v.req.Agent != "" && len(roles) == 0 {
		return v.notForAgents("its credentials stand in the clear (" + key.From + ") and are not narrowed by a role")
	}
	if v.req.Console == Federated && len(roles) == 0 && !v.entersRole(begin) {
		v.chain.Steps = []source.Step{begin}
		return v.federate(base, d)
	}
	if len(roles) > 0 || !v.entersRole(begin) {
		if err := v.narrow(roles); err != nil {
			return err
		}
	}
	v.chain.Steps = []source.Step{begin}
	device := d.role
	if len(roles) > 0 && roles[0].Profile == base.Name {
		device = d.base
	}
	if user, ok := begin.(source.PresentsMFA); ok && user.PresentsMFA() && len(roles) > 0 && device.Serial != "" {
		roles[0].Device = device
		v.note("the first role is shown MFA device " + device.Serial + ", as if the credentials before it were a user's")
	}
	return v.placeNamed(v.chain.Steps, roles, "")
}

func (v *resolver) entersRole(begin source.Step) bool { return source.CardOf(begin).Role != "" }

// beginWith settles what the first step's settings do not say by themselves: the
// length, the name and the policy of a web identity's role. last says that no
// other role comes after it.
func (v *resolver) beginWith(begin source.Step, base profile.Profile, last bool) (source.Step, error) {
	end, err := v.endpoint("sts", base)
	if err != nil {
		return nil, err
	}
	w, ok := begin.(source.WebIdentity)
	if last {
		if v.chain.Region != "" {
			end.Region = v.chain.Region
		}
		v.chain.Account = source.Account(w.RoleARN)
	}
	end.Region = orDefault(end.Region, w.RoleARN)
	v.chain.STS = end
	if !ok {
		return begin, nil
	}
	life, from, err := v.lifetime(base, last)
	if err != nil {
		return nil, err
	}
	if last {
		life = v.guardedLife(life, from)
		v.chain.Asked = life
	}
	w.Endpoint, w.Lifetime = end, v.allowed(w.RoleARN, life)
	if w.SessionName == "" {
		w.SessionName, w.Generated = "fob", true
	}
	if last {
		v.shorten(&w.Lifetime)
		if err := v.nameAgent(&w.SessionName, &w.Generated); err != nil {
			return nil, err
		}
	}
	if last && !v.req.Policy.IsZero() {
		w.Policy, w.PolicyARNs = v.req.Policy.Inline, slices.Clone(v.req.Policy.ARNs)
		v.noteNarrowed()
	}
	v.note("the token opens the role without a key and without MFA")
	return w, nil
}

func codeNote(noSession, differs bool, r *source.AssumeRole, d devices) string {
	switch {
	case noSession:
		return "--no-session: the key assumes the role itself, which costs one code"
	case differs:
		return "the role names MFA device " + d.role.Serial + " and its source " + d.base.Serial + ": the key assumes the role itself, which costs one code"
	}
	return "a session of " + r.Lifetime.String() + " cannot come from the shared MFA session (at most 1h): the key assumes the role itself, which costs one code"
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
