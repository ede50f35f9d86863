package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"latchkey/internal/client"
)

func (t *terminal) wallets() *cobra.Command {
	c := t.walletList("wallets")
	c.Short = "Wallets and their accounts"
	c.Long = "Lists the wallets of whoever is logged in, or does what the command says."
	c.Example = `  latchkey wallets
  latchkey wallets create Everyday
  latchkey wallets accounts Everyday
  latchkey wallets accounts add Everyday --chain ethereum`
	list, create, accounts := t.walletList("list"), t.walletCreate(), t.accountList()
	accounts.AddCommand(t.chooses(t.accountAdd())...)
	c.AddCommand(t.chooses(list, create, accounts)...)
	for _, sub := range slices.Concat(c.Commands(), accounts.Commands()) {
		wrapArgs(sub)
	}
	return t.chooses(c)[0]
}

// walletLine is a wallet as --json prints it.
type walletLine struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Created  time.Time     `json:"created"`
	Exported bool          `json:"exported"`
	Imported bool          `json:"imported"`
	Accounts []accountLine `json:"accounts"`
}

// accountLine is an account as --json prints it.
type accountLine struct {
	ID        string `json:"id"`
	Wallet    string `json:"wallet"` // its name
	Name      string `json:"name"`
	Chain     string `json:"chain"`
	Address   string `json:"address"`
	Path      string `json:"path"`
	PublicKey string `json:"publicKey,omitempty"`
}

func lineOf(w client.Wallet) walletLine {
	return walletLine{w.ID, w.Name, w.Created.UTC(), w.Exported, w.Imported, accountLines(w.Name, w.Accounts)}
}

func accountLines(wallet string, accounts []client.Account) []accountLine {
	lines := make([]accountLine, len(accounts))
	for i, a := range accounts {
		lines[i] = accountLine{a.ID, wallet, a.Name, a.Chain, a.Address, a.Path, a.PublicKey}
	}
	return lines
}

func (t *terminal) walletList(use string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   use,
		Short: "All wallets: name, accounts, when made, id",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			wallets, err := c.Wallets(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				lines := make([]walletLine, len(wallets))
				for i, w := range wallets {
					lines[i] = lineOf(w)
				}
				return json.NewEncoder(t.out).Encode(map[string]any{"wallets": lines})
			}
			if len(wallets) == 0 {
				fmt.Fprintln(t.err, "No wallets yet. Make one with: latchkey wallets create NAME")
			}
			w := table(t.out)
			for _, wallet := range wallets {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", visible(wallet.Name), count(len(wallet.Accounts), "account"), wallet.Created.Local().Format(time.DateTime), wallet.ID)
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (t *terminal) walletCreate() *cobra.Command {
	var asJSON bool
	var chains []string
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a wallet with the first account of each chain",
		Long:  "Makes a wallet inside Turnkey: a new phrase of 12 words, and the first account of each chain.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkChains(chains); err != nil {
				return err
			}
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			w, err := c.CreateWallet(cmd.Context(), args[0], chains)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(lineOf(w))
			}
			fmt.Fprintf(t.err, "The wallet is made. Its id is %s\n", w.ID)
			return printAccounts(t.out, accountLines(w.Name, w.Accounts))
		},
	}
	c.Flags().StringSliceVar(&chains, "chain", client.Chains(), "the chains it has an account on")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (t *terminal) accountList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "accounts [WALLET]",
		Short: "Accounts of a wallet, or of all: wallet, chain, address, path",
		Long:  "WALLET is a wallet's name or id.",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			var wallets []client.Wallet
			if len(args) > 0 {
				w, err := c.FindWallet(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				wallets = []client.Wallet{w}
			} else if wallets, err = c.Wallets(cmd.Context()); err != nil {
				return err
			}
			lines := []accountLine{}
			for _, w := range wallets {
				lines = append(lines, accountLines(w.Name, w.Accounts)...)
			}
			return t.accounts(lines, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (t *terminal) accountAdd() *cobra.Command {
	var asJSON bool
	var chains []string
	c := &cobra.Command{
		Use:   "add WALLET --chain CHAIN",
		Short: "Derive the next account of a wallet",
		Long: "Derives one more account for each chain, at the lowest path where the wallet has none yet:\n" +
			"m/44'/60'/0'/0/0, then m/44'/60'/1'/0/0 and so on. WALLET is a wallet's name or id.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkChains(chains); err != nil {
				return err
			}
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			w, err := c.FindWallet(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			added, err := c.AddAccounts(cmd.Context(), w.ID, chains)
			if err != nil {
				return err
			}
			return t.accounts(accountLines(w.Name, added), asJSON)
		},
	}
	c.Flags().StringSliceVar(&chains, "chain", nil, "the chains: "+strings.Join(client.Chains(), ", "))
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	if err := c.MarkFlagRequired("chain"); err != nil {
		panic(err) // the flag is declared two lines above
	}
	return c
}

// checkChains tells a chain that nobody knows, or that is named twice, before anything is opened.
func checkChains(chains []string) error {
	for i, chain := range chains {
		switch {
		case !slices.Contains(client.Chains(), chain):
			return usage{fmt.Errorf("--chain %q is none of %s", chain, strings.Join(client.Chains(), ", "))}
		case slices.Contains(chains[:i], chain):
			return usage{fmt.Errorf("--chain %s is named twice", chain)}
		}
	}
	if len(chains) == 0 {
		return usage{fmt.Errorf("--chain names no chain")}
	}
	return nil
}

func (t *terminal) accounts(lines []accountLine, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(t.out).Encode(map[string]any{"accounts": lines})
	}
	return printAccounts(t.out, lines)
}

func printAccounts(out io.Writer, lines []accountLine) error {
	w := table(out)
	for _, a := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", visible(a.Wallet), visible(a.Chain), visible(a.Address), visible(a.Path))
	}
	return w.Flush()
}

func table(out io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0) }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// visible makes what others named safe to print: whoever knows the organization can name a wallet, and a terminal obeys
// what is no letter.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
