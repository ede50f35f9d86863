package oidc

import (
	"crypto/sha256"
	"encoding/hex"
)

// Nonce returns the nonce that binds an id token to a public key: the SHA-256 of the key's hex text, not of its bytes.
func Nonce(publicKey string) string {
	sum := sha256.Sum256([]byte(publicKey))
	return hex.EncodeToString(sum[:])
}

// Binds reports whether the token was made for publicKey, by its nonce or by the tknonce of providers that keep the
// nonce for themselves.
func (t Token) Binds(publicKey string) bool {
	want := Nonce(publicKey)
	return t.Nonce == want || t.TKNonce == want
}
