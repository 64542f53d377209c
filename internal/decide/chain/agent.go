package chain

import (
	"errors"
	"strings"
	"time"

	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

// AgentNameSetting is the template of the session names that agents get. A trust
// policy may demand the user's name, which is what `USER` gives.
const AgentNameSetting = "fob_agent_session_name"

// agentLifetime is how long an agent's session holds: AWS cannot take one back.
const agentLifetime = 30 * time.Minute

// UnnarrowedError says that an agent gets nothing, whatever is configured.
type UnnarrowedError struct{ Why string }

// Error gives the reason.
func (e *UnnarrowedError) Error() string { return e.Why }

// stripEnv takes out of an agent's environment what would lead somewhere else than
// the profile does: its line says what an agent gets of it, and of nothing else.
func (v *resolver) stripEnv() {
	if v.req.Agent == "" {
		return
	}
	env := make(map[string]string, len(v.req.Env))
	machine := v.req.Env["AWS_WEB_IDENTITY_TOKEN_FILE"] != ""
	for name, value := range v.req.Env {
		switch name {
		case "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME":
			if !machine {
				continue
			}
		case "AWS_SESSION_TAGS", "AWS_TRANSITIVE_TAGS", "AWS_SOURCE_IDENTITY", "AWS_MFA_SERIAL":
			continue
		}
		env[name] = value
	}
	v.req.Env = env
}

// shorten cuts the life of the session that an agent gets.
func (v *resolver) shorten(life *time.Duration) {
	if v.req.Agent == "" || v.req.Granted || *life <= agentLifetime {
		return
	}
	*life = agentLifetime
	if v.req.Lifetime > agentLifetime {
		v.warn("--duration asks for " + v.req.Lifetime.String() + ", but an agent's session holds for " + agentLifetime.String() + " at most")
	}
	v.note("agent " + v.req.Agent + ": a session of " + agentLifetime.String() + ", since AWS cannot take one back; it is renewed")
}

// nameAgent puts the agent's name into the name of its session, so that AWS's
// logs tell what it did from what the person did.
func (v *resolver) nameAgent(name *string, generated *bool) error {
	if v.req.Agent == "" {
		return nil
	}
	set, ok := v.target.Setting(AgentNameSetting)
	if !ok || set.Value == "" {
		set = profile.Setting{Key: AgentNameSetting, Value: "USER+AGENT", From: "the default"}
	} else {
		*generated = false
	}
	*name = agentName(set.Value, *name, v.req.Agent)
	if why := source.CheckSessionName(*name); why != "" {
		return &source.SettingError{Setting: set, Why: "gives the session name " + quoted(*name) + ", which " + why}
	}
	return nil
}

// placeNamed puts the roles behind what comes before them. Every session gets a
// name, and the last one the agent's.
func (v *resolver) placeNamed(before []source.Step, roles []source.AssumeRole, serial string) error {
	v.chain.Steps = before
	for i := range roles {
		sessionName(&roles[i], serial)
		if i == len(roles)-1 {
			if err := v.nameAgent(&roles[i].SessionName, &roles[i].Generated); err != nil {
				return err
			}
		}
		v.chain.Steps, v.chain.STS = append(v.chain.Steps, roles[i]), roles[i].Endpoint
	}
	return nil
}

// agentName fills a template. Of what is too long the user's name is cut.
func agentName(template, user, id string) string {
	rest := strings.NewReplacer("USER", "", "AGENT", id).Replace(template)
	user = user[:min(len(user), max(0, 64-len(rest)))]
	return strings.NewReplacer("USER", user, "AGENT", id).Replace(template)
}

// notForAgents refuses what no setting gives to an agent.
func (v *resolver) notForAgents(why string) error {
	return &fault.Error{
		What: "cannot give credentials of profile " + quoted(v.req.Profile) + " to agent " + quoted(v.req.Agent),
		Why:  &UnnarrowedError{why},
		Next: []string{"let it use another profile: fob_agent = profile:OTHER", "or a profile that enters a role from this one: source_profile = " + v.req.Profile + " and role_arn"},
		Code: fault.Attend,
	}
}

// IsUnnarrowed says whether err is that refusal.
func IsUnnarrowed(err error) bool {
	e := (*UnnarrowedError)(nil)
	return errors.As(err, &e)
}
