package cli

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/health"
	"fob/internal/decide/source"
	"fob/internal/deliver/console"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/unlock"
	"fob/internal/obtain/access"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/devices"
)

const (
	// doctorWait is how long doctor waits for the network: all is asked at once.
	doctorWait = 5 * time.Second
	// mostAddresses and mostKeys bound what is asked on a machine with very many.
	mostAddresses, mostKeys = 8, 8
)

var errLate = errors.New("no answer came in 5s") // doctorWait

// checkAWS asks AWS what only AWS knows: whether it can be reached, what time it
// is, and how things stand with the keys. Nobody is asked for a code.
func checkAWS(ctx context.Context, d *checkup) []health.Finding {
	if d.offline {
		return append(d.storedKeys(), health.Finding{Level: health.Skipped, What: "the way to AWS, the clock and MFA devices", Why: "--offline: nobody was called"})
	}
	if err := d.sys.checkCalls(); err != nil {
		return []health.Finding{badly(err)}
	}
	ctx, cancel := context.WithTimeout(ctx, doctorWait)
	defer cancel()
	var reached, keys []health.Finding
	var both sync.WaitGroup
	both.Go(func() { reached = d.addresses().knock(ctx, d) })
	both.Go(func() { keys = d.askKeys(ctx) })
	both.Wait()
	return append(reached, keys...)
}

// address is a place that fob calls.
type address struct {
	service string
	end     source.Endpoint
}

type addresses []address

// addresses are those that the profiles lead to, each once; where there are none,
// that of the environment.
func (d *checkup) addresses() addresses {
	var all addresses
	add := func(service string, e source.Endpoint) {
		same := func(o address) bool {
			o.end.URLFrom, o.end.CABundleFrom = e.URLFrom, e.CABundleFrom
			return o == address{service, e}
		}
		if e.Region != "" && !slices.ContainsFunc(all, same) {
			all = append(all, address{service, e})
		}
	}
	signin := source.Endpoint{}
	for _, p := range d.plans {
		if p.Err != nil {
			continue
		}
		add("sts", p.Chain.STS)
		for _, step := range p.Chain.Steps {
			add("sts", source.CardOf(step).Endpoint)
		}
		if signin.Region == "" && p.Chain.Account != "" {
			signin = p.Chain.STS
		}
		if p.Chain.Key == "" {
			continue
		}
		hasKey := func(name string) bool { return name == p.Chain.Key }
		if _, iam, err := chain.User(d.set, d.kinds, hasKey, chain.Request{Profile: p.Chain.Key, Unguarded: true, Env: front.Env(d.sys.Environ)}); err == nil {
			add("iam", iam)
		}
	}
	if len(all) == 0 {
		bare := d.environmentEndpoint()
		add("sts", bare)
		signin = bare
	}
	if signin.Region != "" {
		signin.URL, signin.URLFrom = d.signInAddress()
		add("signin", signin)
	}
	return all
}

// signInAddress is what stands in for the sign-in service, and what says so.
func (d *checkup) signInAddress() (address, from string) {
	environ := launch.Inherited(d.sys.Environ)
	for _, name := range []string{"AWS_ENDPOINT_URL_SIGNIN", "AWS_ENDPOINT_URL"} {
		if value := front.Lookup(environ, name); value != "" {
			return value, "environment variable " + name
		}
	}
	return "", ""
}

// environmentEndpoint is where STS is called without a profile.
func (d *checkup) environmentEndpoint() source.Endpoint {
	r := chain.Request{Unguarded: true, Env: front.Env(d.sys.Environ)}
	c, err := chain.Resolve(d.set, d.kinds, d.hasKey, nil, r)
	if err != nil {
		return source.Endpoint{}
	}
	c.STS.Region = cmp.Or(c.STS.Region, "us-east-1")
	return c.STS
}

// knock goes to all of them at once.
func (all addresses) knock(ctx context.Context, d *checkup) []health.Finding {
	over := len(all) - mostAddresses
	all = all[:min(len(all), mostAddresses)]
	answers := make([]health.Answer, len(all))
	errs := access.Each(ctx, len(all), func(ctx context.Context, i int) (err error) {
		if answers[i], err = d.knock(ctx, all[i]); err != nil && ctx.Err() != nil {
			return errLate
		}
		return err
	})
	var found []health.Finding
	var hosts []health.Answer
	for i, err := range errs {
		bundle := (*awsapi.BundleError)(nil)
		if errors.As(err, &bundle) {
			found = append(found, health.Finding{Level: health.Wrong, What: "cannot call AWS", Why: err.Error(), Next: []string{"correct ca_bundle, or unset AWS_CA_BUNDLE"}})
			continue
		}
		a := answers[i]
		a.Err = err
		same := func(o health.Answer) bool { return o.Host == a.Host && (o.Err == nil) == (a.Err == nil) }
		switch at := slices.IndexFunc(hosts, same); {
		case at < 0:
			hosts = append(hosts, a)
		case !slices.Contains(hosts[at].Services, all[i].service):
			hosts[at].Services = append(hosts[at].Services, all[i].service)
		}
	}
	if over > 0 {
		found = append(found, health.Finding{Level: health.Skipped, What: "more addresses of AWS", Why: "the profiles lead to many; those of one: fob doctor PROFILE"})
	}
	return append(found, health.Answers(hosts)...)
}

func (d *checkup) knock(ctx context.Context, a address) (health.Answer, error) {
	out := health.Answer{By: a.end.URLFrom, Services: []string{a.service}, Rare: a.service == "signin"}
	client := awsapi.New(d.sys.awsConfig(a.end), cred.Signer{})
	var r awsapi.Reached
	var err error
	switch a.service {
	case "iam":
		r, err = client.ReachIAM(ctx)
	case "sts":
		r, err = client.ReachSTS(ctx)
	default:
		r, err = d.knockSignIn(ctx, a.end)
	}
	out.Host, out.Dated, out.Ahead = r.Host, r.Dated, r.Ahead
	return out, err
}

