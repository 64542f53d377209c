package playground

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// document is a policy that was read. Old versions of the language have no
// variables, so they are taken literally there.
type document struct {
	Statements []rule
	Variables  bool
}

// rule is one statement. The Not lists are the other half of a pair: exactly
// one of each pair is set.
type rule struct {
	Deny                   bool
	Actions, NotActions    []string
	Resources, NotResource []string
	Principals             []string // of the AWS kind; "*" is anyone
	Federated              []string // identity providers, by ARN
	Conditions             []condition
}

// condition is one operator with one key and the values it is compared with.
type condition struct {
	Operator, Key string
	Values        []string
}

// policyKind says which elements a document must have.
type policyKind int

const (
	identityPolicy policyKind = iota // of a user, group, role or session: Resource, no Principal
	trustPolicy                      // of a role: Principal, no Resource
)

// malformed is the reason why AWS would not store a policy.
type malformed struct{ why string }

func (m *malformed) Error() string { return m.why }

func badPolicy(format string, a ...any) error { return &malformed{fmt.Sprintf(format, a...)} }

// parsePolicy reads a document as IAM does when it stores one.
func parsePolicy(text string, kind policyKind) (document, error) {
	if err := checkJSON(text); err != nil {
		return document{}, err
	}
	var raw struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := decode([]byte(text), &raw); err != nil {
		return document{}, err
	}
	if raw.Version != "" && raw.Version != "2012-10-17" && raw.Version != "2008-10-17" {
		return document{}, badPolicy("Syntax errors in policy.")
	}
	statements, err := oneOrMany(raw.Statement)
	if err != nil || len(statements) == 0 {
		return document{}, badPolicy("Syntax errors in policy.")
	}
	doc := document{Variables: raw.Version == "2012-10-17"}
	for _, s := range statements {
		r, err := parseRule(s, kind)
		if err != nil {
			return document{}, err
		}
		doc.Statements = append(doc.Statements, r)
	}
	return doc, nil
}

// checkJSON refuses what encoding/json forgives: text after the document and
// names that occur twice, where the last would silently win.
func checkJSON(text string) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	if err := checkValue(d, 0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badPolicy("This policy contains invalid Json")
	}
	return nil
}

func checkValue(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil || depth > 16 {
		return badPolicy("This policy contains invalid Json")
	}
	open, nested := t.(json.Delim)
	if !nested {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			name, err := d.Token()
			text, ok := name.(string)
			if err != nil || !ok || seen[text] {
				return badPolicy("This policy contains invalid Json")
			}
			seen[text] = true
		}
		if err := checkValue(d, depth+1); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return badPolicy("This policy contains invalid Json")
	}
	return nil
}

func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if d.Decode(into) != nil {
		return badPolicy("Syntax errors in policy.")
	}
	return nil
}

func parseRule(text json.RawMessage, kind policyKind) (rule, error) {
	var raw struct {
		Sid, Effect                              string
		Action, NotAction, Resource, NotResource json.RawMessage
		Principal, NotPrincipal                  json.RawMessage
		Condition                                map[string]map[string]json.RawMessage
	}
	if err := decode(text, &raw); err != nil {
		return rule{}, err
	}
	r := rule{Deny: raw.Effect == "Deny"}
	if raw.Effect != "Allow" && raw.Effect != "Deny" {
		return rule{}, badPolicy("Syntax errors in policy.")
	}
	var err error
	lists := []struct {
		text json.RawMessage
		into *[]string
	}{{raw.Action, &r.Actions}, {raw.NotAction, &r.NotActions}, {raw.Resource, &r.Resources}, {raw.NotResource, &r.NotResource}}
	for _, l := range lists {
		if *l.into, err = texts(l.text); err != nil {
			return rule{}, err
		}
	}
	if (r.Actions == nil) == (r.NotActions == nil) {
		return rule{}, badPolicy("Policy statement must contain actions.")
	}
	if err := r.checkKind(kind, raw.Principal, raw.NotPrincipal); err != nil {
		return rule{}, err
	}
	r.Conditions, err = conditions(raw.Condition)
	return r, err
}

