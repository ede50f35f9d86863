package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/pflag"

	"latchkey/internal/chain"
	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/stamp"
)

// walletFileMost is far above every form of key file that is read.
const walletFileMost = 4 << 10

func (t *terminal) byWallet(shared *bool) wayIn {
	var file string
	return wayIn{
		flag: "wallet",
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&file, "wallet", "", "by the key of Ethereum or Solana in this file, for development")
			f.BoolVar(shared, "shared", false, "with a wallet: the account has other ways in, and they are mine")
		},
		begin: func(ctx context.Context, c *client.Client, o login.Options) (login.Attempt, error) {
			key, address, err := readWallet(file)
			if err != nil {
				return login.Attempt{}, fault.New(fault.WalletFile, err)
			}
			o.Shared = *shared
			return c.Login().Wallet.Begin(ctx, key, address, o)
		},
		says: func(a login.Attempt) string {
			return fmt.Sprintf("The wallet %s signs one log-in.", visible(a.Contact))
		},
	}
}

// readWallet reads a wallet's key file, which nobody else may read, and returns the key with its address. The error never
// repeats what stands in the file.
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
