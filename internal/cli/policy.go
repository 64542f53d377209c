package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/decide/chain"
	"fob/internal/decide/policy"
	"fob/internal/fault"
)

// sessionPolicy is what the flags say of the session policy. The policy of a name
// stands alone: AWS allows what any of several session policies allows, so each
// one more would widen it.
func (w wanted) sessionPolicy() (chain.Policy, error) {
	var p chain.Policy
	var from []string
	switch {
	case w.policyFile != "":
		text, err := readPolicy(w.policyFile)
		if err != nil {
			return p, &fault.Error{What: "cannot read the session policy of --policy-file", Why: err, Code: fault.Usage}
		}
		p.Inline, from = text, []string{"--policy-file"}
	case w.policy != "":
		why := ""
		if p, why = chain.PolicyOf(w.policy, "--policy"); why != "" {
			return p, &fault.Error{What: fmt.Sprintf("--policy %q %s", shortened(w.policy), why), Next: []string{"a policy in a file is --policy-file FILE"}, Code: fault.Usage}
		}
		from = []string{"--policy"}
	}
	if len(w.policyARNs) > 0 {
		if p.Name != "" {
			return p, &fault.Error{What: "--policy " + p.Name + " and --policy-arns cannot stand together", Why: errors.New("AWS allows what any of several session policies allows, so the second would widen the first"), Code: fault.Usage}
		}
		p.ARNs, from = append(p.ARNs, w.policyARNs...), append(from, "--policy-arns")
	}
	p.From = strings.Join(from, " and ")
	return p, nil
}

// shortened leaves of a word as much as a message has room for.
func shortened(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "..."
	}
	return text
}

// readingPolicies lets a request name policies in files, and has their texts
// looked at before AWS does, which would say so only after it has taken a code.
func (s System) readingPolicies(r chain.Request) chain.Request {
	r.CheckPolicy = checkPolicy
	r.ReadPolicy = func(path string) (string, error) {
		if rest, ok := strings.CutPrefix(path, "~/"); ok {
			path = filepath.Join(s.homeDir(), rest)
		}
		if !filepath.IsAbs(path) {
			return "", errors.New("its path begins neither at / nor at ~/, so it would be another file in each directory")
		}
		return readPolicy(path)
	}
	return r
}

// unnarrowed asks where a profile leads, whatever its fob_policy says of the
// session: nothing is handed out.
func unnarrowed(profile string) chain.Request {
	return chain.Request{Profile: profile, Policy: chain.Policy{Name: policy.Full}}
}

// leadsTo is unnarrowed without the guard, too, where not even a session is made.
func leadsTo(profile string) chain.Request {
	r := unnarrowed(profile)
	r.Unguarded = true
	return r
}

// readPolicy reads a session policy, which may come out of a pipe. An empty one
// is refused: it would not narrow anything.
func readPolicy(path string) (string, error) {
	text, err := readSmall(path)
	if err == nil && strings.TrimSpace(string(text)) == "" {
		err = fmt.Errorf("%s: %w", fault.Line(path), errEmpty)
	}
	return string(text), err
}

// checkPolicy says why a text is not a policy that a session can have, or "". The
// actions and resources themselves are AWS's to judge.
func checkPolicy(text string) string {
	if !json.Valid([]byte(text)) {
		return "it is not JSON"
	}
	var doc struct {
		Version, ID string
		Statement   json.RawMessage
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return "it is not a policy, which has Version and Statement and no other parts"
	}
	if doc.Version != "" && !slices.Contains([]string{"2012-10-17", "2008-10-17"}, doc.Version) {
		return fmt.Sprintf("its Version is %q, and AWS knows 2012-10-17", shortened(doc.Version))
	}
	statements := []json.RawMessage{doc.Statement}
	if bytes.HasPrefix(bytes.TrimSpace(doc.Statement), []byte("[")) {
		statements = nil
		_ = json.Unmarshal(doc.Statement, &statements) // it is valid JSON
	}
	if len(doc.Statement) == 0 || len(statements) == 0 {
		return "it has no Statement"
	}
	for i, s := range statements {
		if why := checkStatement(s); why != "" {
			return fmt.Sprintf("statement %d %s", i+1, why)
		}
	}
	return ""
}

func checkStatement(text json.RawMessage) string {
	var parts map[string]json.RawMessage
	if json.Unmarshal(text, &parts) != nil {
		return "is not an object"
	}
	for name := range parts {
		if !slices.Contains([]string{"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}, name) {
			if strings.Contains(name, "Principal") {
				return "has a Principal, which only the policy of a resource has"
			}
			return fmt.Sprintf("has %q, which is no part of a statement", shortened(name))
		}
	}
	if effect := string(parts["Effect"]); effect != `"Allow"` && effect != `"Deny"` {
		return "has no Effect, which is Allow or Deny"
	}
	for _, name := range []string{"Action", "Resource"} {
		_, one := parts[name]
		if _, other := parts["Not"+name]; one == other {
			return "needs " + name + " or Not" + name + ", one of the two"
		}
	}
	return ""
}
