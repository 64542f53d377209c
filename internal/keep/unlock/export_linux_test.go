package unlock

import (
	"context"

	"fob/internal/keep/desktop"
)

// SecretServiceWithin is the kind secret-service with other limits, for tests
// that wait.
func SecretServiceWithin(limits desktop.Limits) Kind {
	k := secretService()
	k.Open = func(e Env) Unlocker { return keyed{kind: k.Name, env: e, keeper: secretItem{env: e, limits: limits}} }
	k.Available = func(ctx context.Context, e Env) error { return secretItem{env: e, limits: limits}.available(ctx) }
	return k
}
