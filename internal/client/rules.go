package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"latchkey/internal/approve"
	"latchkey/internal/fault"
)

const (
	rulesName = "rules"
	rulesLock = "rules.lock"
	maxRules  = 1000
)

// rulesContext is what the rules are sealed for: those of one profile are none in another.
func (c *Client) rulesContext() []byte {
	return []byte("latchkey approval rules\n" + c.Profile().Name)
}

// Rules returns the rules that let requests be stamped without asking, oldest first, those that are over among them. It
// works before Open. Errors: fault.RulesUnread when the file was changed or sealed under another key, or its key cannot
// be had.
func (c *Client) Rules(ctx context.Context) ([]Rule, error) {
	raw, err := c.dir.Read(rulesName)
	switch {
	case errors.Is(err, fault.NotFound):
		return nil, nil
	case err != nil:
		return nil, fault.New(fault.RulesUnread, err)
	}
	s, err := c.stateSealer(ctx)
	if err != nil {
		return nil, fault.New(fault.RulesUnread, err)
	}
	plain, err := s.Open(raw, c.rulesContext())
	if err != nil {
		return nil, fault.New(fault.RulesUnread, err)
	}
	var rules []Rule
	if err := json.Unmarshal(plain, &rules); err != nil {
		return nil, fault.New(fault.RulesUnread, err)
	}
	return rules, nil
}

// rules are those that count now. Where they cannot be read there are none, and [Client.RulesTrouble] tells so.
func (c *Client) rules(ctx context.Context) []Rule {
	rules, err := c.Rules(ctx)
	if err != nil {
		c.log.Warn("no approval rule counts", "code", fault.CodeOf(err), "err", err)
		c.unread.Store(&err)
	}
	return rules
}

// RulesTrouble returns why no rule counted (fault.RulesUnread), or nil; it is returned once.
func (c *Client) RulesTrouble() error {
	if t := c.unread.Swap(nil); t != nil {
		return *t
	}
	return nil
}

// NewRule returns r as it would be added: with an id, and made now. Errors: fault.RuleInvalid.
func (c *Client) NewRule(r Rule) (Rule, error) {
	r.ID, r.Made = "r-"+strings.ToLower(rand.Text()[:10]), c.now().UnixMilli()
	return r, r.Check()
}

// AddRule adds a rule that a person was shown in its words, and drops those that are over. Errors: fault.RuleInvalid;
// fault.RulesUnread when the rules that are there cannot be read, which are left alone; those of the disk.
func (c *Client) AddRule(ctx context.Context, r Rule) error {
	if err := r.Check(); err != nil {
		return err
	}
	return c.changeRules(ctx, func(rules []Rule) ([]Rule, error) {
		now := c.now().UnixMilli()
		rules = slices.DeleteFunc(rules, func(old Rule) bool { return old.Expires != 0 && old.Expires <= now })
		if len(rules) >= maxRules {
			return nil, fault.New(fault.RuleInvalid, fmt.Errorf("there are %d rules already", len(rules)))
		}
		return append(rules, r), nil
	})
}

// RemoveRule takes a rule away. Errors: fault.RuleUnknown; those of AddRule.
func (c *Client) RemoveRule(ctx context.Context, id string) error {
	return c.changeRules(ctx, func(rules []Rule) ([]Rule, error) {
		left := slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return r.ID == id })
		if len(left) == len(rules) {
			return nil, fault.New(fault.RuleUnknown, nil)
		}
		return left, nil
	})
}

// RemoveRules takes all rules away, those that cannot be read among them. It works before Open.
func (c *Client) RemoveRules(ctx context.Context) error {
	unlock, err := c.dir.Lock(ctx, rulesLock)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.dir.Remove(rulesName); !errors.Is(err, fault.NotFound) {
		return err
	}
	return nil
}

// changeRules reads, changes and writes the rules as one step.
func (c *Client) changeRules(ctx context.Context, change func([]Rule) ([]Rule, error)) error {
	r, err := c.opened()
	if err != nil {
		return err
	}
	s, err := r.sessions.Sealer(ctx) // before the lock, which is never held over a keychain
	if err != nil {
		return err
	}
	unlock, err := c.dir.Lock(ctx, rulesLock)
	if err != nil {
		return err
	}
	defer unlock()
	rules, err := c.Rules(ctx)
	if err != nil {
		return err
	}
	if rules, err = change(rules); err != nil {
		return err
	}
	plain, err := json.Marshal(rules)
	if err != nil {
		return err
	}
	// Twice, so that the generation that the store keeps for when the newest is damaged brings back no rule that was
	// taken away.
	if err := c.dir.Write(rulesName, s.Seal(plain, c.rulesContext())); err != nil {
		return err
	}
	return c.dir.Write(rulesName, s.Seal(plain, c.rulesContext()))
}

// ParseAmount reads an amount in whole coins, such as 0.05, of a network that a rule may name ("eip155:1", "solana"),
// and returns it in the smallest units. Errors: fault.RuleInvalid, also for more places than the coin has.
func ParseAmount(text, network string) (string, error) { return approve.ParseAmount(text, network) }
