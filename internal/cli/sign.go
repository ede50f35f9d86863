package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"latchkey/internal/client"
)

func (t *terminal) sign() *cobra.Command {
	c := &cobra.Command{
		Use:   "sign",
		Short: "Sign messages, payloads and transactions with a wallet's account",
		Long: "Signs inside Turnkey, with an account of whoever is logged in. What is signed is shown on the terminal and asked\n" +
			"about first, unless a rule allows it or --yes was said. --with names the account: its address, or WALLET/ACCOUNT,\n" +
			"where ACCOUNT is a chain, an account's name or its path.",
		Example: `  latchkey sign message "hello" --with Everyday/ethereum
  latchkey sign typed-data @order.json --with 0x…
  latchkey sign transaction @unsigned.hex --with Everyday/solana
  latchkey sign payload 0x… --with 0x… --hash keccak256`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(t.chooses(t.signMessage(), t.signTypedData(), t.signPayload(), t.signTransaction())...)
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
	return c
}

// signing are the flags of every command that signs.
type signing struct {
	with   string
	asJSON bool
}

func (s *signing) flags(t *terminal, c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&s.with, "with", "", "the account: its address, or WALLET/ACCOUNT")
	c.Flags().BoolVar(&s.asJSON, "json", false, "print JSON")
	if err := c.MarkFlagRequired("with"); err != nil {
		panic(err) // it is declared above
	}
	return t.stamps(c)
}

// signWith finds the account and has f sign with it.
func (t *terminal) signWith(cmd *cobra.Command, s signing, f func(c *client.Client, a client.Account) (client.Signature, error)) error {
	c, err := t.open(cmd.Context())
	if err != nil {
		return err
	}
	defer t.close(c)
	a, err := c.FindAccount(cmd.Context(), s.with)
	if err != nil {
		return err
	}
	made, err := f(c, a)
	if err != nil {
		return err
	}
	if s.asJSON {
		return json.NewEncoder(t.out).Encode(map[string]string{"address": a.Address, "signature": made.Text, "r": made.R, "s": made.S, "v": made.V})
	}
	_, err = fmt.Fprintln(t.out, made.Text)
	return err
}

// content is an argument as it stands, - for standard input, or @FILE.
func (t *terminal) content(arg string) (text []byte, err error) {
	switch {
	case arg == "-":
		text, err = io.ReadAll(io.LimitReader(t.in, maxBody+1))
	case strings.HasPrefix(arg, "@"):
		text, err = readFile(arg[1:])
	default:
		text = []byte(arg)
	}
	if err == nil && len(text) > maxBody {
		err = usage{fmt.Errorf("what is to be signed is over %d bytes", maxBody)}
	}
	return text, err
}

func (t *terminal) signMessage() *cobra.Command {
	var s signing
	return s.flags(t, &cobra.Command{
		Use:   "message TEXT",
		Short: "A text: Ethereum's personal message (EIP-191), or the bare bytes with Solana's accounts",
		Long: "TEXT is signed byte for byte: the text itself, - for standard input, or @FILE. The signature is printed as wallets of\n" +
			"the account's chain spell it: 0x, r, s and v for Ethereum, base58 for Solana.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := t.content(args[0])
			if err != nil {
				return err
			}
			return t.signWith(cmd, s, func(c *client.Client, a client.Account) (client.Signature, error) {
				return c.SignMessage(cmd.Context(), a, text)
			})
		},
	})
}

func (t *terminal) signTypedData() *cobra.Command {
	var s signing
	return s.flags(t, &cobra.Command{
		Use:   "typed-data JSON",
		Short: "Typed data (EIP-712), as wallets take it by eth_signTypedData_v4",
		Long:  "JSON is the text itself, - for standard input, or @FILE: types, domain, primaryType and message.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := t.content(args[0])
			if err != nil {
				return err
			}
			return t.signWith(cmd, s, func(c *client.Client, a client.Account) (client.Signature, error) {
				return c.SignPayload(cmd.Context(), a, strings.TrimSpace(string(text)), "eip712", "none")
			})
		},
	})
}

func (t *terminal) signPayload() *cobra.Command {
	var s signing
	var encoding, hash string
	c := s.flags(t, &cobra.Command{
		Use:   "payload PAYLOAD --hash HASH",
		Short: "A payload, under a hash of your choice",
		Long: "PAYLOAD is the payload itself, - for standard input, or @FILE. --hash none takes it for a digest, which nobody can\n" +
			"read: a blind signature, asked for each time. Accounts of ed25519 sign the payload itself: --hash ed25519.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case !slices.Contains(client.Encodings(), encoding):
				return usage{fmt.Errorf("--encoding %q is none of %s", encoding, strings.Join(client.Encodings(), ", "))}
			case !slices.Contains(client.Hashes(), hash):
				return usage{fmt.Errorf("--hash %q is none of %s", hash, strings.Join(client.Hashes(), ", "))}
			}
			text, err := t.content(args[0])
			if err != nil {
				return err
			}
			payload := string(text)
			if encoding != "text" {
				payload = strings.TrimSpace(payload)
			}
			return t.signWith(cmd, s, func(c *client.Client, a client.Account) (client.Signature, error) {
				return c.SignPayload(cmd.Context(), a, payload, encoding, hash)
			})
		},
	})
	c.Flags().StringVar(&encoding, "encoding", "hex", "what the payload is: "+strings.Join(client.Encodings(), ", "))
	c.Flags().StringVar(&hash, "hash", "", "what is signed of it: "+strings.Join(client.Hashes(), ", "))
	if err := c.MarkFlagRequired("hash"); err != nil {
		panic(err) // it is declared above
	}
	return c
}

func (t *terminal) signTransaction() *cobra.Command {
	var s signing
	var kind string
	c := s.flags(t, &cobra.Command{
		Use:   "transaction UNSIGNED",
		Short: "An unsigned transaction",
		Long: "UNSIGNED is hex, - for hex from standard input, or @FILE with hex: RLP or typed RLP for Ethereum, the whole transaction\n" +
			"with zeroed signatures for Solana, raw_data for Tron, a PSBT for Bitcoin. The signed transaction is printed as hex.\n" +
			"What Tron's and Bitcoin's transactions do cannot be shown yet: they are blind signatures.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if kind != "" && !slices.Contains(client.TransactionTypes(), kind) {
				return usage{fmt.Errorf("--type %q is none of %s", kind, strings.Join(client.TransactionTypes(), ", "))}
			}
			text, err := t.content(args[0])
			if err != nil {
				return err
			}
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			a, err := c.FindAccount(cmd.Context(), s.with)
			if err != nil {
				return err
			}
			if kind == "" {
				if kind = a.TransactionType(); kind == "" {
					return usage{fmt.Errorf("name the --type: an account of %s has none of its own", visible(a.Chain))}
				}
			}
			signed, err := c.SignTransaction(cmd.Context(), a, strings.TrimSpace(string(text)), kind)
			if err != nil {
				return err
			}
			if s.asJSON {
				return json.NewEncoder(t.out).Encode(map[string]string{"address": a.Address, "type": kind, "signedTransaction": signed})
			}
			_, err = fmt.Fprintln(t.out, signed)
			return err
		},
	})
	c.Flags().StringVar(&kind, "type", "", "the transaction's: "+strings.Join(client.TransactionTypes(), ", ")+" (default: that of the account's chain)")
	return c
}
