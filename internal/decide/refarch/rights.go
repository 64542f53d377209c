package refarch

import (
	"encoding/json"
	"slices"
	"strings"
)

// Grant is one role that a person may enter in one account: Key is how people
// call it, Role its name.
type Grant struct {
	Account   Account
	Key, Role string
}

// Rights is what IAM tells of a person: their groups, and the policies of the
// person and of those groups that could be read.
type Rights struct {
	Groups   []string
	Policies []string
	// Unread holds the groups whose policies could not be read. What they allow
	// is told by their names.
	Unread []string
}

// statement is as much of a policy's statement as decides on sts:AssumeRole.
type statement struct {
	Effect      string
	Action      texts
	NotAction   texts
	Resource    texts
	NotResource texts
	Condition   map[string]any
}

// texts is one text or a list of them.
type texts []string

// UnmarshalJSON takes both forms.
func (t *texts) UnmarshalJSON(text []byte) error {
	one := ""
	if json.Unmarshal(text, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(t))
}

// Statements of a policy may be one or a list.
type statements []statement

// UnmarshalJSON takes both forms.
func (s *statements) UnmarshalJSON(text []byte) error {
	var one statement
	if json.Unmarshal(text, &one) == nil {
		*s = statements{one}
		return nil
	}
	return json.Unmarshal(text, (*[]statement)(s))
}

// Allowed lists the roles of these accounts that the rights let a person enter,
// sorted by account and then by power, the least first. source is the account that
// holds the person, whose roles are not entered from itself; "" where none is in
// the file. A condition of an Allow is
// taken to be met and one of a Deny not to be, as it is in a session with MFA.
// Which roles there are only AWS knows; those of a wildcard are taken to be the
// ones for which the architecture makes groups.
func Allowed(a Accounts, source string, n Naming, r Rights) ([]Grant, error) {
	var all statements
	for _, text := range r.Policies {
		var doc struct{ Statement statements }
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			return nil, &Error{Text: "a policy of the user or of a group cannot be read"}
		}
		all = append(all, doc.Statement...)
	}
	var out []Grant
	for _, one := range a.List {
		if one.Name == source {
			continue
		}
		for _, g := range candidates(all, one, n) {
			if permits(all, one.ID, g.Role) || byGroup(r.Unread, one.Name, g.Key, a) {
				out = append(out, g)
			}
		}
	}
	return out, nil
}

// candidates are the roles that an account may have for a person, the least
// powerful first, then those that only the policies name.
func candidates(all statements, one Account, n Naming) []Grant {
	var found []Grant
	add := func(key, name string) {
		if !slices.ContainsFunc(found, func(g Grant) bool { return g.Key == key }) {
			found = append(found, Grant{one, key, name})
		}
	}
	for _, r := range roles() {
		if grouped(r.key) {
			add(r.key, n.Name(r.key, one.Name))
		}
	}
	for _, s := range all {
		for _, resource := range s.Resource {
			parts := strings.SplitN(resource, ":", 6)
			if len(parts) != 6 || parts[4] != one.ID {
				continue
			}
			if name, ok := strings.CutPrefix(parts[5], "role/"); ok && isRoleName(name) {
				add(n.key(name, one.Name), name)
			}
		}
	}
	return found
}

// grouped says whether the architecture makes a group for a role in each account.
func grouped(key string) bool {
	return slices.Contains([]string{"read-only", "support", "billing", "dev", FullAccess, "auto-deploy"}, key)
}

func permits(all statements, account, name string) bool {
	allowed := false
	for _, s := range all {
		if !s.covers(account, name) {
			continue
		}
		if s.Effect == "Deny" && len(s.Condition) == 0 {
			return false
		}
		allowed = allowed || s.Effect == "Allow"
	}
	return allowed
}

// covers says whether a statement speaks of entering the role, in whatever
// partition.
func (s statement) covers(account, name string) bool {
	const action = "sts:assumerole"
	acts := anyLike(s.Action, func(p string) bool { return like(strings.ToLower(p), action) })
	if len(s.NotAction) > 0 {
		acts = !anyLike(s.NotAction, func(p string) bool { return like(strings.ToLower(p), action) })
	}
	is := func(p string) bool {
		parts := strings.SplitN(p, ":", 3)
		if len(parts) == 3 && parts[0] == "arn" && strings.HasPrefix(parts[1], "aws") {
			p = "arn:aws:" + parts[2]
		}
		return like(p, "arn:aws:iam::"+account+":role/"+name)
	}
	on := anyLike(s.Resource, is)
	if len(s.NotResource) > 0 {
		on = !anyLike(s.NotResource, is)
	}
	return acts && on
}

func anyLike(patterns texts, match func(string) bool) bool {
	return slices.ContainsFunc(patterns, match)
}

// like matches the wildcards of policies, * and ?.
func like(pattern, text string) bool {
	star, back := -1, 0
	p := 0
	for t := 0; t < len(text); {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, back = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0:
			back++
			p, t = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
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
