package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"fob/internal/fault"
	"fob/internal/obtain/access"
)

type accessJSON struct {
	Roles   []accessRole   `json:"roles" doc:"what was asked for, an account after the other"`
	People  []accessPerson `json:"people" doc:"who asked"`
	Yes     int            `json:"yes" doc:"how many roles can be entered"`
	No      int            `json:"no" doc:"how many are refused; with any, the status is 5"`
	Unknown int            `json:"unknown" doc:"of how many it is not known; with any, and none refused, the status is 1"`
}

type accessRole struct {
	Account  string   `json:"account" doc:"account id"`
	Name     string   `json:"account_name" doc:"what the config or the groups call the account, else its id"`
	Role     string   `json:"role" doc:"the role, short for a default one (read-only)"`
	ARN      string   `json:"role_arn" doc:"its ARN"`
	Profiles []string `json:"profiles" doc:"profiles that enter it"`
	Answer   string   `json:"answer" doc:"yes, no or unknown"`
	Held     bool     `json:"session_held,omitempty" doc:"a kept session says yes, and AWS was not asked"`
	Reason   string   `json:"reason,omitempty" doc:"no-mfa, mfa-device, no-group, role-missing, role-gone, trust, session-policy, denied, wrong-account, unclear; of what is unknown also unreachable, throttled, config, own-code, not-asked"`
	Why      string   `json:"why,omitempty" doc:"what the reason rests on"`
	Next     []string `json:"next" doc:"what helps, and what to ask of whom"`
}

type accessPerson struct {
	Key    string   `json:"key_profile" doc:"the profile whose stored key begins; empty where none is needed"`
	ARN    string   `json:"arn,omitempty" doc:"who AWS says it is"`
	Groups []string `json:"groups" doc:"groups of the user, as far as they may be read"`
	Known  bool     `json:"policies_known" doc:"all policies of the user and of their groups could be read"`
}

// result is what was found, an account after the other in the order of the
// config, the roles in the order that people know.
func (q *inquiry) result() accessJSON {
	out := accessJSON{Roles: []accessRole{}, People: []accessPerson{}}
	at := map[string]int{}
	for _, t := range q.targets {
		if account := access.AccountOf(t.arn); at[account] == 0 {
			at[account] = len(at) + 1
		}
	}
	sorted := slices.Clone(q.targets)
	slices.SortStableFunc(sorted, func(a, b *accessTarget) int {
		return cmp.Or(cmp.Compare(at[access.AccountOf(a.arn)], at[access.AccountOf(b.arn)]), cmp.Compare(access.Order(a.arn), access.Order(b.arn)), strings.Compare(a.arn, b.arn))
	})
	for _, t := range sorted {
		account := access.AccountOf(t.arn)
		r := accessRole{
			Account: account, Name: q.book.Called(account), Role: access.Short(t.arn), ARN: t.arn, Profiles: append([]string{}, t.profiles...),
			Answer: string(t.verdict.Answer), Held: t.held != nil, Reason: string(t.verdict.Reason), Why: t.verdict.Why, Next: append([]string{}, t.verdict.Next...),
		}
		switch t.verdict.Answer {
		case access.Yes:
			out.Yes++
		case access.No:
			out.No++
		default:
			out.Unknown++
		}
		out.Roles = append(out.Roles, r)
	}
	for _, t := range q.bases {
		if t.who.ARN != "" {
			out.People = append(out.People, accessPerson{Key: t.chain.Key, ARN: t.who.ARN, Groups: append([]string{}, t.who.Groups...), Known: t.who.Complete})
		}
	}
	return out
}

// report prints the result, and makes the status of it.
func (q *inquiry) report() error {
	out := q.result()
	switch err := q.print(out); {
	case err != nil:
		return err
	case out.No > 0:
		return &fault.Error{What: fmt.Sprintf("%d of %d roles cannot be entered", out.No, len(out.Roles)), Code: fault.Refused}
	case out.Unknown > 0:
		return &fault.Error{What: fmt.Sprintf("of %d of %d roles it is not known whether they can be entered", out.Unknown, len(out.Roles)), Code: fault.Failed}
	}
	return nil
}

func (q *inquiry) print(out accessJSON) error {
	if q.json {
		return writeJSON(q.sys.Stdout, out)
	}
	_, err := q.sys.Stdout.Write([]byte(fault.Printable(out.table() + out.reasons())))
	return err
}

// mostColumns is how many roles stand side by side; more are a list.
const mostColumns = 10

func (r accessRole) cell() string {
	if r.Held {
		return "yes (session held)"
	}
	return r.Answer
}

