package backend

import (
	"context"
	"net/netip"
	"time"

	"latchkey/internal/fault"
)

// Limits say how often something may be asked for. Zero is the default, a negative number switches a limit off. An
// address is one of IPv4 or a /64, a network a /24 or a /48.
type Limits struct {
	ContactSends   int // codes to one contact in 3 minutes: 3, as the service itself has it; thrice that in an hour, six times in a day
	AddressSends   int // codes asked for by one address in a minute: 30
	NetworkSends   int // by one network: 120
	TotalSends     int // by everybody: 600
	AddressGuesses int // wrong guesses by one address in a minute: 30; thrice that in an hour, six times in a day
	AddressCalls   int // calls by one address in a minute: 300
	NetworkCalls   int // by one network: 3000
}

// filled returns l with the defaults.
func (l Limits) filled() Limits {
	number := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	number(&l.ContactSends, 3)
	number(&l.AddressSends, 30)
	number(&l.NetworkSends, 120)
	number(&l.TotalSends, 600)
	number(&l.AddressGuesses, 30)
	number(&l.AddressCalls, 300)
	number(&l.NetworkCalls, 3000)
	return l
}

// limitNames are the limits by their names in LATCHKEY_LIMITS.
func limitNames(l *Limits) map[string]*int {
	return map[string]*int{
		"contact-sends": &l.ContactSends, "address-sends": &l.AddressSends, "network-sends": &l.NetworkSends, "total-sends": &l.TotalSends,
		"address-guesses": &l.AddressGuesses, "address-calls": &l.AddressCalls, "network-calls": &l.NetworkCalls,
	}
}

// growing is a limit whose waits grow with patience: who uses up minutes waits minutes, who uses up a day waits for
// the next.
func growing(key string, most int, span time.Duration, code fault.Code) []quota {
	times := func(n int) int {
		if most < 0 {
			return most
		}
		return n * most
	}
	return []quota{{key, most, span, code}, {key, times(3), time.Hour, code}, {key, times(6), 24 * time.Hour, code}}
}

// mayCall counts a call.
func (b *Backend) mayCall(ctx context.Context, from netip.Addr) error {
	return b.kept.limits.take(ctx,
		quota{b.hash("calls of address", addressOf(from)), b.c.Limits.AddressCalls, time.Minute, fault.BackendBusy},
		quota{b.hash("calls of network", networkOf(from)), b.c.Limits.NetworkCalls, time.Minute, fault.BackendBusy})
}

// maySend counts a code for a contact, and returns under which name the service shall count it too. Strangers who ask
// for codes to somebody's contact share one count, here and at the service. Whoever has proven the contact from an
// address within familiarLife has a count of his own there, so that no stranger can use it up and keep him out.
func (b *Backend) maySend(ctx context.Context, from netip.Addr, contact string) (who string, err error) {
	who = b.hash("limit", sameContact(contact))
	own := b.familiarKey(from, contact)
	switch known, err := b.kept.familiar.marked(ctx, own); {
	case err != nil:
		return "", err
	case known:
		who = own
	}
	return who, b.kept.limits.take(ctx, append(growing(who, b.c.Limits.ContactSends, 3*time.Minute, fault.OTPLimited),
		quota{b.hash("sends of address", addressOf(from)), b.c.Limits.AddressSends, time.Minute, fault.BackendBusy},
		quota{b.hash("sends of network", networkOf(from)), b.c.Limits.NetworkSends, time.Minute, fault.BackendBusy},
		quota{b.hash("sends", ""), b.c.Limits.TotalSends, time.Minute, fault.BackendBusy})...)
}

func (b *Backend) familiarKey(from netip.Addr, contact string) string {
	return b.hash("familiar", addressOf(from)+"\x00"+sameContact(contact))
}

// befriend notes that a contact was proven from an address.
func (b *Backend) befriend(ctx context.Context, from netip.Addr, contact string) {
	// It is a convenience of later days: who has the right code goes on without it.
	_ = b.kept.familiar.mark(ctx, b.familiarKey(from, contact), familiarLife)
}

// wrongGuesses is what an address may guess wrong. It is looked at for a second and third guess at the same code alone:
// whatever strangers behind one's own address have done, the first guess at a code is always taken.
func (b *Backend) wrongGuesses(from netip.Addr) []quota {
	return growing(b.hash("guesses of address", addressOf(from)), b.c.Limits.AddressGuesses, time.Minute, fault.BackendBusy)
}
