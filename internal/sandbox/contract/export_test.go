package contract

import (
	"crypto/sha256"
	"encoding/hex"

	"golang.org/x/crypto/sha3"
)

// SelectorForTest is the selector of a signature, in hex.
func SelectorForTest(signature string) string {
	hash := sha3.NewLegacyKeccak256()
	hash.Write([]byte(signature))
	return hex.EncodeToString(hash.Sum(nil)[:4])
}

// DiscriminatorForTest is the first eight bytes of SHA-256 of a seed, in hex.
func DiscriminatorForTest(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	return hex.EncodeToString(sum[:8])
}
