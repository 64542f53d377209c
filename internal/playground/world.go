package playground

import (
	"maps"
	"slices"
	"time"

	"fob/internal/cred"
)

// world is everything the server holds; Server.mu guards it.
type world struct {
	accounts []*account
	keys     map[string]*accessKey
	sessions map[string]*session
	signins  map[string]*signin
}

type account struct {
	Account
	alias    string
	users    map[string]*user
	groups   map[string]*group
	roles    map[string]*role
	devices  map[string]*device // by serial
	policies map[string]policy  // customer managed, by ARN
	bucket   *bucket
	items    map[string]map[string]map[string]string // of DynamoDB, by table and LockID
}

type policy struct {
	name, text string
	doc        document
}

// grants are the policies of a user, a group or a role.
type grants struct {
	inline   map[string]policy
	attached []string // ARNs of managed policies
}

type user struct {
	grants
	name, path, id, arn string
	created             time.Time
	tags                map[string]string
	account             *account
}

type group struct {
	grants
	name, id, arn string
	created       time.Time
	members       []string
}

type role struct {
	grants
	name, path, id, arn, description string
	created, lastUsed                time.Time
	trust                            policy
	max                              time.Duration
	tags                             map[string]string
	account                          *account
}

// accessKey is a long-term key. Usable is set when a test asked for IAM's
// eventual consistency.
type accessKey struct {
	id, secret              string
	owner                   *user
	active                  bool
	created, usable, used   time.Time
	usedService, usedRegion string
}

func (w *world) security() *account { return w.accounts[0] }

func (w *world) account(id string) *account {
	for _, a := range w.accounts {
		if a.ID == id {
			return a
		}
	}
	return nil
}

func (w *world) named(name string) *account {
	for _, a := range w.accounts {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// keysOf gives a user's keys, oldest first.
func (w *world) keysOf(u *user) []*accessKey {
	var keys []*accessKey
	for _, id := range sorted(w.keys) {
		if w.keys[id].owner == u {
			keys = append(keys, w.keys[id])
		}
	}
	slices.SortStableFunc(keys, func(a, b *accessKey) int { return a.created.Compare(b.created) })
	return keys
}

// devicesOf gives the MFA devices that are enabled for a user.
func (w *world) devicesOf(u *user) []*device {
	var devices []*device
	for _, serial := range sorted(u.account.devices) {
		if d := u.account.devices[serial]; d.owner == u {
			devices = append(devices, d)
		}
	}
	return devices
}

func (w *world) deviceOf(u *user) *device {
	if devices := w.devicesOf(u); len(devices) > 0 {
		return devices[0]
	}
	return nil
}

func (w *world) describe(u *user) User {
	out := User{Name: u.name}
	if keys := w.keysOf(u); len(keys) > 0 {
		out.AccessKeyID, out.Secret = keys[0].id, cred.NewSecret(keys[0].secret)
	}
	if d := w.deviceOf(u); d != nil {
		out.MFASerial, out.Seed = d.serial, cred.NewSecret(d.seed)
	}
	return out
}

// groupsOf gives the groups that a user is in, by name.
func (a *account) groupsOf(u *user) []*group {
	var in []*group
	for _, name := range sorted(a.groups) {
		if slices.Contains(a.groups[name].members, u.name) {
			in = append(in, a.groups[name])
		}
	}
	return in
}

// managed finds a managed policy: the account's own or one of AWS's. A nil
// account has none of its own.
func (a *account) managed(arn string) (policy, bool) {
	if a != nil && a.policies[arn].name != "" {
		return a.policies[arn], true
	}
	return awsManaged(arn)
}

// documents gives the policies of one holder.
func (a *account) documents(g grants) []document {
	var docs []document
	for _, name := range sorted(g.inline) {
		docs = append(docs, g.inline[name].doc)
	}
	for _, arn := range g.attached {
		if p, ok := a.managed(arn); ok {
			docs = append(docs, p.doc)
		}
	}
	return docs
}

// put stores an inline policy that has no principal.
func (g *grants) put(name, text string) error {
	doc, err := parsePolicy(text, identityPolicy)
	if err != nil {
		return err
	}
	if g.inline == nil {
		g.inline = map[string]policy{}
	}
	g.inline[name] = policy{name: name, text: text, doc: doc}
	return nil
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
