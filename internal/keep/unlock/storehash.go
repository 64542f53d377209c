package unlock

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
)

// storeHash names the folder of the slots in a keeper that other stores of this
// user have their keys in, too. It tells nobody where the folder is.
func storeHash(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	sum := sha256.Sum256([]byte(dir))
	return hex.EncodeToString(sum[:8])
}
