package playground

import (
	"slices"
	"strings"
)

// question is what a policy is asked: may this be done to that.
type question struct {
	action, resource string
	facts            facts
}

// finding is what the policies say; the larger one wins.
type finding int

const (
	silent finding = iota
	allowed
	denied
)

// judge asks a set of documents of one kind. An explicit deny wins.
func judge(docs []document, q question) (finding, error) {
	return judgeFor(docs, q, func(rule) bool { return true })
}

// judgeFor asks only the statements that concern the caller.
func judgeFor(docs []document, q question, concerns func(rule) bool) (finding, error) {
	found := silent
	for _, d := range docs {
		for _, r := range d.Statements {
			if !concerns(r) {
				continue
			}
			applies, err := r.applies(q, d.Variables)
			if err != nil {
				return silent, err
			}
			switch {
			case applies && r.Deny:
				return denied, nil
			case applies:
				found = allowed
			}
		}
	}
	return found, nil
}

func (r rule) applies(q question, variables bool) (bool, error) {
	if !r.coversAction(q.action) {
		return false, nil
	}
	covered, err := r.coversResource(q, variables)
	if err != nil || !covered {
		return false, err
	}
	for _, c := range r.Conditions {
		met, err := c.holds(q.facts, variables)
		if err != nil || !met {
			return false, err
		}
	}
	return true, nil
}

func (r rule) coversAction(action string) bool {
	covers := func(p string) bool { return matchAction(p, action) }
	if r.Actions != nil {
		return slices.ContainsFunc(r.Actions, covers)
	}
	return !slices.ContainsFunc(r.NotActions, covers)
}

// coversResource is true for a trust policy, whose resource is its role.
func (r rule) coversResource(q question, variables bool) (bool, error) {
	list, want := r.Resources, true
	if r.NotResource != nil {
		list, want = r.NotResource, false
	}
	if list == nil {
		return true, nil
	}
	for _, text := range list {
		p, ok, err := expand(text, q.facts, variables, true)
		if err != nil {
			return false, err
		}
		if ok && p.matchARN(q.resource) {
			return want, nil
		}
	}
	return !want, nil
}

// reach is how closely a trust policy names a caller.
type reach int

const (
	notNamed  reach = iota
	byAccount       // the caller's account is trusted: an identity policy must allow it too
	byName          // the caller itself is trusted, or everyone
	bySession       // the session of a role is trusted, and not its role only
)

// names says how closely the statement names a caller.
func (r rule) names(who *identity) reach {
	found := notNamed
	for _, p := range r.Principals {
		switch account := who.account.ID; {
		case p == who.arn && who.role != nil:
			found = max(found, bySession)
		case p == "*" || slices.Contains(who.names(), p):
			found = max(found, byName)
		case p == account || p == "arn:aws:iam::"+account+":root":
			found = max(found, byAccount)
		}
	}
	return found
}

// judgeTrust asks a role's trust policy about a caller.
func judgeTrust(doc document, q question, who *identity) (finding, reach, error) {
	var best reach
	found, err := judgeFor([]document{doc}, q, func(r rule) bool { return r.names(who) != notNamed })
	if err != nil || found != allowed {
		return found, notNamed, err
	}
	for _, r := range doc.Statements {
		how := r.names(who)
		if how <= best {
			continue
		}
		applies, err := r.applies(q, doc.Variables)
		if err != nil {
			return silent, notNamed, err
		}
		if applies {
			best = how
		}
	}
	return found, best, nil
}

// facts are the condition keys of one request, lower case, with their values.
type facts map[string][]string

// value gives the text of a policy variable; ok is false when it has none.
func (f facts) value(name string) (text string, ok bool, err error) {
	if name == "*" || name == "?" || name == "$" {
		return name, true, nil
	}
	name, fallback, hasFallback := strings.Cut(name, ",")
	name = strings.TrimSpace(name)
	if !knownKey(name) {
		return "", false, &unjudged{"policy variable " + name}
	}
	if values := f[strings.ToLower(name)]; len(values) == 1 {
		return values[0], true, nil
	}
	if hasFallback {
		return strings.Trim(strings.TrimSpace(fallback), "'"), true, nil
	}
	return "", false, nil
}

// knownKey lists the condition keys that facts can hold. Any other one stops
// the judgement, because whether AWS would have a value is not known here.
func knownKey(key string) bool {
	key = strings.ToLower(key)
	for _, prefix := range []string{"aws:principaltag/", "aws:requesttag/", issuer + ":"} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"aws:multifactorauthpresent", "aws:multifactorauthage", "aws:username", "aws:userid", "aws:principalarn",
		"aws:principalaccount", "aws:principaltype", "aws:sourceidentity", "aws:currenttime", "aws:epochtime",
		"aws:tokenissuetime", "aws:securetransport", "aws:sourceip", "aws:useragent", "aws:requestedregion",
		"aws:tagkeys", "aws:resourceaccount", "kms:viaservice", "aws:viaawsservice", "aws:principalisawsservice", "aws:federatedprovider",
		"sts:externalid", "sts:rolesessionname", "sts:sourceidentity", "sts:transitivetagkeys",
		"s3:prefix", "s3:delimiter", "s3:max-keys", "iam:policyarn",
	}, key)
}
