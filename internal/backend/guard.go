package backend

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"latchkey/internal/fault"
)

// guard decides who may call at all.
type guard struct {
	hosts   []string // lower case, with or without a port
	origins []originPattern
	token   string
}

// TokenHeader carries the token of a backend that has one.
const TokenHeader = "X-Latchkey-Token"

func newGuard(c Config) (guard, error) {
	g := guard{token: c.Token}
	for _, h := range c.AllowedHosts {
		g.hosts = append(g.hosts, strings.ToLower(h))
	}
	for _, o := range c.AllowedOrigins {
		p, err := parseOriginPattern(o)
		if err != nil {
			return g, err
		}
		g.origins = append(g.origins, p)
	}
	return g, nil
}

// host refuses a Host that is neither loopback's nor one it was told: a page whose name was pointed at this machine
// (DNS rebinding) calls with its own.
func (g guard) host(r *http.Request) error {
	host := strings.ToLower(r.Host)
	if loopback(host) || slices.Contains(g.hosts, host) || slices.Contains(g.hosts, hostname(host)) {
		return nil
	}
	return fault.New(fault.BackendRefused, show("this name is not one of the backend's"))
}

// origin refuses pages that are neither the backend's own nor allowed. It returns the origin to name in the answer's
// CORS headers, "" for none.
func (g guard) origin(r *http.Request) (string, error) {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return "", nil
	}
	origin := values[0]
	u, err := url.Parse(origin)
	if len(values) == 1 && err == nil && u.Scheme != "" && u.Host != "" && u.Scheme+"://"+u.Host == origin {
		if (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, r.Host) {
			return origin, nil // its own page
		}
		allowed := g.origins
		if len(allowed) == 0 && loopback(strings.ToLower(r.Host)) {
			allowed = localPages
		}
		if slices.ContainsFunc(allowed, func(p originPattern) bool { return p.allows(u) }) {
			return origin, nil
		}
	}
	return "", fault.New(fault.BackendRefused, show("this page may not call the backend"))
}

// secret refuses who does not know the token, in the same time whatever was sent.
func (g guard) secret(r *http.Request) error {
	got, want := sha256.Sum256([]byte(r.Header.Get(TokenHeader))), sha256.Sum256([]byte(g.token))
	if g.token != "" && subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return fault.New(fault.BackendRefused, show("this backend serves only who started it"))
	}
	return nil
}

// originPattern is an allowed origin. An empty scheme stands for every page, the port "*" for every port.
type originPattern struct{ scheme, host, port string }

// localPages may call a backend on loopback that was told no origins: a developer's own pages.
var localPages = []originPattern{{"http", "localhost", "*"}, {"http", "127.0.0.1", "*"}}

func parseOriginPattern(text string) (originPattern, error) {
	if text == "*" {
		return originPattern{}, nil
	}
	text, anyPort := strings.CutSuffix(strings.ToLower(text), ":*")
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || u.Scheme+"://"+u.Host != text || strings.Contains(u.Host, "*") {
		return originPattern{}, errors.New("not an origin")
	}
	p := originPattern{u.Scheme, u.Hostname(), u.Port()}
	if anyPort {
		p.port = "*"
	}
	return p, nil
}

func (p originPattern) allows(u *url.URL) bool {
	return p.scheme == "" ||
		p.scheme == u.Scheme && p.host == strings.ToLower(u.Hostname()) && (p.port == "*" || p.port == u.Port())
}

// loopback reports whether a Host names this machine to itself.
func loopback(host string) bool {
	name := hostname(host)
	if name == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}
