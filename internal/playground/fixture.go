package playground

import (
	"encoding/json"
	"fmt"
	"time"
)

const (
	fullRole     = "allow-full-access-from-other-accounts"
	readRole     = "allow-read-only-access-from-other-accounts"
	devRole      = "allow-dev-access-from-other-accounts"
	billingRole  = "allow-billing-only-access-from-other-accounts"
	supportRole  = "allow-support-access-from-other-accounts"
	deployRole   = "allow-auto-deploy-from-other-accounts"
	sshGruntRole = "allow-ssh-grunt-access-from-other-accounts"

	humanMax   = 28800 * time.Second
	machineMax = 14400 * time.Second
)

// builder makes users and roles in a world.
type builder struct {
	world  *world
	random *source
	now    time.Time
}

// newFixture builds the default Reference Architecture. Security has no human
// role, so the groups that name one point at nothing, as they do at AWS.
func newFixture(random *source, now time.Time) (*world, error) {
	w := &world{keys: map[string]*accessKey{}, sessions: map[string]*session{}, signins: map[string]*signin{}}
	b := builder{world: w, random: random, now: now}
	for _, a := range Accounts() {
		w.accounts = append(w.accounts, &account{
			Account: a, alias: "acme-" + a.Name,
			users: map[string]*user{}, groups: map[string]*group{}, roles: map[string]*role{},
			devices: map[string]*device{}, policies: map[string]policy{},
			bucket: newBucket("acme-"+a.Name+"-tfstate", now), items: map[string]map[string]map[string]string{},
		})
	}
	for _, build := range []func() error{b.roles, b.groups, b.users} {
		if err := build(); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// statement is one statement of a fixture policy.
type statement struct {
	Effect    string
	Principal map[string]any `json:",omitempty"`
	Action    any
	Resource  any            `json:",omitempty"`
	Condition map[string]any `json:",omitempty"`
}

func policyText(statements ...statement) string {
	text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements}) // plain text marshals
	return string(text)
}

func allow(resource any, actions ...string) statement {
	return statement{Effect: "Allow", Action: actions, Resource: resource}
}

func (s statement) withMFA() statement {
	s.Condition = map[string]any{"Bool": map[string]any{"aws:MultiFactorAuthPresent": "true"}}
	return s
}

func trustOf(roots ...string) statement {
	arns := make([]string, len(roots))
	for i, id := range roots {
		arns[i] = "arn:aws:iam::" + id + ":root"
	}
	return statement{Effect: "Allow", Principal: map[string]any{"AWS": arns}, Action: "sts:AssumeRole"}
}

// humanRights is what each role for people permits, from the module
// cross-account-iam-roles.
func humanRights() map[string]statement {
	return map[string]statement{
		fullRole: allow("*", "*"),
		readRole: allow("*", "iam:Get*", "iam:List*", "s3:Get*", "s3:List*", "ec2:Describe*", "rds:Describe*",
			"logs:Describe*", "cloudwatch:Get*", "cloudwatch:List*", "organizations:List*", "organizations:Describe*"),
		devRole:     allow("*", "ec2:*", "lambda:*", "rds:*", "elasticache:*", "route53:*"),
		billingRole: allow("*", "aws-portal:*", "budgets:*", "ce:*", "cur:*"),
		supportRole: allow("*", "support:*"),
	}
}

func (b builder) roles() error {
	security, shared := b.world.security(), b.world.named("shared")
	var others []string
	for _, a := range b.world.accounts[1:] {
		others = append(others, a.ID)
		rights := humanRights()
		for _, name := range sorted(rights) {
			r := Role{Name: name, Trust: policyText(trustOf(security.ID).withMFA()), Policy: policyText(rights[name]), Max: humanMax}
			if _, err := b.role(a, r); err != nil {
				return err
			}
		}
	}
	for _, a := range b.world.accounts {
		r := Role{Name: deployRole, Trust: policyText(trustOf(security.ID, shared.ID)),
			Policy: policyText(allow("*", "iam:GetRole", "iam:GetRolePolicy")), Max: machineMax}
		if _, err := b.role(a, r); err != nil {
			return err
		}
	}
	dev := b.world.named("dev")
	ci := Role{Name: webRole, Trust: policyText(webTrust(dev.ID)), Policy: policyText(allow("*", "s3:Get*", "s3:List*", "iam:GetRole")), Max: machineMax}
	if _, err := b.role(dev, ci); err != nil {
		return err
	}
	_, err := b.role(security, Role{Name: sshGruntRole, Trust: policyText(trustOf(others...)), Max: machineMax,
		Policy: policyText(allow("*", "iam:GetGroup", "iam:ListGroups", "iam:ListGroupsForUser", "iam:GetSSHPublicKey", "iam:ListSSHPublicKeys"))})
	return err
}

func (b builder) role(a *account, r Role) (*role, error) {
	doc, err := parsePolicy(r.Trust, trustPolicy)
	if err != nil {
		return nil, err
	}
	if r.Max == 0 {
		r.Max = time.Hour
	}
	made := &role{
		name: r.Name, path: "/", id: b.random.entityID("AROA"), arn: "arn:aws:iam::" + a.ID + ":role/" + r.Name,
		created: b.now, trust: policy{text: r.Trust, doc: doc}, max: r.Max, tags: r.Tags, account: a,
	}
	if r.Policy != "" {
		if err := made.put(r.Name, r.Policy); err != nil {
			return nil, err
		}
	}
	a.roles[r.Name] = made
	return made, nil
}

