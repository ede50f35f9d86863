package chain

import (
	"encoding/hex"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/mr-tron/base58"
	"golang.org/x/crypto/sha3"
)

// Keccak256 hashes the concatenation of parts with Keccak-256, Ethereum's hash: SHA-3 with its first padding.
func Keccak256(parts ...[]byte) []byte {
	h := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// EthereumAddress returns the EIP-55 spelling of the address of pub, a secp256k1 key of 33 or 65 bytes (SEC 1, section
// 2.3.3). A key that is not a point of the curve is Invalid.
func EthereumAddress(pub []byte) (string, error) {
	key, err := secp256k1.ParsePubKey(pub)
	if err != nil {
		return "", invalid("public key: not a point of secp256k1")
	}
	return Checksum([20]byte(Keccak256(key.SerializeUncompressed()[1:])[12:])), nil
}

// Checksum spells an Ethereum address as EIP-55 does: a letter is upper case where the same digit of the hash of the
// lower-case text is eight or more.
func Checksum(address [20]byte) string {
	text := []byte(hex.EncodeToString(address[:]))
	sum := Keccak256(text)
	for i, c := range text {
		nibble := sum[i/2] >> 4
		if i%2 == 1 {
			nibble = sum[i/2] & 15
		}
		if c >= 'a' && nibble >= 8 {
			text[i] = c - 'a' + 'A'
		}
	}
	return "0x" + string(text)
}

// ParseEthereumAddress reads 0x and 40 hex digits of either case. A wrong EIP-55 checksum is let through: whether
// letters carry one is the writer's choice.
func ParseEthereumAddress(text string) ([20]byte, error) {
	address, err := readAddress(text)
	if err != nil {
		return address, invalid("address: %w", err)
	}
	return address, nil
}

func readAddress(text string) ([20]byte, error) {
	raw, err := parseHex(text)
	if err != nil || len(raw) != 20 {
		return [20]byte{}, fmt.Errorf("%q: want 0x and 40 hex digits", clip(text))
	}
	return [20]byte(raw), nil
}

// SolanaAddress returns the base58 spelling of an ed25519 key of 32 bytes.
func SolanaAddress(pub []byte) (string, error) {
	if len(pub) != 32 {
		return "", invalid("public key: want 32 bytes, got %d", len(pub))
	}
	return base58.Encode(pub), nil
}

// parseHex reads bytes spelt 0x and pairs of hex digits. The prefix is demanded: without it "10" could be ten.
func parseHex(text string) ([]byte, error) {
	if len(text) < 2 || text[0] != '0' || text[1] != 'x' {
		return nil, fmt.Errorf("%q: want 0x and hex digits", clip(text))
	}
	raw, err := hex.DecodeString(text[2:])
	if err != nil {
		return nil, fmt.Errorf("%q: want 0x and pairs of hex digits", clip(text))
	}
	return raw, nil
}
