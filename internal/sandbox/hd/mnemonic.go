package hd

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"github.com/tyler-smith/go-bip39/wordlists"
)

// NewMnemonic makes an English phrase of 12, 15, 18, 21 or 24 words from entropy, of which it reads 4 bytes for every
// 3 words. Source: BIP-39.
func NewMnemonic(words int, entropy io.Reader) (string, error) {
	if !slices.Contains([]int{12, 15, 18, 21, 24}, words) {
		return "", invalid("invalid mnemonic length")
	}
	raw := make([]byte, words/3*4)
	if _, err := io.ReadFull(entropy, raw); err != nil {
		return "", fmt.Errorf("read entropy: %w", err)
	}
	return phrase(raw), nil
}

// phrase spells entropy and its checksum, the first bit of its SHA-256 for every 32 of entropy, in words of 11 bits.
func phrase(entropy []byte) string {
	sum := sha256.Sum256(entropy)
	checkBits := uint(len(entropy) / 4)
	n := new(big.Int).SetBytes(entropy)
	n.Lsh(n, checkBits).Or(n, big.NewInt(int64(sum[0]>>(8-checkBits))))
	words := make([]string, len(entropy)*3/4)
	for i := len(words) - 1; i >= 0; i-- {
		words[i] = wordlists.English[new(big.Int).And(n, big.NewInt(2047)).Int64()]
		n.Rsh(n, 11)
	}
	return strings.Join(words, " ")
}

// Check reports whether mnemonic is an English phrase: known words in lower case, one blank between them, the right
// checksum. The error never repeats it.
func Check(mnemonic string) error {
	if len(mnemonic) > 24*9 { // no word has over 8 letters
		return errMnemonic()
	}
	words := strings.Split(mnemonic, " ")
	if !slices.Contains([]int{12, 15, 18, 21, 24}, len(words)) {
		return errMnemonic()
	}
	n := new(big.Int)
	for _, w := range words {
		i, ok := slices.BinarySearch(wordlists.English, w)
		if !ok {
			return errMnemonic()
		}
		n.Lsh(n, 11).Or(n, big.NewInt(int64(i)))
	}
	entropy := n.Rsh(n, uint(len(words)/3)).FillBytes(make([]byte, len(words)/3*4))
	if phrase(entropy) != mnemonic {
		return errMnemonic()
	}
	return nil
}

// errMnemonic has the text that the vendor's clients look for.
func errMnemonic() error { return invalid("invalid mnemonic") }

// Seed turns a phrase that [Check] accepts into 64 bytes: PBKDF2 with HMAC-SHA-512, 2048 rounds, no passphrase. It
// takes about a millisecond, nearly all of the way from a phrase to an address.
func Seed(mnemonic string) []byte {
	seed, err := pbkdf2.Key(sha512.New, mnemonic, []byte("mnemonic"), 2048, 64)
	if err != nil {
		panic("hd: " + err.Error()) // only a FIPS mode refuses the parameters
	}
	return seed
}