// selfManagement lets a user manage their own keys and MFA device. It works
// without MFA, and the device must bear the user's name.
func selfManagement(account string) string {
	own := []string{"arn:aws:iam::" + account + ":user/${aws:username}", "arn:aws:iam::" + account + ":mfa/${aws:username}"}
	return policyText(
		allow(own, "iam:GetUser", "iam:ListAccessKeys", "iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:DeleteAccessKey",
			"iam:GetAccessKeyLastUsed", "iam:ListMFADevices", "iam:EnableMFADevice", "iam:ResyncMFADevice",
			"iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"),
		allow("*", "iam:ListVirtualMFADevices", "iam:GetAccountPasswordPolicy", "iam:ListAccountAliases", "iam:ListUsers"),
		allow(own, "iam:DeactivateMFADevice").withMFA(),
	)
}

// groupRole says which role each generated group of an account lets assume.
func groupRoles() map[string]string {
	return map[string]string{"full-access": fullRole, "read-only": readRole, "dev": devRole,
		"billing": billingRole, "support": supportRole, "auto-deploy": deployRole}
}

func (b builder) groups() error {
	security := b.world.security()
	self := "arn:aws:iam::" + security.ID + ":policy/iam-user-self-mgmt"
	doc, err := parsePolicy(selfManagement(security.ID), identityPolicy)
	if err != nil {
		return err
	}
	security.policies[self] = policy{name: "iam-user-self-mgmt", text: selfManagement(security.ID), doc: doc}
	inline := map[string]string{"full-access": policyText(allow("*", "*").withMFA()),
		"iam-user-self-mgmt": "", "ssh-grunt-users": "", "ssh-grunt-sudo-users": ""}
	var all []string
	for _, a := range b.world.accounts {
		for kind, role := range groupRoles() {
			arn := "arn:aws:iam::" + a.ID + ":role/" + role
			inline["_account."+a.Name+"-"+kind] = policyText(allow(arn, "sts:AssumeRole"))
		}
		for _, kind := range sorted(groupRoles()) {
			all = append(all, "arn:aws:iam::"+a.ID+":role/"+groupRoles()[kind])
		}
	}
	inline["_all-accounts"] = policyText(allow(all, "sts:AssumeRole"))
	for _, name := range sorted(inline) {
		g := &group{name: name, id: b.random.entityID("AGPA"), arn: "arn:aws:iam::" + security.ID + ":group/" + name, created: b.now}
		security.groups[name] = g
		if inline[name] == "" {
			continue
		}
		if err := g.put(name, inline[name]); err != nil {
			return err
		}
	}
	for _, name := range []string{"full-access", "iam-user-self-mgmt"} {
		security.groups[name].attached = []string{self}
	}
	return nil
}

func (b builder) users() error {
	var deploy []string
	for _, a := range b.world.accounts {
		deploy = append(deploy, "_account."+a.Name+"-auto-deploy")
	}
	people := []struct {
		name   string
		mfa    bool
		groups []string
	}{
		{"gruntwork", true, []string{"_all-accounts", "full-access", "ssh-grunt-sudo-users"}},
		{"jane@acme.com", true, []string{"full-access"}},
		{"alice@acme.com", true, []string{"_account.dev-full-access", "_account.stage-full-access", "_account.prod-full-access", "iam-user-self-mgmt"}},
		{"bob@acme.com", true, []string{"_account.prod-read-only", "ssh-grunt-sudo-users", "iam-user-self-mgmt"}},
		{"ci-machine-user", false, deploy},
		{"carol", false, []string{"iam-user-self-mgmt"}},
	}
	for _, p := range people {
		if _, err := b.user(p.name, p.mfa, p.groups); err != nil {
			return err
		}
	}
	return nil
}

// user makes a user of the security account with a key, and with an enabled
// MFA device of its own name when mfa is set.
func (b builder) user(name string, mfa bool, groups []string) (*user, error) {
	a := b.world.security()
	if a.users[name] != nil {
		return nil, fmt.Errorf("user %s exists", name)
	}
	for _, g := range groups {
		if a.groups[g] == nil {
			return nil, fmt.Errorf("no group %s", g)
		}
	}
	u := &user{name: name, path: "/", id: b.random.entityID("AIDA"), arn: "arn:aws:iam::" + a.ID + ":user/" + name, created: b.now, account: a}
	a.users[name] = u
	for _, g := range groups {
		a.groups[g].members = append(a.groups[g].members, name)
	}
	b.key(u, 0)
	if mfa {
		d := b.device(a, "/", name)
		d.owner, d.enabled = u, b.now
	}
	return u, nil
}

// key gives a user a new access key that is known after delay.
func (b builder) key(u *user, delay time.Duration) *accessKey {
	k := &accessKey{id: b.random.keyID("AKIA", u.account.ID), secret: b.random.secretKey(), owner: u,
		active: true, created: b.now}
	if delay > 0 {
		k.usable = b.now.Add(delay)
	}
	b.world.keys[k.id] = k
	return k
}

func (b builder) device(a *account, path, name string) *device {
	d := &device{name: name, serial: "arn:aws:iam::" + a.ID + ":mfa" + path + name, seed: b.random.seed(), used: map[int64]bool{}}
	a.devices[d.serial] = d
	return d
}
