package source

// Rights is what shapes the rights of a step's session: all of its Parts but how
// long it holds and, for a role, whether a code is sent with it. Those two also go by
// what AWS has refused before. A step that cannot be named tells what its card has.
func Rights(step Step) []string {
	switch s := step.(type) {
	case AssumeRole:
		s.Lifetime, s.Device = 0, MFA{}
		step = s
	case WebIdentity:
		s.Lifetime = 0
		step = s
	case SessionToken:
		s.Lifetime = 0
		step = s
	case FederationToken:
		s.Lifetime = 0
		step = s
	}
	if n, ok := step.(Named); ok {
		return n.Parts()
	}
	card := CardOf(step)
	return []string{card.Call, card.Detail}
}
