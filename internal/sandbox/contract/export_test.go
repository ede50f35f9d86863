package contract

import (
	"encoding/hex"

	"golang.org/x/crypto/sha3"
)

// SelectorForTest is the selector of a signature, in hex.
func SelectorForTest(signature string) string {
	hash := sha3.NewLegacyKeccak256()
	hash.Write([]byte(signature))
	return hex.EncodeToString(hash.Sum(nil)[:4])
}
