package bundle

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/mr-tron/base58"
)

const (
	// clientSecretMax is the longest client secret that is looked at; the providers' have fewer than 100 characters.
	clientSecretMax = 4 << 10
	// bearerTokenMax is the longest bearer token that is sealed or opened: one of a provider that puts a JWT there fits.
	bearerTokenMax = 4 << 10

	nonceSize      = 12 // of AES-GCM
	secretOverhead = nonceSize + pointSize + 4 + tagSize
)

// SealClientSecret encrypts an OAuth 2.0 client secret to the enclave that talks to the provider, as an
// encryptedClientSecret: hex of nonce, ephemeral key and length-prefixed ciphertext (Borsh).
func SealClientSecret(target *ecdh.PublicKey, secret string) (string, error) {
	if target.Curve() != ecdh.P256() {
		return "", errors.New("client secret: the target is not on P-256")
	}
	if secret == "" || len(secret) > clientSecretMax {
		return "", fmt.Errorf("client secret: want 1 to %d bytes", clientSecretMax)
	}
	ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("client secret: %w", err)
	}
	public := ephemeral.PublicKey().Bytes()
	shared, err := ephemeral.ECDH(target)
	if err != nil {
		return "", fmt.Errorf("client secret: %w", err)
	}
	gcm, additional := secretCipher(public, target.Bytes(), shared)
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // never fails
	ciphertext := gcm.Seal(nil, nonce, []byte(secret), additional)
	out := concat(nonce, public)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(ciphertext)))
	return hex.EncodeToString(append(out, ciphertext...)), nil
}

// OpenClientSecret undoes [SealClientSecret]. Errors: fault.BundleInvalid.
func OpenClientSecret(key ecdh.KeyExchanger, text string) (string, error) {
	secret, err := openClientSecret(key, text)
	if err != nil {
		return "", invalid(fmt.Errorf("client secret: %w", err))
	}
	return secret, nil
}

func openClientSecret(key ecdh.KeyExchanger, text string) (string, error) {
	if len(text) > 2*(secretOverhead+clientSecretMax) {
		return "", errors.New("too long")
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return "", errors.New("not hex")
	}
	if len(raw) <= secretOverhead {
		return "", errors.New("too short")
	}
	nonce, public, rest := raw[:nonceSize], raw[nonceSize:nonceSize+pointSize], raw[nonceSize+pointSize:]
	length, ciphertext := binary.LittleEndian.Uint32(rest), rest[4:]
	if uint64(length) != uint64(len(ciphertext)) {
		return "", errors.New("the length does not fit")
	}
	sender, err := ecdh.P256().NewPublicKey(public)
	if err != nil {
		return "", errors.New("the ephemeral key is not an uncompressed point")
	}
	shared, err := key.ECDH(sender)
	if err != nil {
		return "", errors.New("the ephemeral key does not fit")
	}
	gcm, additional := secretCipher(public, key.PublicKey().Bytes(), shared)
	secret, err := gcm.Open(nil, nonce, ciphertext, additional)
	if err != nil {
		return "", errors.New("sealed to another key, or changed")
	}
	return string(secret), nil
}

// secretCipher is the cipher of one client secret and its additional data. Unlike every other envelope here it is no
// HPKE, but the enclaves' own scheme.
func secretCipher(ephemeral, target, shared []byte) (cipher.AEAD, []byte) {
	mac := hmac.New(sha512.New, concat(ephemeral, target, shared))
	mac.Write([]byte("qos_encryption_hmac_message"))
	block, err := aes.NewCipher(mac.Sum(nil)[:32])
	if err != nil {
		panic("bundle: " + err.Error()) // 32 bytes are a key
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic("bundle: " + err.Error())
	}
	return gcm, concat(ephemeral, []byte{pointSize}, target, []byte{pointSize})
}

// SealBearerToken encrypts a provider's access token to target, in the envelope of a credential bundle.
func SealBearerToken(target *ecdh.PublicKey, token string) (string, error) {
	if token == "" || len(token) > bearerTokenMax {
		return "", fmt.Errorf("bearer token: want 1 to %d bytes", bearerTokenMax)
	}
	encapped, ciphertext, err := seal(target, []byte(token))
	if err != nil {
		return "", fmt.Errorf("bearer token: %w", err)
	}
	payload := append([]byte{2 + encapped[pointSize-1]&1}, encapped[1:compressedSize]...)
	payload = append(payload, ciphertext...)
	return base58.Encode(append(payload, checksum(payload)...)), nil
}

func concat(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}
