package refarch

import (
	"slices"
	"strings"

	"fob/internal/decide/iampolicy"
)

// Grant is one role that a person may enter in one account: Key is how people
// call it, Role its name.
type Grant struct {
	Account   Account
	Key, Role string
}

// Rights is what IAM tells of a person: their name, their groups, and the policies of the
// person and of those groups that could be read.
type Rights struct {
	User     string
	Groups   []string
	Policies []string
	// Unread holds the groups whose policies could not be read. What they allow
	// is told by their names.
	Unread []string
}

// Allowed lists the roles of these accounts that the rights let a person enter,
// sorted by account and then by power, the least first. source is the account that
// holds the person, whose roles are not entered from itself; "" where none is in
// the file. A condition of an Allow is taken to be met and one of a Deny not to be,
// except on MFA, which the session has.
// Which roles there are only AWS knows; those of a wildcard are taken to be the
// ones for which the architecture makes groups.
func Allowed(a Accounts, source string, n Naming, r Rights) ([]Grant, error) {
	var policies []iampolicy.Policy
	for _, text := range r.Policies {
		one, err := iampolicy.ParsePolicy("", text)
		if err != nil || strings.TrimSpace(text) == "" {
			return nil, &Error{Text: "a policy of the user or of a group cannot be read"}
		}
		policies = append(policies, one)
	}
	named := make(map[string][]string) // names of roles by account
	for _, arn := range iampolicy.Named(policies, r.User) {
		parts := strings.SplitN(arn, ":", 6)
		if name := strings.TrimPrefix(parts[5], "role/"); isRoleName(name) {
			named[parts[4]] = append(named[parts[4]], name)
		}
	}
	var out []Grant
	for _, one := range a.List {
		if one.Name == source {
			continue
		}
		for _, g := range candidates(named[one.ID], one, n) {
			if permits(policies, r.User, g) || byGroup(r.Unread, one.Name, g.Key, a) {
				out = append(out, g)
			}
		}
	}
	return out, nil
}

// candidates are the roles that an account may have for a person, the least
// powerful first, then those that only the policies name.
func candidates(named []string, one Account, n Naming) []Grant {
	var found []Grant
	add := func(key, name string) {
		if !slices.ContainsFunc(found, func(g Grant) bool { return g.Key == key }) {
			found = append(found, Grant{one, key, name})
		}
	}
	for _, r := range roles() {
		if r.Grouped {
			add(r.Key, n.Name(r.Key, one.Name))
		}
	}
	for _, name := range named {
		add(n.key(name, one.Name), name)
	}
	return found
}

// permits says whether the policies let a person enter the role, with MFA, in
// whatever partition the accounts are.
func permits(policies []iampolicy.Policy, user string, g Grant) bool {
	for _, partition := range []string{"aws", "aws-us-gov", "aws-cn"} {
		leave, _ := iampolicy.MayAssume(policies, user, "arn:"+partition+":iam::"+g.Account.ID+":role/"+g.Role, true)
		if leave == iampolicy.Allowed || leave == iampolicy.Perhaps {
			return true
		}
	}
	return false
}

// byGroup says whether the name of a group tells that it lets into the role. The
// longest account name that fits is the one that is meant: names hold hyphens,
// too.
func byGroup(groups []string, account, key string, a Accounts) bool {
	for _, g := range groups {
		if (g == "_all-accounts" || g == "_account.all" || g == "access-all-external-accounts") && grouped(key) {
			return true
		}
		rest, ok := strings.CutPrefix(g, "_account.")
		if !ok {
			rest, ok = strings.CutPrefix(g, "_account-")
		}
		if !ok {
			continue
		}
		longest := ""
		for _, one := range a.List {
			if strings.HasPrefix(rest, one.Name+"-") && len(one.Name) > len(longest) {
				longest = one.Name
			}
		}
		said := strings.TrimPrefix(rest, longest+"-")
		if longest == account && (said == key || said == key+"-access" || said == key+"-only") {
			return true
		}
	}
	return false
}

func grouped(key string) bool {
	return slices.ContainsFunc(roles(), func(r Role) bool { return r.Key == key && r.Grouped })
}

// Least picks one role for each account, the one with the least rights. Roles for
// machines are taken where there is no other.
func Least(all []Grant) []Grant {
	var out []Grant
	for _, g := range all {
		if len(out) == 0 || out[len(out)-1].Account.Name != g.Account.Name {
			out = append(out, g)
		}
	}
	return out
}

// Every gives each of these roles in each account but the source.
func Every(a Accounts, source string, n Naming, keys []string) []Grant {
	var out []Grant
	for _, one := range a.List {
		for _, key := range keys {
			if one.Name != source {
				out = append(out, Grant{one, key, n.Name(key, one.Name)})
			}
		}
	}
	return out
}
