package backend

import (
	"net/http"
	"net/netip"
	"strings"
)

// caller returns the address that a request is counted by. That is the one of the connection, unless a trusted proxy
// holds it: then X-Forwarded-For is read from its end, which that proxy wrote, through whatever trusted proxies stand
// there, to the first address that is none of them. What a caller wrote himself stands further left and is never
// reached. What cannot be read leaves the last address that could: the proxy's own. The zero address is nobody's.
func (b *Backend) caller(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	at := plain(ap.Addr())
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && b.trusts(at); i-- {
		next, ok := hop(hops[i])
		if !ok {
			break
		}
		at = next
	}
	return at
}

// hop reads one entry of X-Forwarded-For; some proxies write a port.
func hop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		ap, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		addr = ap.Addr()
	}
	return plain(addr), true
}

func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

func (b *Backend) trusts(addr netip.Addr) bool {
	for _, p := range b.proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// parseProxy reads an address or a network of proxies.
func parseProxy(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = plain(addr)
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

// addressOf names what one caller has: an IPv4 address, or the /64 in which an IPv6 host may choose any. networkOf
// names what its neighbours share: the /24, or the /48. Who has no address is counted together.
func addressOf(addr netip.Addr) string { return within(addr, 32, 64) }
func networkOf(addr netip.Addr) string { return within(addr, 24, 48) }

func within(addr netip.Addr, v4, v6 int) string {
	if !addr.IsValid() {
		return "?"
	}
	bits := v6
	if addr.Is4() {
		bits = v4
	}
	p, _ := addr.Prefix(bits) // which has as many
	return p.String()
}
