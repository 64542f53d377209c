package access

import (
	"fmt"
	"slices"
	"strings"

	"fob/internal/decide/chain"
	"fob/internal/decide/iampolicy"
	"fob/internal/decide/refarch"
)

// DefaultRoles are the names of the nine default roles.
func DefaultRoles() []string {
	var names []string
	for _, r := range refarch.ShownRoles() {
		names = append(names, r.Name())
	}
	return names
}

func known(arn string) (r refarch.Role, prefix string, ok bool) { return refarch.Known(NameOf(arn)) }

// Short is how people call a role: "read-only", or its own name where it is none
// of the defaults.
func Short(arn string) string {
	if r, prefix, ok := known(arn); ok && prefix == "" {
		return r.Key
	}
	return NameOf(arn)
}

// Prefix is what stands before the default name of a role.
func Prefix(arn string) string {
	_, prefix, _ := known(arn)
	return prefix
}

func machine(arn string) bool {
	r, _, ok := known(arn)
	return ok && !r.Human
}

func human(arn string) bool {
	r, _, ok := known(arn)
	return ok && r.Human
}

// Order puts the default roles before others, in the order that people know.
func Order(arn string) int {
	r, prefix, ok := known(arn)
	if !ok || prefix != "" {
		return len(refarch.Roles())
	}
	return r.Place
}

// Book has the accounts that are known, by id, and what people call them.
type Book struct {
	names map[string]string
	// fits are those whose name comes from a profile called ACCOUNT-ROLE.
	fits map[string]bool
	// sure are accounts that were entered, or that a group names.
	sure map[string]bool
}

// NewBook is empty.
func NewBook() Book {
	return Book{names: map[string]string{}, fits: map[string]bool{}, sure: map[string]bool{}}
}

// Vouch says that an account is there: it was entered, or a group names it.
func (b Book) Vouch(account string) { b.sure[account] = account != "" }

// FromProfile takes a name out of the config: a profile for a role is called
// like the account with the role behind it, or like the account alone. The first
// counts where none has the role behind it.
func (b Book) FromProfile(profile, arn string) {
	account, fits := AccountOf(arn), false
	if r, _, ok := known(arn); ok {
		profile, fits = strings.CutSuffix(profile, "-"+r.Key)
	}
	known := b.names[account] != ""
	if account != "" && profile != "" && (!known || fits && !b.fits[account]) {
		b.names[account], b.fits[account] = profile, fits
	}
}

// FromGroup takes a name out of a generated group, _account.NAME-KIND, by the
// role that it allows: names may have hyphens themselves.
func (b Book) FromGroup(group, arn string) {
	r, _, ok := known(arn)
	name, generated := strings.CutPrefix(group, "_account.")
	name, fits := strings.CutSuffix(name, "-"+r.Key)
	if account := AccountOf(arn); ok && generated && fits && name != "" && account != "" {
		b.names[account], b.fits[account] = name, true
	}
}

// FromPerson learns the accounts that a person's groups name.
func (b Book) FromPerson(p Person) {
	for _, policy := range p.Policies {
		for _, arn := range iampolicy.Named([]iampolicy.Policy{policy}, p.Name) {
			b.Vouch(AccountOf(arn))
			if group, ok := strings.CutPrefix(policy.From, "group "); ok {
				b.FromGroup(group, arn)
			}
		}
	}
}

// Called is what people call an account, else its id.
func (b Book) Called(account string) string {
	if name := b.names[account]; name != "" {
		return name
	}
	return account
}

// Group is the generated group that allows a role, or "" where there is none.
func (b Book) Group(arn string) string {
	r, _, ok := known(arn)
	name := b.names[AccountOf(arn)]
	if !ok || !r.Grouped || name == "" {
		return ""
	}
	return "_account." + name + "-" + r.Key
}

// Sure are the accounts that are surely there.
func (b Book) Sure() []string {
	var all []string
	for account, sure := range b.sure {
		if sure {
			all = append(all, account)
		}
	}
	slices.Sort(all)
	return all
}

// Near is an account that is surely there, and whose id is that of account but
// for a slip: one digit more, less or other, or two that changed places. It is ""
// for an account that is surely there itself, or where there is none or several.
func (b Book) Near(account string) string {
	if b.sure[account] || account == "" {
		return ""
	}
	var near []string
	for other, sure := range b.sure {
		if sure && slip(account, other) {
			near = append(near, other)
		}
	}
	if len(near) != 1 {
		return ""
	}
	return near[0]
}

// slip says whether typing one text can have given the other.
func slip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	if len(a) < len(b) {
		i := 0
		for i < len(a) && a[i] == b[i] {
			i++
		}
		return a[i:] == b[i+1:]
	}
	var differ []int
	for i := range len(a) {
		if a[i] != b[i] {
			differ = append(differ, i)
		}
	}
	if len(differ) == 1 {
		return true
	}
	return len(differ) == 2 && differ[1] == differ[0]+1 && a[differ[0]] == b[differ[1]] && a[differ[1]] == b[differ[0]]
}

// BadAccount says why the account in a role's ARN cannot be one, and what may be
// meant, given the accounts that are known.
func BadAccount(arn string, accounts []string) (why string, meant string) {
	account := AccountOf(arn)
	notDigit := func(r rune) bool { return r < '0' || r > '9' }
	if !strings.HasPrefix(arn, "arn:") || account == "" || len(account) == 12 || strings.ContainsFunc(account, notDigit) {
		return "", ""
	}
	why = fmt.Sprintf("an account's id has twelve digits, and this one has %d", len(account))
	const ifZero = ", if what was lost is a zero at its front"
	switch known, zeros := chain.MeantAccount(account, accounts); {
	case known != "" && known != zeros:
		return why + "; account " + known + " is known, and has one digit more", known + "; or " + zeros + ifZero
	case known != "":
		return why + "; account " + known + " is known", known
	case zeros != "":
		return why, zeros + ifZero
	}
	return why, ""
}

// Accounts are the accounts of these ARNs with their partitions, each once, in
// order.
func Accounts(arns []string) []string {
	var out []string
	for _, arn := range arns {
		one := PartitionOf(arn) + ":" + AccountOf(arn)
		if AccountOf(arn) != "" && !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out
}

// Sweep are the default roles of the accounts of arns, with the prefix that an
// account's own roles have there: what --probe asks for.
func Sweep(arns []string) []string {
	prefix := map[string]string{}
	for _, arn := range arns {
		if p := Prefix(arn); p != "" {
			prefix[AccountOf(arn)] = p
		}
	}
	var out []string
	for _, one := range Accounts(arns) {
		partition, account, _ := strings.Cut(one, ":")
		for _, name := range DefaultRoles() {
			out = append(out, RoleARN(partition, account, prefix[account]+name))
		}
	}
	return out
}
