package cli

import "fob/internal/decide/chain"

// setAside takes the kept session of the last step out of the way, and back
// brings it in again.
func (k *keeper) setAside(c chain.Chain) (back func()) {
	names := chain.Names(c, k.keyID(c), k.cache.NameOf)
	if len(names) == 0 || names[len(names)-1] == "" {
		return func() {}
	}
	e, err := k.cache.Load(names[len(names)-1])
	if err != nil || k.cache.Delete(e.Name) != nil {
		return func() {}
	}
	return func() { _ = k.cache.Store(e) }
}
