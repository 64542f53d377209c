package unlock_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"fob/internal/cred"
	"fob/internal/keep/unlock"
)

// BenchmarkGuess is what one wrong passphrase costs a thief who has the slot, and
// so what an unlock costs its owner.
func BenchmarkGuess(b *testing.B) {
	for _, cost := range []int{16, 17, 18} {
		b.Run(fmt.Sprintf("2^%d", cost), func(b *testing.B) {
			env := unlock.Env{Dir: filepath.Join(b.TempDir(), "slots"), WorkFactor: cost, Ask: answering("CANARY right")}
			var kind unlock.Kind
			for _, k := range unlock.Kinds() {
				if k.Name == "passphrase" {
					kind = k
				}
			}
			if err := kind.Open(env).Save(b.Context(), cred.NewSecret(identity)); err != nil {
				b.Fatal(err)
			}
			env.Ask = answering("CANARY wrong")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := kind.Open(env).Load(b.Context()); err == nil {
					b.Fatal("a wrong passphrase opened the slot")
				}
			}
		})
	}
}
