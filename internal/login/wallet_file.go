package login

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"latchkey/internal/chain"
	"latchkey/internal/fault"
	"latchkey/internal/stamp"
)

// walletFileMost is far above every form of key file that is read.
const walletFileMost = 4 << 10

// ReadWallet reads a wallet's key file, which nobody else may read, and returns the key with its address as its network
// spells it. Errors: fault.WalletFile, which never repeats what stands in the file.
func ReadWallet(path string) (WalletKey, string, error) {
	key, address, err := readWallet(path)
	if err != nil {
		return nil, "", fault.New(fault.WalletFile, err)
	}
	return key, address, nil
}

func readWallet(path string) (stamp.PrivateKey, string, error) {
	var none stamp.PrivateKey
	if info, err := os.Stat(path); err != nil { // a pipe would be waited for
		return none, "", err
	} else if !info.Mode().IsRegular() {
		return none, "", fmt.Errorf("%s: no key file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return none, "", err
	}
	defer f.Close()
	info, err := f.Stat() // of what is read, whatever stands there by now
	switch {
	case err != nil:
		return none, "", err
	case !info.Mode().IsRegular():
		return none, "", fmt.Errorf("%s: no key file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return none, "", fmt.Errorf("%s: others may read it; make it yours alone: chmod 600", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, walletFileMost+1))
	defer clear(text)
	switch {
	case err != nil:
		return none, "", err
	case len(text) > walletFileMost:
		return none, "", fmt.Errorf("%s: no key file", path)
	}
	key, err := parseWallet(text)
	if err != nil {
		return none, "", fmt.Errorf("%s: %w", path, err)
	}
	public, err := hex.DecodeString(key.PublicKey())
	if err != nil {
		return none, "", err
	}
	addressOf := chain.EthereumAddress
	if len(public) == 32 {
		addressOf = chain.SolanaAddress
	}
	address, err := addressOf(public)
	return key, address, err
}

// parseWallet reads a private key in one of the forms that tools write: the list of 64 numbers of Solana's id.json, or
// hexadecimal text, which is a key of Ethereum unless its length or the end ":ed25519" says that it is one of Solana.
func parseWallet(text []byte) (stamp.PrivateKey, error) {
	text = bytes.TrimSpace(text)
	if bytes.HasPrefix(text, []byte("[")) {
		numbers := make([]uint8, 0, 64) // one place to clear
		raw := []int{}
		defer func() { clear(raw) }()
		if err := json.Unmarshal(text, &raw); err != nil || len(raw) != 64 {
			return stamp.PrivateKey{}, errors.New("want the 64 numbers of an id.json")
		}
		for _, n := range raw {
			if n < 0 || n > 255 {
				return stamp.PrivateKey{}, errors.New("want the 64 numbers of an id.json")
			}
			numbers = append(numbers, uint8(n))
		}
		defer func() { clear(numbers) }()
		return stamp.ParseEd25519(hex.EncodeToString(numbers))
	}
	body, curve, named := strings.Cut(strings.TrimPrefix(string(text), "0x"), ":")
	switch {
	case named && curve == "ed25519", !named && len(body) == 128:
		return stamp.ParseEd25519(body)
	case named && curve != "secp256k1":
		return stamp.PrivateKey{}, fmt.Errorf("the curve is none of a wallet: want secp256k1 or ed25519")
	}
	return stamp.ParseSecp256k1(stamp.SchemeEIP191, body)
}
