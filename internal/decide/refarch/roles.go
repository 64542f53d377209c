package refarch

import (
	"slices"
	"strings"
)

// FullAccess is the role whose profile bears the account's name alone.
const FullAccess = "full-access"

// role is one of the nine roles of the module cross-account-iam-roles: key is how
// people and groups call it, part what stands for it in its name.
type role struct{ key, part string }

// roles are sorted by what they permit, the least first, those for machines last.
func roles() []role {
	return []role{
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
}

// Roles are the keys of the nine roles, the least powerful first, those for
// machines last.
func Roles() []string {
	var keys []string
	for _, r := range roles() {
		keys = append(keys, r.key)
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

// isRoleName says whether IAM allows a role of that name
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html).
func isRoleName(name string) bool {
	const longest = 64
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_+=,.@-", r)
	}
	return name != "" && len(name) <= longest && !strings.ContainsFunc(name, func(r rune) bool { return !plain(r) })
}

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
		if name := n.Name(key, "x"); !isRoleName(name) {
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
	for _, r := range roles() {
		if r.key == key {
			part = r.part
		}
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
	for _, r := range roles() {
		if r.part == part {
			return r.key
		}
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
