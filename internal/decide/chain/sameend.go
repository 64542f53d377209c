package chain

import (
	"slices"

	"fob/internal/decide/source"
)

// SameEnd says whether two chains lead to sessions of the same rights, however long
// these hold: what runs is renewed by the second only then.
func (c Chain) SameEnd(o Chain) bool {
	p, q := c.Policy, o.Policy
	switch {
	case c.Key != o.Key || c.Account != o.Account || c.Guard != o.Guard || c.Endpoint != o.Endpoint:
		return false
	case p.Name != q.Name || p.Inline != q.Inline || !slices.Equal(p.ARNs, q.ARNs):
		return false
	case len(c.Steps) == 0 || len(o.Steps) == 0:
		return len(c.Steps) == len(o.Steps)
	}
	return slices.Equal(source.Rights(c.Steps[len(c.Steps)-1]), source.Rights(o.Steps[len(o.Steps)-1]))
}
