//go:build darwin || windows

package unlock

import (
	"context"

	"fob/internal/cred"
)

// DropItem removes what the system's store has for env, and PutItem puts a text
// there, behind the back of the slot.
func DropItem(k Kind, env Env) error {
	return k.Open(env).(keyed).keeper.remove(context.Background())
}

func PutItem(k Kind, env Env, text string) error {
	return k.Open(env).(keyed).keeper.save(context.Background(), cred.NewSecret(text))
}
