package unlock

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
)

// storeHash names the folder of the slots in a keeper that other stores of this
// user have their keys in, too. It tells nobody where the folder is.
func storeHash(dir string) string {
	sum := sha256.Sum256([]byte(realPath(dir)))
	return hex.EncodeToString(sum[:8])
}

// realPath is the one name of a folder, whatever links led to it. What is not there
// yet has the name that it will have.
func realPath(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	rest := ""
	for at := abs; ; at = filepath.Dir(at) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest)
		}
		if at == filepath.Dir(at) {
			return abs
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
}