func (r *rule) checkKind(kind policyKind, principal, notPrincipal json.RawMessage) error {
	resources := r.Resources != nil || r.NotResource != nil
	switch {
	case notPrincipal != nil && kind == trustPolicy:
		return &unjudged{"NotPrincipal"}
	case kind == identityPolicy && (principal != nil || notPrincipal != nil):
		return badPolicy("Policy document should not specify a principal.")
	case kind == identityPolicy && (r.Resources == nil) == (r.NotResource == nil):
		return badPolicy("Policy statement must contain resources.")
	case kind == trustPolicy && resources:
		return badPolicy("Has prohibited field Resource")
	case kind == trustPolicy && principal == nil:
		return badPolicy("Missing required field Principal")
	case kind == trustPolicy:
		return r.readPrincipal(principal)
	}
	return nil
}

// readPrincipal keeps the AWS principals and the identity providers: services
// never call the playground, so a statement for them alone matches no one.
func (r *rule) readPrincipal(text json.RawMessage) error {
	if string(text) == `"*"` {
		r.Principals = []string{"*"}
		return nil
	}
	var kinds map[string]json.RawMessage
	if json.Unmarshal(text, &kinds) != nil || len(kinds) == 0 {
		return badPolicy("Invalid principal in policy")
	}
	for kind, list := range kinds {
		names, err := texts(list)
		if err != nil || !slices.Contains([]string{"AWS", "Service", "Federated", "CanonicalUser"}, kind) {
			return badPolicy("Invalid principal in policy")
		}
		switch kind {
		case "AWS":
			r.Principals = names
		case "Federated":
			r.Federated = names
		}
	}
	return nil
}

func conditions(raw map[string]map[string]json.RawMessage) ([]condition, error) {
	var all []condition
	for _, operator := range sorted(raw) {
		for _, key := range sorted(raw[operator]) {
			values, err := scalars(raw[operator][key])
			if err != nil {
				return nil, err
			}
			all = append(all, condition{Operator: operator, Key: key, Values: values})
		}
	}
	return all, nil
}

// oneOrMany is the policy language's habit of taking a list or its only item.
func oneOrMany(text json.RawMessage) ([]json.RawMessage, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || text[0] != '[' {
		return []json.RawMessage{text}, nil
	}
	var many []json.RawMessage
	err := json.Unmarshal(text, &many)
	return many, err
}

// texts reads a list of strings; nil when the element is absent.
func texts(text json.RawMessage) ([]string, error) {
	if text == nil {
		return nil, nil
	}
	items, err := oneOrMany(text)
	if err != nil {
		return nil, badPolicy("Syntax errors in policy.")
	}
	out := make([]string, len(items))
	for i, item := range items {
		if !isString(item) || json.Unmarshal(item, &out[i]) != nil {
			return nil, badPolicy("Syntax errors in policy.")
		}
	}
	return out, nil
}

// scalars reads condition values, where a bare number or boolean is its text.
func scalars(text json.RawMessage) ([]string, error) {
	items, err := oneOrMany(text)
	if err != nil {
		return nil, badPolicy("Syntax errors in policy.")
	}
	out := make([]string, len(items))
	for i, item := range items {
		item = bytes.TrimSpace(item)
		switch {
		case isString(item):
			_ = json.Unmarshal(item, &out[i]) // checkJSON has read it
		case len(item) == 0 || item[0] == '{' || item[0] == '[' || string(item) == "null":
			return nil, badPolicy("Syntax errors in policy.")
		default:
			out[i] = string(item)
		}
	}
	return out, nil
}

func isString(item json.RawMessage) bool { return len(item) > 0 && item[0] == '"' }
