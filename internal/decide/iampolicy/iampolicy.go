// Package iampolicy reads IAM's policies as far as they decide on entering a role:
// those of users and groups, and the trust policies of roles. It does not know
// whose they are, nor what a role is good for.
package iampolicy

import (
	"encoding/json"
	"slices"
	"strings"

	"fob/internal/decide/source"
)

// Leave is what policies say of one call.
type Leave int

// What policies say. Perhaps is for a condition that cannot be judged from here.
const (
	Silent Leave = iota // nothing allows it
	Perhaps
	Allowed
	Forbidden // something denies it, whatever else allows it
)

// Policy is one policy of the user or of one of their groups.
type Policy struct {
	// From says whose it is, in words: "group read-only".
	From       string
	statements []statement
}

type statement struct {
	Effect       string
	Action       texts
	NotAction    texts
	Resource     texts
	NotResource  texts
	Principal    principals
	NotPrincipal json.RawMessage
	Condition    map[string]map[string]values
}

// texts is a text or a list of texts, as policies have them everywhere.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// values are those of a condition, where AWS takes numbers and booleans too; they
// are texts here.
type values []string

func (t *values) UnmarshalJSON(data []byte) error {
	var many []any
	if json.Unmarshal(data, &many) != nil {
		var one any
		if err := json.Unmarshal(data, &one); err != nil {
			return err
		}
		many = []any{one}
	}
	for _, v := range many {
		text, ok := v.(string)
		if !ok {
			raw, _ := json.Marshal(v) // what was decoded encodes
			text = string(raw)
		}
		*t = append(*t, text)
	}
	return nil
}

// principals are the AWS principals that a trust policy names; "*" stands alone.
type principals []string

func (p *principals) UnmarshalJSON(data []byte) error {
	var kinds map[string]values
	if json.Unmarshal(data, &kinds) == nil {
		*p = principals(kinds["AWS"])
		return nil
	}
	var all values
	err := json.Unmarshal(data, &all)
	*p = principals(all)
	return err
}

// ParsePolicy reads a policy's text. An empty one allows nothing.
func ParsePolicy(from, text string) (Policy, error) {
	p := Policy{From: from}
	if strings.TrimSpace(text) == "" {
		return p, nil
	}
	var doc struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return p, err
	}
	if json.Unmarshal(doc.Statement, &p.statements) == nil {
		return p, nil
	}
	var one statement
	if err := json.Unmarshal(doc.Statement, &one); err != nil {
		return p, err
	}
	p.statements = []statement{one}
	return p, nil
}

const assumeRole = "sts:AssumeRole"

// MayAssume says whether the policies let a user of that name assume a role, and
// whose policy decides. mfa says whether the session carries MFA.
func MayAssume(policies []Policy, user, arn string, mfa bool) (leave Leave, from string) {
	for _, p := range policies {
		for _, s := range p.statements {
			if !s.covers(user, arn) {
				continue
			}
			said := s.said(mfa)
			if said > leave {
				leave, from = said, p.From
			}
		}
	}
	return leave, from
}

// said is what a statement that covers the call says, given its conditions.
func (s statement) said(mfa bool) Leave {
	holds := s.holds(mfa)
	switch {
	case holds == no:
		return Silent
	case s.Effect == "Deny" && holds == perhaps:
		return Silent
	case s.Effect == "Deny":
		return Forbidden
	case holds == perhaps:
		return Perhaps
	}
	return Allowed
}

func (s statement) covers(user, arn string) bool {
	action := matchesAny(s.Action, assumeRole, true)
	if len(s.NotAction) > 0 {
		action = !matchesAny(s.NotAction, assumeRole, true)
	}
	named := func(patterns texts) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			return matches(strings.ReplaceAll(p, "${aws:username}", user), arn)
		})
	}
	resource := named(s.Resource)
	if len(s.NotResource) > 0 {
		resource = !named(s.NotResource)
	}
	return action && resource
}

