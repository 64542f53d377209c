package refarch

import (
	"slices"
	"strings"

	"fob/internal/decide/profile"
)

// FullAccess is the role whose profile bears the account's name alone.
const FullAccess = "full-access"

// Role is one of the nine roles of the module cross-account-iam-roles.
type Role struct {
	// Key is how people and groups call it, Part what stands for it in its name.
	Key, Part string
	// Grouped says that the architecture makes a group for it in each account,
	// Human that its trust policy asks for MFA.
	Grouped, Human bool
	// Place is where it stands when roles are shown, the best known first.
	Place int
}

// roles are sorted by what they permit, the least first, those for machines last.
func roles() []Role {
	return []Role{
		{"read-only", "read-only-access", true, true, 1},
		{"support", "support-access", true, true, 4},
		{"billing", "billing-only-access", true, true, 3},
		{"logs", "logs-access", false, true, 5},
		{"dev", "dev-access", true, true, 2},
		{"iam-admin", "iam-admin-access", false, true, 6},
		{FullAccess, "full-access", true, true, 0},
		{"auto-deploy", "auto-deploy", true, false, 8},
		{"ssh-grunt", "ssh-grunt-access", false, false, 7},
	}
}

// Roles are the keys of the nine roles, the least powerful first, those for
// machines last.
func Roles() []string {
	var keys []string
	for _, r := range roles() {
		keys = append(keys, r.Key)
	}
	return keys
}

// ShownRoles are the nine in the order in which people are shown them.
func ShownRoles() []Role {
	return slices.SortedFunc(slices.Values(roles()), func(a, b Role) int { return a.Place - b.Place })
}

// Name is the name that the module gives the role.
func (r Role) Name() string { return strings.ReplaceAll(DefaultPattern, "{role}", r.Part) }

// Known finds the role behind a name, which may have a prefix
// (iam_role_name_prefix).
func Known(name string) (r Role, prefix string, ok bool) {
	for _, r := range roles() {
		if prefix, found := strings.CutSuffix(name, r.Name()); found && (prefix == "" || strings.HasSuffix(prefix, "-")) {
			return r, prefix, true
		}
	}
	return Role{}, "", false
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
		if err := n.foreign(key); err != nil {
			return err
		}
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

// foreign refuses a key that is none of the nine where nobody has said how roles
// are called: it is a slip more often than a role of the customer's.
func (n Naming) foreign(key string) error {
	if n.Pattern != "" || slices.Contains(Roles(), key) || nameFlaw(key) != "" || !isRoleName(n.Name(key, "x")) {
		return nil
	}
	next := []string{"if it is a role of your own, say how it is called: --role-name 'NAME', or '" + DefaultPattern + "'"}
	if near := profile.Near(key, Roles()); len(near) > 0 {
		next = append([]string{"did you mean " + near[0] + "?"}, next...)
	}
	return &Error{Text: "there is no default role " + shown(key) + ", but " + strings.Join(Roles(), ", "), Next: next}
}

// NearRole is the name of the default role that a name may be a slip of, or "".
func NearRole(name string) string {
	before, after, _ := strings.Cut(DefaultPattern, "{role}")
	part := func(name string) string { return strings.TrimSuffix(name, "-access") }
	for _, r := range roles() {
		inner, begins := strings.CutPrefix(name, before)
		inner, ends := strings.CutSuffix(inner, after)
		slip := begins && ends && len(profile.Near(part(inner), []string{part(r.Part)})) > 0
		if name != r.Name() && (slip || strings.Contains(name, part(r.Part)) && len(profile.Near(name, []string{r.Name()})) > 0) {
			return r.Name()
		}
	}
	return ""
}

// Name is the name of a role in an account. A key that is none of the nine is a
// role of the customer's, which are called as the others are.
func (n Naming) Name(key, account string) string {
	part := key + "-access"
	for _, r := range roles() {
		if r.Key == key {
			part = r.Part
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
		if r.Part == part {
			return r.Key
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
