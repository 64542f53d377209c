package cli

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/keep/audit"
	"fob/internal/obtain/awsapi"
)

// recordedLine is one line of the record. Its fields are only ever added to. What
// the command line of a child says is not recorded: it may hold a secret.
type recordedLine struct {
	Time      time.Time `json:"time" doc:"when it was recorded"`
	Event     string    `json:"event" doc:"call: AWS answered; given: a command got the credentials; refused: it got none; key: a long-term key or an MFA device was changed; grant: a person opened a session for an agent; revoke: one took it back, or ended an agent"`
	Run       string    `json:"run" doc:"the same for all lines of one run of fob"`
	Command   string    `json:"command" doc:"the command of fob (exec, export)"`
	Agent     string    `json:"agent,omitempty" doc:"id of the agent that it was for; nothing: a person"`
	Tier      string    `json:"tier,omitempty" doc:"how the agent was known: declared, configured or detected"`
	Grant     string    `json:"grant,omitempty" doc:"the grant that opened the session, by the id of the credentials that it made"`
	Profile   string    `json:"profile,omitempty" doc:"name of the profile"`
	Account   string    `json:"account,omitempty" doc:"account that the credentials are of"`
	Role      string    `json:"role,omitempty" doc:"ARN of the role that was entered"`
	Session   string    `json:"session,omitempty" doc:"name of the role's session, as CloudTrail has it"`
	Call      string    `json:"call,omitempty" doc:"the call (AssumeRole); of a key, too: stored, removed"`
	RequestID string    `json:"request_id,omitempty" doc:"AWS's id of the call, as CloudTrail has it"`
	KeyID     string    `json:"key_id,omitempty" doc:"id of the temporary credentials, as CloudTrail has it; that of a stored key is cut short"`
	Code      bool      `json:"code,omitempty" doc:"an MFA code was sent with the call"`
	Policy    string    `json:"policy,omitempty" doc:"what narrowed the session: ARNs, and the SHA-256 of a policy's text"`
	Named     string    `json:"policy_name,omitempty" doc:"the name by which that policy goes (read-only), or where the agent's stands"`
	Until     time.Time `json:"until,omitzero" doc:"when the credentials end"`
	Error     string    `json:"error,omitempty" doc:"why there are none"`
	Processes []string  `json:"processes,omitempty" doc:"the processes that fob was started by, the nearest first"`
	Directory string    `json:"directory,omitempty" doc:"where fob was started"`
}

// recorder adds the lines of one run, of which several may come at a time.
type recorder struct {
	mu     sync.Mutex
	run    string
	told   bool
	failed error // why a line of this run is missing
}

// record adds a line. A store that is shut, or that is not there, keeps no
// record. That one cannot be written is told once, and stops no person: the
// credentials are AWS's to give. An agent gets nothing then (see canRecord and
// refuseUnrecorded), since nobody would know of it.
func (k *keeper) record(ctx context.Context, line recordedLine) {
	key := k.index.Log
	if key.IsZero() {
		return
	}
	k.recorder.mu.Lock()
	defer k.recorder.mu.Unlock()
	if k.recorder.run == "" {
		id := make([]byte, 6)
		_, _ = rand.Read(id) // never an error, says its documentation
		k.recorder.run = hex.EncodeToString(id)
	}
	line.Time, line.Run, line.Command = k.sys.Now().UTC(), k.recorder.run, k.g.command
	if line.Agent == "" && !k.sys.agent.IsZero() {
		line.Agent, line.Tier = k.sys.agent.ID, k.sys.agent.Tier.String()
	}
	text, err := json.Marshal(line)
	if err == nil {
		err = audit.New(k.home.Data, key, k.sys.Now).Add(context.WithoutCancel(ctx), text)
	}
	if err != nil {
		k.recorder.failed = err
	}
	if err != nil && line.Error == "" && !k.recorder.told && !k.sys.unasked() {
		k.recorder.told = true
		k.sys.say("this run is not recorded, and goes on: %v", err)
	}
}

// outcome is what came of a request for credentials, once that is recorded. That a
// person cannot be understood is no refusal.
func (k *keeper) outcome(ctx context.Context, w wanted, h handout, err error) error {
	err = k.notTheKey(h, err)
	if errors.Is(err, context.Canceled) || w.profile == "" {
		return err
	}
	if code := fault.CodeOf(err); k.sys.agent.IsZero() && (code == fault.Config || code == fault.Usage) {
		return err
	}
	if !k.sys.agent.IsZero() && k.seal.IsZero() {
		k.unseal() // what is refused at once has opened nothing yet
	}
	line := recordedLine{Event: "given", Profile: w.profile, Account: h.chain.Account, Processes: parents(), KeyID: publicID(h.session.ID), Until: h.session.Expires}
	line.Directory, _ = k.sys.Getwd()
	if err != nil {
		line.Event, line.Error = "refused", whyOf(err)
	}
	card := h.chain.Card()
	line.Role, line.Call, line.Session, line.Policy = card.Role, card.Call, card.Session, policySum(card.Policy, card.PolicyARNs)
	line.Named, line.Grant = h.chain.Policy.Name, h.grant
	k.record(ctx, line)
	return err
}

