package unlock

import "time"

// Remembering gives an unlocker whose keeper is this process, for the contract.
func Remembering() func(Env) Unlocker {
	m := &memory{}
	return func(e Env) Unlocker { return keyed{kind: "desk", env: e, keeper: m} }
}

// Plugin gives the unlocker by an age plugin with another patience, and with
// another way to find a program where find is not nil.
func Plugin(e Env, patience time.Duration, find func(name string, environ []string) (string, error)) Unlocker {
	s := pluginSlot{env: e, find: findPlugin, patience: patience}
	if find != nil {
		s.find = find
	}
	return s
}

// FindPlugin is how a plugin's program is found.
func FindPlugin(name string, environ []string) (string, error) { return findPlugin(name, environ) }

// StoreHash is by what keepers name a folder of slots.
func StoreHash(dir string) string { return storeHash(dir) }
