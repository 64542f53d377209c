package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/broker"
	"fob/internal/obtain/mfa"

	"github.com/spf13/cobra"
)

// wanted is what every command that hands out credentials can be told.
type wanted struct {
	profile    string
	noSession  bool
	duration   string
	region     string
	code       string
	policy     string
	policyFile string
	policyARNs []string
}

func (w *wanted) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVarP(&w.noSession, "no-session", "n", false, "skip GetSessionToken; costs one code, and hands out the stored key itself where there is no role")
	f.StringVarP(&w.duration, "duration", "d", "", "how long the credentials shall hold (1h30m, or seconds)")
	f.StringVar(&w.region, "region", "", "region of the last call and of the child")
	f.StringVarP(&w.code, "mfa-token", "t", "", "the MFA code, where it is known already")
	f.Var(some{&w.policy}, "policy", "narrow the session by this policy (JSON)")
	f.Var(some{&w.policyFile}, "policy-file", "narrow the session by the policy in this file")
	f.Var(someOf{&w.policyARNs}, "policy-arns", "narrow the session by these managed policies")
	c.MarkFlagsMutuallyExclusive("policy", "policy-file")
}

// request turns flags and environment into what chain decides on.
func (s System) request(w wanted) (chain.Request, error) {
	r := chain.Request{Profile: w.profile, NoSession: w.noSession, Region: w.region, Env: chain.FromEnviron(s.Environ)}
	if w.duration != "" {
		d, ok := front.Lifetime(w.duration)
		if !ok {
			return r, &fault.Error{What: fmt.Sprintf("--duration %q is not a duration", w.duration), Next: []string{"write it like --duration 1h30m, or in seconds"}, Code: fault.Usage}
		}
		r.Lifetime = d
	}
	r.Policy = chain.Policy{Inline: w.policy, ARNs: w.policyARNs}
	if w.policyFile != "" {
		text, err := readPolicy(w.policyFile)
		if err != nil {
			return r, &fault.Error{What: "cannot read the session policy", Why: err, Code: fault.Usage}
		}
		r.Policy.Inline = text
	}
	// AWS would say so too, but perhaps only after it has taken a code.
	if r.Policy.Inline != "" && !json.Valid([]byte(r.Policy.Inline)) {
		return r, &fault.Error{What: "cannot use that session policy", Why: errors.New("it is not JSON"), Code: fault.Usage}
	}
	return r, nil
}

// readPolicy reads a session policy, which may come out of a pipe. An empty one
// is refused: it would not narrow anything.
func readPolicy(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	const most = 64 << 10 // far beyond what AWS takes
	text, err := io.ReadAll(io.LimitReader(f, most))
	if err == nil && strings.TrimSpace(string(text)) == "" {
		err = fmt.Errorf("%s: %w", fault.Line(path), errEmpty)
	}
	return string(text), err
}

// config reads the AWS config and says what is wrong in it.
func (k *keeper) config() (profile.Set, error) {
	set, err := k.load()
	k.warn(set, nil)
	return set, err
}

// warn says what is wrong in the config, but for what err says anyway.
func (k *keeper) warn(set profile.Set, err error) {
	for _, w := range set.Warnings() {
		if err == nil || !strings.Contains(err.Error(), w) {
			k.sys.say("%s", w)
		}
	}
}

func (k *keeper) load() (profile.Set, error) {
	set, err := profile.Load(k.home.Config, k.home.ConfigShown)
	if err != nil {
		f := &fault.Error{What: "cannot read the AWS config", Why: err, Code: fault.Config}
		if p := (*profile.Error)(nil); errors.As(err, &p) {
			f.Next = p.Next
		}
		return set, f
	}
	return set, nil
}

// session is the whole way from a profile's name to its session. If AWS refuses
// the length that was asked for, that is remembered and the way is planned once
// more; the new plan says what it gives instead.
func (k *keeper) session(ctx context.Context, w wanted) (_ chain.Chain, _ cred.Session, err error) {
	request, err := k.sys.request(w)
	if err != nil {
		return chain.Chain{}, cred.Session{}, err
	}
	set, err := k.load()
	if err != nil {
		return chain.Chain{}, cred.Session{}, err
	}
	defer func() { k.warn(set, err) }()
	if err := k.openFor(ctx, set, request); err != nil {
		return chain.Chain{}, cred.Session{}, err
	}
	minLeft, ok := front.MinLeft(k.g.minTTL, k.sys.Environ)
	if !ok {
		return chain.Chain{}, cred.Session{}, &fault.Error{What: "the minimum life of a session is not a duration", Next: []string{"write it like --min-ttl 5m (or FOB_MIN_TTL, AWS_MIN_TTL)"}, Code: fault.Usage}
	}
	for try := 1; ; try++ {
		c, err := chain.Resolve(set, source.Kinds(), k.hasKey, k.index.Refused(k.sys.Now()), request)
		if err != nil {
			return c, cred.Session{}, err
		}
		for _, text := range c.Warnings {
			k.sys.say("%s", text)
		}
		if k.cache == nil { // no vault, and yet the chain needs a key
			return c, cred.Session{}, &fault.Error{What: fmt.Sprintf("no key is stored for profile %q", c.Key), Next: []string{"fob add " + fault.Word(c.Key)}, Code: fault.Config}
		}
		s, err := k.broker(minLeft, w).Session(ctx, c)
		tooLong := (*broker.TooLongError)(nil)
		if err == nil || try == 2 || !errors.As(err, &tooLong) {
			return c, s, err
		}
		if k.index, err = k.cache.Index(); err != nil {
			return c, cred.Session{}, storeFault(err)
		}
	}
}