// table has a line for each account and a column for each role.
func (o accessJSON) table() string {
	var columns []string
	var accounts []string
	cells := map[[2]string]string{}
	for _, r := range o.Roles {
		account := r.label()
		if !slices.Contains(columns, r.Role) {
			columns = append(columns, r.Role)
		}
		if len(accounts) == 0 || accounts[len(accounts)-1] != account {
			accounts = append(accounts, account)
		}
		at := [2]string{account, r.Role}
		if old := cells[at]; old != "" && old != r.cell() {
			cells[at] = old + ", " + r.cell() // by two ways
			continue
		}
		cells[at] = r.cell()
	}
	if len(columns) > mostColumns {
		return o.lines()
	}
	slices.SortStableFunc(columns, func(a, b string) int { return cmp.Compare(o.order(a), o.order(b)) })
	rows := [][]string{append([]string{""}, columns...)}
	for _, account := range accounts {
		row := []string{account}
		for _, column := range columns {
			row = append(row, cmp.Or(cells[[2]string{account, column}], "-"))
		}
		rows = append(rows, row)
	}
	return aligned(rows)
}

func (o accessJSON) order(role string) int {
	i := slices.IndexFunc(o.Roles, func(r accessRole) bool { return r.Role == role })
	return access.Order(o.Roles[i].ARN)
}

// label names an account for people: some know the name, some the id.
func (r accessRole) label() string {
	if r.Name == r.Account {
		return fault.Line(r.Account)
	}
	return fault.Line(r.Name + " " + r.Account)
}

// lines is the table where there are too many roles to stand side by side.
func (o accessJSON) lines() string {
	var rows [][]string
	for _, r := range o.Roles {
		rows = append(rows, []string{r.label(), fault.Line(r.Role), r.cell()})
	}
	return aligned(rows)
}

func aligned(rows [][]string) string {
	var wide []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(wide) {
				wide = append(wide, 0)
			}
			wide[i] = max(wide[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&line, "%-*s  ", wide[i], cell)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// reasons says of each role that cannot be entered why, and what helps. Roles with
// the same reason and the same help stand together, whatever accounts, groups and
// profiles it names.
func (o accessJSON) reasons() string {
	var order []string
	alike := map[string][]accessRole{}
	for _, r := range o.Roles {
		if r.Answer == string(access.Yes) {
			continue
		}
		same := r.same()
		if alike[same] == nil {
			order = append(order, same)
		}
		alike[same] = append(alike[same], r)
	}
	var b strings.Builder
	for _, same := range order {
		all := alike[same]
		var names []string
		for _, r := range all {
			names = append(names, r.Name+" "+r.Role)
		}
		fmt.Fprintf(&b, "\n%s: %s (%s)\n  because: %s\n", all[0].Answer, fault.Line(strings.Join(names, ", ")), all[0].Reason, fault.Line(together(all, all[0].Why)))
		for _, next := range all[0].Next {
			fmt.Fprintf(&b, "  try: %s\n", fault.Line(together(all, next)))
		}
	}
	return b.String()
}

// own are the parts of a reason that are one role's own, with what stands before
// them in front: the group to ask for, its ARN, its account and its profile.
func (r accessRole) own() [][2]string {
	parts := [][2]string{{"", "_account." + r.Name + "-" + r.Role}, {"", r.ARN}, {"account", r.Name}}
	if len(r.Profiles) > 0 {
		parts = append(parts, [2]string{"profile", fmt.Sprintf("%q", r.Profiles[0])})
	}
	return parts
}

func spelt(part [2]string) string { return strings.TrimPrefix(part[0]+" "+part[1], " ") }

// open puts a mark in the place of each part that is the role's own.
func (r accessRole) open(text string) string {
	for i, part := range r.own() {
		text = strings.ReplaceAll(text, spelt(part), fmt.Sprintf("\x00%d", i))
	}
	return text
}

// together is a text of the first of these roles, for all of them.
func together(all []accessRole, text string) string {
	text = all[0].open(text)
	for i, part := range all[0].own() {
		var each []string
		for _, r := range all {
			if own := r.own()[i][1]; !slices.Contains(each, own) {
				each = append(each, own)
			}
		}
		if part[0] != "" && len(each) > 1 {
			part[0] += "s"
		}
		text = strings.ReplaceAll(text, fmt.Sprintf("\x00%d", i), spelt([2]string{part[0], strings.Join(each, ", ")}))
	}
	return text
}

func (r accessRole) same() string {
	texts := []string{r.Answer, r.Reason, fmt.Sprint(len(r.own()))}
	for _, text := range append([]string{r.Why}, r.Next...) {
		texts = append(texts, r.open(text))
	}
	return strings.Join(texts, "\n")
}
