package playground

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// unjudged is what the playground does not know how to read. It is answered as
// a fault of the server and never taken for a yes or a no.
type unjudged struct{ what string }

func (u *unjudged) Error() string { return "playground cannot judge this policy: " + u.what }

// comparison is one operator without its prefix and suffix. Exactly one of
// text and parsed is set.
type comparison struct {
	negated bool
	wild    bool
	text    func(want pattern, got string) bool
	parsed  func(want, got string) (bool, error)
}

// holds says whether a condition is met. Without a value in the request a
// positive operator is not met, a negated one is, and IfExists always is.
func (c condition) holds(f facts, variables bool) (bool, error) {
	if !knownKey(c.Key) {
		return false, &unjudged{"condition key " + c.Key}
	}
	each, operator := quantifier(c.Operator)
	got, present := f[strings.ToLower(c.Key)]
	if operator == "Null" {
		return c.null(present)
	}
	operator, optional := strings.CutSuffix(operator, "IfExists")
	compare, ok := comparisonOf(operator)
	if !ok {
		return false, &unjudged{"condition operator " + c.Operator}
	}
	if !present || len(got) == 0 {
		return optional || each == "ForAllValues" || compare.negated && each != "ForAnyValue", nil
	}
	for _, value := range got {
		met, err := c.meets(compare, value, f, variables)
		if err != nil {
			return false, err
		}
		if all := each == "ForAllValues"; met != all {
			return met, nil
		}
	}
	return each == "ForAllValues", nil
}

// null is the operator that asks whether a key is absent.
func (c condition) null(present bool) (bool, error) {
	if len(c.Values) != 1 {
		return false, &unjudged{"Null with several values"}
	}
	switch strings.ToLower(c.Values[0]) {
	case "true":
		return !present, nil
	case "false":
		return present, nil
	}
	return false, &unjudged{"Null with a value that is neither true nor false"}
}

// meets compares one value of the request with every value of the policy.
func (c condition) meets(compare comparison, got string, f facts, variables bool) (bool, error) {
	for _, want := range c.Values {
		p, ok, err := expand(want, f, variables, compare.wild)
		if err != nil {
			return false, err
		}
		if !ok {
			continue
		}
		hit, err := compare.run(p, got)
		if err != nil {
			return false, err
		}
		if hit {
			return !compare.negated, nil
		}
	}
	return compare.negated, nil
}

func (c comparison) run(want pattern, got string) (bool, error) {
	if c.text != nil {
		return c.text(want, got), nil
	}
	return c.parsed(string(want), got)
}

func quantifier(operator string) (each, rest string) {
	for _, q := range []string{"ForAllValues", "ForAnyValue"} {
		if rest, ok := strings.CutPrefix(operator, q+":"); ok {
			return q, rest
		}
	}
	return "", operator
}

// comparisonOf is the table of operators; false for one that is not in it.
func comparisonOf(operator string) (comparison, bool) {
	exact := func(want pattern, got string) bool { return string(want) == got }
	folded := func(want pattern, got string) bool { return strings.EqualFold(string(want), got) }
	switch operator {
	case "StringEquals":
		return comparison{text: exact}, true
	case "StringNotEquals":
		return comparison{text: exact, negated: true}, true
	case "StringEqualsIgnoreCase", "Bool":
		return comparison{text: folded}, true
	case "StringNotEqualsIgnoreCase":
		return comparison{text: folded, negated: true}, true
	case "StringLike":
		return comparison{text: pattern.match, wild: true}, true
	case "StringNotLike":
		return comparison{text: pattern.match, wild: true, negated: true}, true
	case "ArnEquals", "ArnLike":
		return comparison{text: pattern.matchARN, wild: true}, true
	case "ArnNotEquals", "ArnNotLike":
		return comparison{text: pattern.matchARN, wild: true, negated: true}, true
	case "IpAddress":
		return comparison{parsed: inNetwork}, true
	case "NotIpAddress":
		return comparison{parsed: inNetwork, negated: true}, true
	}
	return orderedComparison(operator)
}

// orderedComparison covers the operators of numbers and dates.
func orderedComparison(operator string) (comparison, bool) {
	kind, relation := "Numeric", strings.TrimPrefix(operator, "Numeric")
	if rest, ok := strings.CutPrefix(operator, "Date"); ok {
		kind, relation = "Date", rest
	}
	holds := map[string]func(got, want float64) bool{
		"Equals":            func(g, w float64) bool { return g == w },
		"NotEquals":         func(g, w float64) bool { return g == w },
		"LessThan":          func(g, w float64) bool { return g < w },
		"LessThanEquals":    func(g, w float64) bool { return g <= w },
		"GreaterThan":       func(g, w float64) bool { return g > w },
		"GreaterThanEquals": func(g, w float64) bool { return g >= w },
	}[relation]
	if holds == nil || operator == relation {
		return comparison{}, false
	}
	read := number
	if kind == "Date" {
		read = date
	}
	return comparison{negated: relation == "NotEquals", parsed: func(want, got string) (bool, error) {
		w, err := read(want)
		if err != nil {
			return false, err
		}
		g, err := read(got)
		return err == nil && holds(g, w), err
	}}, true
}

func number(text string) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, &unjudged{"number " + strconv.Quote(text)}
	}
	return n, nil
}

// date reads the forms of ISO 8601 that IAM documents, and epoch seconds.
func date(text string) (float64, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return float64(t.UnixMilli()) / 1000, nil
		}
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return n, nil
	}
	return 0, &unjudged{"date " + strconv.Quote(text)}
}

func inNetwork(want, got string) (bool, error) {
	network, err := netip.ParsePrefix(want)
	if err != nil {
		addr, err := netip.ParseAddr(want)
		if err != nil {
			return false, &unjudged{"network " + strconv.Quote(want)}
		}
		network = netip.PrefixFrom(addr, addr.BitLen())
	}
	addr, err := netip.ParseAddr(got)
	return err == nil && network.Contains(addr), nil
}
