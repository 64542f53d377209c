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
	}
	return slices.EqualFunc(c.rights(), o.rights(), slices.Equal)
}

// rights are those of every step that counts for the last one's: tags and programs
// do. Whether an MFA session comes before the roles goes by lengths, and by what AWS
// has refused.
func (c Chain) rights() (all [][]string) {
	for i, step := range c.Steps {
		if _, shared := step.(source.SessionToken); shared && i < len(c.Steps)-1 {
			continue
		}
		all = append(all, source.Rights(step))
	}
	return all
}
