//go:build !linux

package sealkey

// places is one: there are no kernel keyrings here, so the identity rests
// nowhere, and is unlocked anew. Windows has no directory that ends with the
// login, and there the seal key rests only where XDG_RUNTIME_DIR names one.
func places(o Options) (seal, identity []*spot) {
	return []*spot{runtimeFile(o.RuntimeDir, homeHash(o.DataDir), nil)}, nil
}
