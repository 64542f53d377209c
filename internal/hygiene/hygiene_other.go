//go:build !unix

package hygiene

func enter() (restore func()) { return func() {} }