type holding int

const (
	no holding = iota
	perhaps
	yes
)

// holds judges what is known here, MFA, and takes every other condition for
// perhaps true.
func (s statement) holds(mfa bool) holding {
	all := yes
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			one := perhaps
			if strings.EqualFold(key, "aws:MultiFactorAuthPresent") && len(wanted) == 1 {
				one = mfaHolds(operator, wanted[0], mfa)
			}
			all = min(all, one)
		}
	}
	return all
}

// mfaHolds judges a condition on MFA. A session without MFA is taken for a call
// that has no such key, as those of long-term keys are: Bool is false then.
func mfaHolds(operator, value string, mfa bool) holding {
	wanted := strings.EqualFold(value, "true")
	answer := map[bool]holding{true: yes, false: no}
	switch strings.ToLower(operator) {
	case "bool":
		return answer[mfa && wanted]
	case "boolifexists":
		return answer[!mfa || wanted]
	case "null":
		return answer[mfa != wanted]
	}
	return perhaps
}

// Named are the ARNs of roles that the policies allow by name, without a
// wildcard, in their order.
func Named(policies []Policy, user string) []string {
	var arns []string
	for _, p := range policies {
		for _, s := range p.statements {
			if s.Effect != "Allow" || !matchesAny(s.Action, assumeRole, true) {
				continue
			}
			arns = append(arns, s.roles(user)...)
		}
	}
	return once(arns)
}

// roles are the resources of a statement that are one role each.
func (s statement) roles(user string) []string {
	var arns []string
	for _, r := range s.Resource {
		r = strings.ReplaceAll(r, "${aws:username}", user)
		if strings.Contains(r, ":role/") && !strings.ContainsAny(r, "*?$") && source.Account(r) != "" {
			arns = append(arns, r)
		}
	}
	return arns
}

// once leaves the first of each text.
func once(all []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(one string) bool {
		before := seen[one]
		seen[one] = true
		return before
	})
}

// Trusting is what a trust policy says of a caller.
type Trusting int

// What a trust policy says.
const (
	Refuses Trusting = iota
	WantsMFA
	WantsMore // something that cannot be judged from here, such as an external id
	Trusts
)

// Trusted judges a trust policy for a user's session.
func Trusted(text, caller string, mfa bool) (Trusting, error) {
	p, err := ParsePolicy("", text)
	if err != nil {
		return Refuses, err
	}
	best := Refuses
	for _, s := range p.statements {
		if !matchesAny(s.Action, assumeRole, true) || !names(s.Principal, caller) {
			continue
		}
		with, without := s.holds(true), s.holds(mfa)
		switch {
		case s.Effect == "Deny" && without == yes:
			return Refuses, nil
		case s.Effect == "Deny":
		case without == yes:
			best = max(best, Trusts)
		case without == perhaps:
			best = max(best, WantsMore)
		case with != no:
			best = max(best, WantsMFA)
		}
	}
	return best, nil
}

// names says whether a trust policy means the caller: by their ARN, their
// account, or everybody.
func names(principals principals, caller string) bool {
	account := source.Account(caller)
	root := ""
	if partition, _, ok := strings.Cut(strings.TrimPrefix(caller, "arn:"), ":"); ok {
		root = "arn:" + partition + ":iam::" + account + ":root"
	}
	return slices.ContainsFunc(principals, func(p string) bool {
		return p == "*" || p == caller || account != "" && (p == account || p == root)
	})
}

func matchesAny(patterns texts, text string, anyCase bool) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if anyCase {
			return matches(strings.ToLower(p), strings.ToLower(text))
		}
		return matches(p, text)
	})
}

// matches is AWS's pattern: * for any text, ? for one character. It goes back to
// the last star only, so a pattern of many stars costs no more.
func matches(pattern, text string) bool {
	star, mark, p, t := -1, 0, 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
