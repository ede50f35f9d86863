package approve

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"

	"latchkey/internal/chain"
	"latchkey/internal/fault"
)

// Kind is what a rule is about.
type Kind string

// The kinds of rule.
const (
	Transfers Kind = "transfer" // of a network's own coin, to one address, each up to a limit
	Messages  Kind = "message"  // readable texts, signed with one account
	Activity  Kind = "activity" // one harmless activity, as it is
)

// Rule lets a kind of request be stamped without asking. It holds in the profile that it was made in; an empty
// Organization or Session means all of that profile's, and Expires 0 for ever.
type Rule struct {
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`

	Account string `json:"account,omitempty"` // that signs, an address; required for messages, any for transfers
	Network string `json:"network,omitempty"` // of transfers: "eip155:1" or "solana"
	To      string `json:"to,omitempty"`      // of transfers: an address
	UpTo    string `json:"upTo,omitempty"`    // of transfers: value and highest fee of each, in wei or lamports
	Name    string `json:"activity,omitempty"`

	Organization string `json:"organization,omitempty"`
	Session      string `json:"session,omitempty"`
	Made         int64  `json:"made"`              // Unix milliseconds
	Expires      int64  `json:"expires,omitempty"` // Unix milliseconds
}

var (
	ruleIDForm   = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
	accountForm  = regexp.MustCompile(`^[A-Za-z0-9:_-]{1,120}$`)
	networkForm  = regexp.MustCompile(`^(eip155:[1-9][0-9]{0,77}|solana)$`)
	decimalForm  = regexp.MustCompile(`^[1-9][0-9]{0,77}$`)
	idForm       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)
	evmForm      = regexp.MustCompile(`^0x[0-9a-fA-F]{40}$`)
	amountForm   = regexp.MustCompile(`^[0-9]{1,60}(\.[0-9]{1,18})?$`)
	activityForm = regexp.MustCompile(`^[a-z0-9_]{1,100}$`)
)

func noRule(format string, args ...any) error {
	return fault.New(fault.RuleInvalid, fmt.Errorf(format, args...))
}

// Check returns fault.RuleInvalid, with the reason, for what is no rule: one without its limits, or for what is asked
// each time.
func (r Rule) Check() error {
	for _, f := range []struct {
		what, value string
		form        *regexp.Regexp
		of          []Kind // whose rules have it; the first of them needs it
	}{
		{"account", r.Account, accountForm, []Kind{Messages, Transfers}},
		{"network", r.Network, networkForm, []Kind{Transfers}},
		{"address", r.To, accountForm, []Kind{Transfers}},
		{"limit", r.UpTo, decimalForm, []Kind{Transfers}},
		{"activity", r.Name, activityForm, []Kind{Activity}},
		{"organization", r.Organization, idForm, []Kind{"", Transfers, Messages, Activity}},
		{"session", r.Session, idForm, []Kind{"", Transfers, Messages, Activity}},
	} {
		has := false
		for _, k := range f.of {
			has = has || k == r.Kind
		}
		switch {
		case f.value == "" && r.Kind == f.of[0]:
			return noRule("a rule about %ss needs %s", r.Kind, f.what)
		case f.value != "" && !has:
			return noRule("a rule about %ss has no %s", r.Kind, f.what)
		case f.value != "" && !f.form.MatchString(f.value):
			return noRule("%s %q is not of its form", f.what, chain.Visible(f.value, 60))
		}
	}
	switch r.Kind {
	case Transfers:
		if (r.Network == "solana") == evmForm.MatchString(r.To) {
			return noRule("address %q is not one of %s", r.To, r.Network)
		}
	case Activity:
		if a, ok := activities[r.Name]; !ok || !a.rule {
			return noRule("%q cannot be allowed by a rule: it is done without asking, needs limits, or is asked each time", r.Name)
		}
	case Messages:
	default:
		return noRule("no rule is about %q", chain.Visible(string(r.Kind), 40))
	}
	if !ruleIDForm.MatchString(r.ID) || r.Made < 0 || r.Expires < 0 {
		return noRule("its id or its times")
	}
	return nil
}

// amount is the limit; nil when it is none.
func (r Rule) amount() *big.Int {
	n, ok := new(big.Int).SetString(r.UpTo, 10)
	if !ok || !decimalForm.MatchString(r.UpTo) {
		return nil
	}
	return n
}

// Words states the rule, as whoever made it was asked.
func (r Rule) Words() string {
	var b strings.Builder
	b.WriteString("Without asking: ")
	switch n := r.amount(); {
	case r.Kind == Transfers && n != nil && r.Network == "solana":
		fmt.Fprintf(&b, "transfers of SOL to %s, each of at most %s with its fee", r.To, chain.SOL(n))
	case r.Kind == Transfers && n != nil:
		id, _ := new(big.Int).SetString(strings.TrimPrefix(r.Network, "eip155:"), 10)
		if id == nil {
			id = new(big.Int)
		}
		fmt.Fprintf(&b, "transfers to %s on %s, each of at most %s with its gas", r.To, chain.Network(id), chain.Coins(n, id))
	case r.Kind == Messages:
		b.WriteString("signing any text that a person can read, and nothing else")
	case r.Kind == Activity:
		fmt.Fprintf(&b, "“%s”", activities[r.Name].title)
	default:
		return "Not a rule."
	}
	if r.Account != "" {
		b.WriteString(", with " + r.Account)
	}
	switch {
	case r.Session != "":
		b.WriteString(", in session " + r.Session)
	case r.Organization != "":
		b.WriteString(", in organization " + r.Organization)
	default:
		b.WriteString(", in every session of this profile")
	}
	if r.Expires == 0 {
		b.WriteString(", for ever.")
	} else {
		b.WriteString(", until " + time.UnixMilli(r.Expires).UTC().Format("2006-01-02 15:04 MST") + ".")
	}
	return b.String()
}

// covers reports whether the rule allows a request, of a class that rules may allow.
func (r Rule) covers(q Request, s Summary, now time.Time) bool {
	if r.Check() != nil || r.Expires != 0 && now.UnixMilli() >= r.Expires ||
		r.Session != "" && r.Session != q.Session || r.Organization != "" && r.Organization != s.Organization {
		return false
	}
	l := s.limits
	switch r.Kind {
	case Transfers:
		spends, ok := new(big.Int).SetString(l.spends, 10)
		return ok && l.chain == r.Network && same(l.to, r.To) && spends.Cmp(r.amount()) <= 0 && (r.Account == "" || same(l.account, r.Account))
	case Messages:
		return l.message && same(l.account, r.Account)
	case Activity:
		return l.name == r.Name
	}
	return false
}

// same compares addresses: those of Ethereum without regard to case, which only carries a checksum.
func same(a, b string) bool {
	if evmForm.MatchString(a) && evmForm.MatchString(b) {
		return strings.EqualFold(a, b)
	}
	return a == b && a != ""
}

// ParseAmount reads an amount in whole coins of a network, such as 0.05, and returns it in the smallest units. Errors:
// fault.RuleInvalid, also for more places than the coin has.
func ParseAmount(text, network string) (string, error) {
	places := 18
	if network == "solana" {
		places = 9
	}
	whole, part, _ := strings.Cut(text, ".")
	digits := strings.TrimLeft(whole+part+strings.Repeat("0", max(0, places-len(part))), "0")
	if len(part) > places || !amountForm.MatchString(text) || !decimalForm.MatchString(digits) {
		return "", noRule("%q is no amount above zero with at most %d places", chain.Visible(text, 40), places)
	}
	return digits, nil
}
