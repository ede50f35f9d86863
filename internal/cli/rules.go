package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/client"
	"latchkey/internal/fault"
)

func (t *terminal) rules() *cobra.Command {
	c := t.ruleList("rules")
	c.Short = "What is stamped without asking"
	c.Long = "A rule lets one kind of request be stamped without asking, in the window and here. Without a command: the rules of\n" +
		"the profile. No rule covers exports, deleted keys, credentials, users, policies, or what cannot be read."
	c.Example = `  latchkey rules add transfer --network eip155:1 --to 0x… --up-to 0.05 --for 24h
  latchkey rules add message --account 0x… --scope session
  latchkey rules add activity update_wallet --for ever
  latchkey rules remove r-7hq2m5kd3a`
	add := &cobra.Command{Use: "add", Short: "Add a rule", RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	add.AddCommand(t.chooses(t.ruleTransfer(), t.ruleMessage(), t.ruleActivity())...)
	for _, sub := range add.Commands() {
		wrapArgs(sub)
	}
	c.AddCommand(t.chooses(t.ruleList("list"), t.ruleRemove())...)
	c.AddCommand(add)
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
	return t.chooses(c)[0]
}

// ruleLine is a rule as --json prints it, in words besides.
type ruleLine struct {
	client.Rule
	Words string `json:"words"`
	Over  bool   `json:"over"`
}

func lineOfRule(r client.Rule, now time.Time) ruleLine {
	return ruleLine{r, r.Words(), r.Expires != 0 && r.Expires <= now.UnixMilli()}
}

func (t *terminal) ruleList(use string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   use,
		Short: "The rules, in words",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.look()
			if err != nil {
				return err
			}
			defer t.close(c)
			rules, err := c.Rules(cmd.Context())
			if err != nil {
				return err
			}
			lines := make([]ruleLine, len(rules))
			for i, r := range rules {
				lines[i] = lineOfRule(r, time.Now())
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(map[string]any{"rules": lines})
			}
			if len(lines) == 0 {
				fmt.Fprintln(t.err, "No rules: what needs consent is asked each time.")
			}
			for _, l := range lines {
				over := ""
				if l.Over {
					over = " (over)"
				}
				if _, err := fmt.Fprintf(t.out, "%s  %s%s\n", l.ID, l.Words, over); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// scope are the flags that say where and how long a rule holds.
type scope struct {
	where, how string
	asJSON     bool
}

func (s *scope) flags(t *terminal, c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&s.where, "scope", "session", "where it holds: session (the active one), organization (its), profile (everywhere)")
	c.Flags().StringVar(&s.how, "for", "24h", "how long it holds: a span such as 90m, or ever")
	c.Flags().BoolVar(&t.yes, "yes", false, "add it without being asked")
	c.Flags().BoolVar(&s.asJSON, "json", false, "print JSON")
	return c
}

// addRule completes a rule, states it, and adds it when the person agrees.
func (t *terminal) addRule(cmd *cobra.Command, r client.Rule, s scope) error {
	switch d, err := time.ParseDuration(s.how); {
	case s.how == "ever":
	case err != nil || d <= 0:
		return usage{fmt.Errorf("--for %q is neither a span nor ever", s.how)}
	default:
		r.Expires = time.Now().Add(d).UnixMilli()
	}
	if s.where != "session" && s.where != "organization" && s.where != "profile" {
		return usage{fmt.Errorf("--scope %q is none of session, organization, profile", s.where)}
	}
	c, err := t.open(cmd.Context())
	if err != nil {
		return err
	}
	defer t.close(c)
	if s.where != "profile" {
		active, ok := c.Sessions().Active()
		if !ok {
			return fault.New(fault.SessionNone, nil)
		}
		if s.where == "session" {
			r.Session = active.ID
		} else {
			r.Organization = active.OrganizationID
		}
	}
	if r, err = c.NewRule(r); err != nil {
		return err
	}
	if !t.yes {
		switch yes, err := agree(cmd.Context(), r.Words()+"\n", "Add this rule?"); {
		case err != nil:
			return err
		case !yes:
			return fault.New(fault.ApprovalRefused, nil)
		}
	}
	if err := c.AddRule(cmd.Context(), r); err != nil {
		return err
	}
	if s.asJSON {
		return json.NewEncoder(t.out).Encode(lineOfRule(r, time.Now()))
	}
	_, err = fmt.Fprintf(t.out, "%s  %s\n", r.ID, r.Words())
	return err
}

func (t *terminal) ruleTransfer() *cobra.Command {
	var s scope
	var to, upTo, network, account string
	c := &cobra.Command{
		Use:   "transfer --network NETWORK --to ADDRESS --up-to AMOUNT",
		Short: "Transfers of a network's own coin to one address, each up to an amount",
		Long: "Lets transfers of a network's own coin (ETH, SOL …) to one address be signed without asking, each up to an amount that\n" +
			"includes the highest fee. Calls of contracts, tokens among them, are asked for all the same.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := strconv.ParseUint(network, 10, 64); err == nil {
				network = "eip155:" + network
			}
			smallest, err := client.ParseAmount(upTo, network)
			if err != nil {
				return err
			}
			return t.addRule(cmd, client.Rule{Kind: client.RuleTransfer, Network: network, To: to, UpTo: smallest, Account: account}, s)
		},
	}
	c.Flags().StringVar(&network, "network", "", "eip155:1 or 1 for Ethereum, eip155:N for another of its kind, solana")
	c.Flags().StringVar(&to, "to", "", "the recipient's address")
	c.Flags().StringVar(&upTo, "up-to", "", "the most that each may spend, fee included, in whole coins, such as 0.05")
	c.Flags().StringVar(&account, "account", "", "only from this address (default: any)")
	for _, name := range []string{"network", "to", "up-to"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // it is declared above
		}
	}
	return s.flags(t, c)
}

func (t *terminal) ruleMessage() *cobra.Command {
	var s scope
	var account string
	c := &cobra.Command{
		Use:   "message --account ADDRESS",
		Short: "Readable messages, signed with one account",
		Long:  "Lets texts that a person can read be signed without asking: personal messages of Ethereum, texts with Solana's accounts.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.addRule(cmd, client.Rule{Kind: client.RuleMessage, Account: account}, s)
		},
	}
	c.Flags().StringVar(&account, "account", "", "the address that signs")
	if err := c.MarkFlagRequired("account"); err != nil {
		panic(err) // it is declared above
	}
	return s.flags(t, c)
}

func (t *terminal) ruleActivity() *cobra.Command {
	var s scope
	c := &cobra.Command{
		Use:   "activity NAME",
		Short: "One harmless activity, such as update_wallet",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.addRule(cmd, client.Rule{Kind: client.RuleActivity, Name: args[0]}, s)
		},
	}
	return s.flags(t, c)
}

func (t *terminal) ruleRemove() *cobra.Command {
	var all, asJSON bool
	c := &cobra.Command{
		Use:   "remove ID",
		Short: "Take a rule away",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return usage{fmt.Errorf("name one rule, or --all")}
			}
			open := t.open
			if all { // also when no key opens them
				open = func(context.Context) (*client.Client, error) { return t.look() }
			}
			c, err := open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			if all {
				err = c.RemoveRules(cmd.Context())
			} else {
				err = c.RemoveRule(cmd.Context(), args[0])
			}
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(map[string]any{"removed": append([]string{}, args...), "all": all})
			}
			fmt.Fprintln(t.err, "Removed.")
			return nil
		},
	}
	c.Flags().BoolVar(&all, "all", false, "all rules, also those that cannot be read")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
