//go:build !linux

package sealkey

// places is one: there are no kernel keyrings here, and the identity rests in
// the system's own keychain or nowhere.
func places(o Options) (seal, identity []*spot) {
	return []*spot{runtimeFile(o.RuntimeDir, homeHash(o.DataDir))}, nil
}