// openFor opens sessions and the index, but not for a profile that no stored
// key could mend: nobody should type a passphrase to read of a mistake in the
// config.
func (k *keeper) openFor(ctx context.Context, set profile.Set, r chain.Request) error {
	if ok, err := k.exists(); err != nil || ok && k.unseal() {
		return err
	}
	_, hopeless := chain.Resolve(set, source.Kinds(), assumedKeys(set), nil, r)
	unknown := (*profile.UnknownError)(nil)
	if hopeless != nil && !errors.As(hopeless, &unknown) {
		return hopeless
	}
	// A key may be stored for a name that the config does not have. Only the
	// open store knows; where it cannot be opened, a mistyped name is likelier.
	err := k.open(ctx)
	if err != nil && hopeless != nil && !errors.Is(err, context.Canceled) {
		return hopeless
	}
	return err
}

// assumedKeys stands for the index while that is shut: a key is taken to be
// stored for each profile that names no source.
func assumedKeys(set profile.Set) func(string) bool {
	return func(name string) bool {
		p, err := set.Profile(name)
		from := p.Value("source_profile")
		return err == nil && (from == "" || from == name)
	}
}

func (k *keeper) broker(minLeft time.Duration, w wanted) *broker.Broker {
	given := cred.NewSecret(w.code)
	return &broker.Broker{
		Cache: k.cache, Seal: k.seal, Keys: k, Locks: filepath.Join(k.home.Data, "locks"),
		Env: source.Env{STS: k.sys.sts, Now: k.sys.Now},
		Driver: func(m source.MFA) mfa.Driver {
			return mfa.Choose(mfa.Env{OpenTTY: k.sys.OpenTTY, Process: m.Process, ProcessFrom: m.ProcessFrom, Code: given, RunShell: k.sys.Shell, Now: k.sys.Now})
		},
		MinLeft: minLeft, Timeout: k.timeout, Now: k.sys.Now, Sleep: k.sys.Sleep, Say: k.sys.say,
	}
}

// awsConfig joins a step's endpoint to the client that calls it.
func (s System) awsConfig(e source.Endpoint) awsapi.Config {
	attempts, err := strconv.Atoi(front.Lookup(s.Environ, "AWS_MAX_ATTEMPTS"))
	if err != nil || attempts < 1 || attempts > 10 {
		attempts = 0
	}
	return awsapi.Config{Region: e.Region, URL: e.URL, FIPS: e.FIPS, DualStack: e.DualStack, Legacy: e.Legacy, CABundle: e.CABundle, Attempts: attempts, Version: s.Version, Ahead: s.Ahead}
}

// sts joins the calls that sources declare to the client that makes them.
func (s System) sts(e source.Endpoint, signer cred.Signer) source.STS {
	return stsClient{awsapi.New(s.awsConfig(e), signer)}
}

type stsClient struct{ *awsapi.Client }

func (c stsClient) GetSessionToken(ctx context.Context, in source.SessionTokenCall) (source.Issued, error) {
	out, err := c.Client.GetSessionToken(ctx, awsapi.SessionTokenCall(in))
	return source.Issued(out), err
}

func (c stsClient) AssumeRole(ctx context.Context, in source.AssumeRoleCall) (source.Issued, error) {
	call := awsapi.AssumeRoleCall{
		RoleARN: in.RoleARN, SessionName: in.SessionName, ExternalID: in.ExternalID, SourceIdentity: in.SourceIdentity,
		Lifetime: in.Lifetime, Serial: in.Serial, Code: in.Code, TransitiveKeys: in.TransitiveKeys, Policy: in.Policy, PolicyARNs: in.PolicyARNs,
	}
	for _, t := range in.Tags {
		call.Tags = append(call.Tags, awsapi.Tag(t))
	}
	out, err := c.Client.AssumeRole(ctx, call)
	return source.Issued(out), err
}
