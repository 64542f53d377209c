package refarch

import (
	"regexp"
	"slices"
	"strings"
)

// FullAccess is the role whose profile bears the account's name alone.
const FullAccess = "full-access"

// role is one of the nine roles of the module cross-account-iam-roles: key is how
// people and groups call it, part what stands for it in its name.
type role struct{ key, part string }

// roles are sorted by what they permit, the least first, those for machines last.
var roles = []role{
	{"read-only", "read-only-access"},
	{"support", "support-access"},
	{"billing", "billing-only-access"},
	{"logs", "logs-access"},
	{"dev", "dev-access"},
	{"iam-admin", "iam-admin-access"},
	{FullAccess, "full-access"},
	{"auto-deploy", "auto-deploy"},
	{"ssh-grunt", "ssh-grunt-access"},
}

// Roles are the keys of the nine roles, the least powerful first, those for
// machines last.
func Roles() []string {
	keys := make([]string, len(roles))
	for i, r := range roles {
		keys[i] = r.key
	}
	return keys
}

// DefaultPattern makes the nine names as the module has them.
const DefaultPattern = "allow-{role}-from-other-accounts"

// Naming says how roles are called: {role} in the pattern is the role's part of
// the name, {account} the name of the account. The zero value is DefaultPattern.
type Naming struct{ Prefix, Pattern string }

func (n Naming) pattern() string {
	if n.Pattern == "" {
		return n.Prefix + DefaultPattern
	}
	return n.Prefix + n.Pattern
}

// roleName is what IAM allows
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html).
var roleName = regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]{1,64}$`)

// Check says what is wrong with the pattern, or with a role that no name can be
// made of.
func (n Naming) Check(keys []string) error {
	rest := strings.NewReplacer("{role}", "", "{account}", "").Replace(n.pattern())
	if strings.ContainsAny(rest, "{}") {
		return &Error{Text: "the role name " + shown(n.pattern()) + " holds something else in braces than {role} and {account}", Next: []string{"write it like " + DefaultPattern}}
	}
	if !strings.Contains(n.pattern(), "{role}") && len(keys) > 1 {
		return &Error{Text: "the role name " + shown(n.pattern()) + " has no {role} in it, so all roles of an account would be one", Next: []string{"name one role", "write the name like " + DefaultPattern}}
	}
	for i, key := range keys {
		if slices.Contains(keys[:i], key) {
			return &Error{Text: "the role " + shown(key) + " is named twice", Next: []string{"name it once"}}
		}
		if name := n.Name(key, "x"); !roleName.MatchString(name) {
			return &Error{Text: "the role " + shown(key) + " gives " + shown(name) + ", which is no name of a role", Next: []string{"the roles that are known: " + strings.Join(Roles(), ", ")}}
		}
		if flaw := nameFlaw(key); flaw != "" {
			return &Error{Text: "the role " + shown(key) + " " + flaw, Next: []string{"the roles that are known: " + strings.Join(Roles(), ", ")}}
		}
	}
	return nil
}

// Name is the name of a role in an account. A key that is none of the nine is a
// role of the customer's, which are called as the others are.
func (n Naming) Name(key, account string) string {
	part := key + "-access"
	if i := slices.IndexFunc(roles, func(r role) bool { return r.key == key }); i >= 0 {
		part = roles[i].part
	}
	return strings.NewReplacer("{role}", part, "{account}", account).Replace(n.pattern())
}

// key is the key of a role by its name, the name itself where it is made in
// another way.
func (n Naming) key(name, account string) string {
	before, after, ok := strings.Cut(strings.ReplaceAll(n.pattern(), "{account}", account), "{role}")
	part, hasBefore := strings.CutPrefix(name, before)
	part, hasAfter := strings.CutSuffix(part, after)
	if !ok || !hasBefore || !hasAfter || part == "" {
		return name
	}
	if i := slices.IndexFunc(roles, func(r role) bool { return r.part == part }); i >= 0 {
		return roles[i].key
	}
	if key, ok := strings.CutSuffix(part, "-access"); ok && key != "" {
		return key
	}
	return name
}

// ProfileName is that of the account for full access, else NAME-ROLE.
func ProfileName(account, key string) string {
	if key == FullAccess {
		return account
	}
	return account + "-" + key
}
