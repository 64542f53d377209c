package store

import (
	"testing"
	"unicode/utf16"
)

// TestIdentityIsSmall: what an unlocker has to keep fits into every system's store
// of secrets; the smallest, Windows', takes 2560 bytes of UTF-16.
func TestIdentityIsSmall(t *testing.T) {
	t.Parallel()
	for range 20 {
		identity, err := NewIdentity()
		if err != nil {
			t.Fatal(err)
		}
		text := identity.Reveal()
		if size := 2 * len(utf16.Encode([]rune(text))); len(text) != 74 || size > 2560 {
			t.Errorf("an identity has %d bytes, %d in UTF-16", len(text), size)
		}
	}
}
