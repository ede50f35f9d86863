package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"

	coreos "github.com/coreos/go-oidc/v3/oidc"
)

const (
	askTime     = 5 * time.Second // for one request, redirects and body included
	askSize     = 256 << 10       // of one answer
	askHops     = 3
	askAtOnce   = 8
	askBurst    = 20 // requests to one issuer, refilled in a minute
	issuersMax  = 64
	issuersLife = time.Hour // after which discovery is read anew
)

// reach fetches discovery documents and keys of issuers, and remembers them. What it fetches is named by tokens that
// anybody may have written, so all of it has bounds.
type reach struct {
	roots *x509.CertPool // nil: the system's
	clock func() time.Time
	slots chan struct{} // one for each request under way

	mu      sync.Mutex
	issuers map[string]*issuer
	budgets map[string]*budget
}

// issuer is what was discovered.
type issuer struct {
	keys *keySet
	at   time.Time
}

// budget is how often an issuer may still be asked.
type budget struct {
	left int
	at   time.Time // of the last refill
}

func newReach() *reach {
	return &reach{clock: time.Now, slots: make(chan struct{}, askAtOnce), issuers: map[string]*issuer{}, budgets: map[string]*budget{}}
}

// keys returns the keys of an issuer, by discovery unless that was done a while ago.
func (r *reach) keys(ctx context.Context, name string) (*keySet, error) {
	u, err := url.Parse(name)
	if err != nil || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" {
		return nil, errors.New("the issuer is no address")
	}
	near, err := reachable(u)
	if err != nil {
		return nil, fmt.Errorf("the issuer %w", err)
	}
	if found := r.remembered(name); found != nil {
		return found, nil
	}
	client := &http.Client{Timeout: askTime, Transport: &asker{r, name, near, transport(near, r.roots)}, CheckRedirect: fewHops}
	p, err := coreos.NewProvider(coreos.ClientContext(ctx, client), name)
	if err != nil {
		return nil, errors.New("the issuer's discovery: " + short(err))
	}
	var d struct {
		Keys string `json:"jwks_uri"`
	}
	if err := p.Claims(&d); err != nil || d.Keys == "" {
		return nil, errors.New("the issuer's discovery names no keys")
	}
	found := &keySet{client: client, url: d.Keys}
	r.remember(name, found)
	return found, nil
}

func (r *reach) remembered(name string) *keySet {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.issuers[name]; i != nil && r.clock().Sub(i.at) < issuersLife {
		return i.keys
	}
	return nil
}

func (r *reach) remember(name string, keys *keySet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.issuers) >= issuersMax && r.issuers[name] == nil {
		clear(r.issuers)
	}
	r.issuers[name] = &issuer{keys, r.clock()}
}

// spend takes one request out of an issuer's budget.
func (r *reach) spend(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, now := r.budgets[name], r.clock()
	if b == nil || now.Sub(b.at) >= time.Minute {
		if len(r.budgets) >= 16*issuersMax && b == nil {
			clear(r.budgets)
		}
		b = &budget{askBurst, now}
		r.budgets[name] = b
	}
	b.left--
	return b.left >= 0
}

// asker sends the requests about one issuer. near says that it is on this machine.
type asker struct {
	*reach
	name string
	near bool
	next http.RoundTripper
}

// RoundTrip holds every hop against the rules by which the issuer itself was let through.
func (a *asker) RoundTrip(req *http.Request) (*http.Response, error) {
	if near, err := reachable(req.URL); err != nil {
		return nil, err
	} else if near != a.near {
		return nil, errors.New("leads from the network to this machine, or the other way")
	}
	if !a.spend(a.name) {
		return nil, errors.New("was asked too often")
	}
	select {
	case a.slots <- struct{}{}:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	defer func() { <-a.slots }()
	res, err := a.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	res.Body = &bounded{res.Body, askSize}
	if res.StatusCode != http.StatusOK { // what it says would stand in an error, for whoever named this address
		_ = res.Body.Close()
		res.Body = http.NoBody
	}
	return res, nil
}

// bounded is a body that fails when it is longer than it may be.
type bounded struct {
	io.ReadCloser
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the answer is too long")
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func fewHops(_ *http.Request, via []*http.Request) error {
	if len(via) > askHops {
		return errors.New("too many redirects")
	}
	return nil
}

// transport connects to this machine alone, or to public addresses alone: the address counts that the name turned out
// to have, at the moment of connecting.
func transport(near bool, roots *x509.CertPool) http.RoundTripper {
	dialer := &net.Dialer{Timeout: askTime, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return errors.New("no address")
		}
		ip := at.Addr().Unmap()
		if near && ip.IsLoopback() || !near && public(ip) {
			return nil
		}
		return errors.New("is at an address of a private network")
	}}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: askTime,
		ResponseHeaderTimeout: askTime, MaxResponseHeaderBytes: 32 << 10, DisableKeepAlives: true,
	}
}

// reachable says whether an address may be asked, and whether it is on this machine.
func reachable(u *url.URL) (near bool, err error) {
	near = u.Host != "" && loopbackHost(u.Host)
	switch {
	case u.Hostname() == "":
		return false, errors.New("names no host")
	case u.Scheme != "https" && !(u.Scheme == "http" && near):
		return false, errors.New("is neither https nor on this machine")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !near && !public(ip.Unmap()) {
		return false, errors.New("is at an address of a private network")
	}
	return near, nil
}

// public reports whether an address is one of the open internet. What embeds another address is not.
func public(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && ip.Zone() == "" && !slices.ContainsFunc(closed, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// closed are the networks that are global unicast addresses by their form and not by their use (IANA's special-purpose
// registries).
var closed = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("3fff::/20"), netip.MustParsePrefix("5f00::/16"), netip.MustParsePrefix("fec0::/10"),
}