// recordRefusal records what an agent is refused before anything is opened.
func (s System) recordRefusal(ctx context.Context, g *globals, profile string, err error) {
	k, broken := s.newKeeper(g)
	if broken != nil || !k.unseal() {
		return
	}
	line := recordedLine{Event: "refused", Profile: profile, Error: whyOf(err), Processes: parents()}
	line.Directory, _ = s.Getwd()
	k.record(ctx, line)
}

// whyOf is the reason of a refusal, without what another program said of it: a
// person reads that on the screen once, but it may hold a secret, and the record
// stays.
func whyOf(err error) string {
	text := err.Error()
	if f := (*fault.Error)(nil); errors.As(err, &f) && f.Why != nil {
		text = f.What + ": " + f.Why.Error()
	}
	if p := (*programError)(nil); errors.As(err, &p) {
		text = strings.ReplaceAll(text, p.Error(), (&programError{err: p.err}).Error())
	}
	return text
}

// publicID is the id of temporary credentials, which opens nothing and joins the
// line to CloudTrail's; that of a stored key is shown as everywhere.
func publicID(id string) string {
	if id == "" || strings.HasPrefix(id, "ASIA") {
		return id
	}
	return cred.Short(id)
}

// policySum tells one policy from another. The user's own rights narrow nothing.
func policySum(text string, arns []string) string {
	all := slices.Clone(arns)
	if text != "" && text != source.OwnRights {
		sum := sha256.Sum256([]byte(text))
		all = append(all, "sha256:"+hex.EncodeToString(sum[:]))
	}
	return strings.Join(all, " ")
}

// recorded makes the calls of the walk of c be recorded.
func (k *keeper) recorded(c chain.Chain) func(source.Endpoint, cred.Signer) source.STS {
	return func(e source.Endpoint, signer cred.Signer) source.STS {
		return recordedSTS{k.sys.sts(e, signer), k, c}
	}
}

type recordedSTS struct {
	source.STS
	k     *keeper
	chain chain.Chain // that the call is of; zero where nothing narrows it
}

func (r recordedSTS) GetSessionToken(ctx context.Context, in source.SessionTokenCall) (source.Issued, error) {
	out, err := r.STS.GetSessionToken(ctx, in)
	r.add(ctx, recordedLine{Call: "GetSessionToken", Code: in.Code != "", Account: source.Account(in.Serial)}, out, err)
	return out, err
}

func (r recordedSTS) AssumeRole(ctx context.Context, in source.AssumeRoleCall) (source.Issued, error) {
	out, err := r.STS.AssumeRole(ctx, in)
	r.add(ctx, recordedLine{
		Call: "AssumeRole", Code: in.Code != "", Account: source.Account(in.RoleARN), Role: in.RoleARN,
		Session: in.SessionName, Policy: policySum(in.Policy, in.PolicyARNs),
	}, out, err)
	return out, err
}

func (r recordedSTS) AssumeRoleWithWebIdentity(ctx context.Context, in source.WebIdentityCall) (source.Issued, error) {
	out, err := r.STS.AssumeRoleWithWebIdentity(ctx, in)
	r.add(ctx, recordedLine{
		Call: "AssumeRoleWithWebIdentity", Account: source.Account(in.RoleARN), Role: in.RoleARN,
		Session: in.SessionName, Policy: policySum(in.Policy, in.PolicyARNs),
	}, out, err)
	return out, err
}

func (r recordedSTS) GetFederationToken(ctx context.Context, in source.FederationTokenCall) (source.Issued, error) {
	out, err := r.STS.GetFederationToken(ctx, in)
	r.add(ctx, recordedLine{Call: "GetFederationToken", Session: in.Name, Policy: policySum(in.Policy, in.PolicyARNs)}, out, err)
	return out, err
}

func (r recordedSTS) add(ctx context.Context, line recordedLine, out source.Issued, err error) {
	if line.Policy != "" {
		line.Named = r.chain.Policy.Name // what is on the way to it is not narrowed
	}
	line.Event, line.RequestID, line.KeyID, line.Until = "call", out.RequestID, publicID(out.Session.ID), out.Session.Expires
	if err != nil {
		line.Error = err.Error()
	}
	if no := (*awsapi.Refusal)(nil); errors.As(err, &no) {
		line.RequestID = no.RequestID
	}
	if r.k.sys.agent.IsZero() { // a person's: a grant is for another
		line.Agent = r.chain.Agent
	}
	r.k.record(ctx, line)
}