func (d *checkup) knockSignIn(ctx context.Context, e source.Endpoint) (awsapi.Reached, error) {
	at, err := console.Address(console.Request{Region: e.Region, Endpoint: e.URL})
	if err != nil {
		return awsapi.Reached{Host: "the sign-in service"}, err
	}
	client, err := d.sys.HTTP(e.CABundle)
	if err != nil {
		return awsapi.Reached{Host: "the sign-in service"}, err
	}
	return awsapi.Knock(ctx, client, at, d.sys.Now)
}

// keyNames are the profiles whose stored key is looked at.
func (d *checkup) keyNames() []string {
	var names []string
	for name := range d.index.Keys {
		if d.profile == "" || name == d.plans[0].Chain.Key {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// storedKeys tells of keys what this machine knows.
func (d *checkup) storedKeys() []health.Finding {
	if d.locked {
		return []health.Finding{{Level: health.Skipped, What: "the age of keys, and the MFA devices of their users", Why: "the store is locked", Next: []string{"fob unlock, then: fob doctor"}}}
	}
	var keys []health.Key
	for _, name := range d.keyNames() {
		keys = append(keys, health.Key{Profile: name, Stored: d.index.Keys[name].Created})
	}
	return health.Keys(keys, d.sys.Now())
}

// keyCheck is one key, and what AWS is asked about it with.
type keyCheck struct {
	key    health.Key
	plan   userPlan
	signer cred.Signer // its ID is "" where nothing is at hand
}

// askKeys asks about keys with the MFA sessions that are kept, else with the keys
// themselves while they are open.
func (d *checkup) askKeys(ctx context.Context) []health.Finding {
	if d.locked {
		return d.storedKeys()
	}
	var all []*keyCheck
	for _, name := range d.keyNames() {
		all = append(all, d.keyCheck(name))
	}
	lacks := func(c *keyCheck) bool { return c.key.Serial != "" && c.signer.ID == "" }
	// To look whether it rests is a use of it, which lets it rest for longer.
	open := d.profile == "" && slices.ContainsFunc(all, lacks) && d.restsOpen(ctx)
	for i, c := range all {
		if lacks(c) && open {
			if key, err := d.Key(ctx, c.key.Profile); err == nil {
				c.signer = key.Signer()
			}
		}
		switch {
		case c.key.Serial == "":
		case i >= mostKeys:
			c.key.Unseen, c.signer = "there are many keys", cred.Signer{}
		case lacks(c) && d.profile == "": // that a profile was not entered is told
			c.key.Unseen = "no MFA session of it is kept, and the keys are not open"
		}
	}
	access.Each(ctx, len(all), func(ctx context.Context, i int) error {
		if all[i].signer.ID == "" {
			return nil
		}
		return d.fill(ctx, all[i])
	})
	keys := make([]health.Key, len(all))
	for i, c := range all {
		keys[i] = c.key
	}
	return health.Keys(keys, d.sys.Now())
}

// restsOpen opens the vault where that takes no question.
func (k *keeper) restsOpen(ctx context.Context) bool {
	identity, err := k.rest.LoadIdentity()
	if err != nil || k.fits(ctx, unlock.Kind{Name: "what rests"}, identity) != nil {
		return false
	}
	k.identity = identity
	return true
}

// keyCheck plans what to ask about the key of a profile: nothing, where the config
// names no device for it.
func (d *checkup) keyCheck(name string) *keyCheck {
	info := d.index.Keys[name]
	c := &keyCheck{key: health.Key{Profile: name, Stored: info.Created, Next: []string{"fob doctor " + fault.Operand(name)}}}
	var err error
	c.plan.Chain, c.plan.iam, err = chain.User(d.set, d.kinds, d.hasKey, chain.Request{Profile: name, Unguarded: true, Env: front.Env(d.sys.Environ)})
	if err != nil || len(c.plan.Steps) == 0 {
		return c
	}
	c.key.Serial = source.Device(c.plan.Steps[0]).Serial
	steps := chain.Names(c.plan.Chain, info.ID, d.cache.NameOf)
	if kept, ok := d.cache.Held(steps[0], d.sys.Now(), 0); ok {
		c.signer = kept.Session.Signer()
	}
	return c
}

// fill asks AWS who the user is, what devices there are, and how old the key is.
func (d *checkup) fill(ctx context.Context, c *keyCheck) error {
	client := func(e source.Endpoint) *awsapi.Client {
		conf := d.sys.awsConfig(e)
		conf.Attempts = 1
		return awsapi.New(conf, c.signer)
	}
	who, err := client(c.plan.STS).CallerIdentity(ctx)
	if err == nil {
		c.key.Own = ownSerial(who)
		c.key.Devices, err = client(c.plan.iam).OwnMFADevices(ctx)
	}
	if err != nil {
		if c.key.Unseen = err.Error(); ctx.Err() != nil {
			c.key.Unseen = errLate.Error()
		}
		return err
	}
	states, err := client(c.plan.iam).AccessKeys(ctx, "")
	if err != nil {
		return nil // its age is then that in the store
	}
	for _, s := range states {
		if s.ID == d.index.Keys[c.key.Profile].ID {
			c.key.Made, c.key.Inactive = s.Created, !s.Active
		}
	}
	return nil
}

// ownSerial is that of a device which is named like the user; "" for what is none.
func ownSerial(who awsapi.Identity) string {
	owner, ok := devices.OwnerOf(who)
	if !ok {
		return ""
	}
	return owner.Serial()
}
