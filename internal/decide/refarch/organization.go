package refarch

import "strings"

// Listed is an account as AWS Organizations lists it.
// (https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html)
type Listed struct{ ID, Name, State, ARN string }

// FromOrganization takes what AWS has answered, in place of a file. from is how
// messages name the organization. Errors are *Error.
func FromOrganization(from string, listed []Listed) (Accounts, error) {
	out := Accounts{File: from}
	r := reader{file: from, answer: true}
	for _, one := range listed {
		if one.Name == "" || one.ID == "" {
			return out, r.wrong(0, "an account of AWS's answer has no name or no id")
		}
		if err := out.listed(r, one, item{value: node{kind: scalar, text: one.ID}}); err != nil {
			return out, err
		}
	}
	return out, out.check(r)
}

// listed takes one account: its name is free text, and only those that are active
// can be entered.
func (a *Accounts) listed(r reader, one Listed, it item) error {
	it.key = folderOf(one.Name)
	if id := managementOf(one.ARN); id != "" {
		a.Management = id
	}
	if one.State != "" && one.State != "ACTIVE" {
		a.Skipped = append(a.Skipped, it.key)
		return nil
	}
	return a.add(r, it)
}

// folderOf makes a name as the architecture's folders have them of free text.
func folderOf(free string) string { return strings.ToLower(strings.Join(strings.Fields(free), "-")) }

// managementOf is the account that manages the organization, as the ARN of each of
// its accounts says.
func managementOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "organizations" {
		return ""
	}
	return parts[4]
}

// organization finds the list in what aws organizations list-accounts prints,
// whole or cut down to the list by --query.
func (r reader) organization(top node) (node, bool) {
	if accounts, ok := top.find("Accounts"); ok && accounts.kind == list {
		accounts.text = top.textOf("NextToken")
		return accounts, true
	}
	return top, top.kind == list
}

func (a *Accounts) fromOrganization(r reader, listed node) error {
	if listed.text != "" {
		return r.wrong(listed.line, "it is one page of several: NextToken is set", "list all: aws organizations list-accounts (without --max-items and --no-paginate)")
	}
	if len(listed.items) == 0 {
		return r.wrong(0, noAccounts, likeThis)
	}
	for _, it := range listed.items {
		one := it.value
		if _, ok := one.find("group_name"); ok {
			return r.wrong(it.line, "it lists the groups of accounts, not the accounts")
		}
		if one.kind != table || one.textOf("Name") == "" {
			return r.wrong(it.line, "an entry of the list has no Name", "write the file anew: aws organizations list-accounts")
		}
		said := Listed{Name: one.textOf("Name"), State: one.textOf("State"), ARN: one.textOf("Arn")}
		if said.State == "" {
			said.State = one.textOf("Status")
		}
		id, ok := one.find("Id")
		if !ok && !r.loose && (said.State == "" || said.State == "ACTIVE") {
			return r.wrong(it.line, "account "+shown(folderOf(said.Name))+" has no Id", "write the file anew: aws organizations list-accounts")
		}
		if err := a.listed(r, said, item{line: it.line, value: id}); err != nil {
			return err
		}
	}
	return nil
}
