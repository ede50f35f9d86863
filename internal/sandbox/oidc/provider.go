package oidc

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Config says how a Provider is made.
type Config struct {
	// Seed returns n bytes that follow from the sandbox's seed and a label. Required.
	Seed func(label string, n int) []byte
	// Now is the sandbox's clock. Required.
	Now func() time.Time
	// Random is where codes and access tokens come from; nil is crypto/rand. It must be safe for parallel use.
	Random io.Reader
	// BaseURL is where the Provider is reached, without a path. "" takes http:// and the request's Host, and refuses
	// every Host but loopback ones: whoever chooses the Host would choose the issuer.
	BaseURL string
	// Clients lists the client ids of a provider (by its name) with their secrets, "" for public clients. A provider
	// that is not listed takes every client and every secret.
	Clients map[string]map[string]string
}

// Provider is all the identity providers of one sandbox, below /oidc/ and /oauth2/. It is safe for parallel use.
type Provider struct {
	Config
	houses  map[string]*house // by path
	signers map[string]func() *signer
	people  []byte // what subjects follow from
	codes   *store
	access  *store
}

// New makes a Provider. It starts nothing.
func New(c Config) *Provider {
	if c.Random == nil {
		c.Random = rand.Reader
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	p := &Provider{Config: c, houses: map[string]*house{}, signers: map[string]func() *signer{}, people: c.Seed("oidc subjects", 32), codes: newStore(), access: newStore()}
	for _, h := range houses() {
		p.houses[h.path()] = h
		if h.alg != "" {
			p.signers[h.name] = newSigner(h.alg, c.Seed, h.name)
		}
	}
	return p
}

// CheckBase reports what is wrong with a Config.BaseURL.
func CheckBase(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || strings.ContainsAny(text, "?#") || !printable(text) {
		return fmt.Errorf("%q: want http:// or https:// and a host, without a path", text)
	}
	return nil
}

// Base returns where the Provider is reached by a request with that Host, "" if it must not be reached so.
func (p *Provider) Base(host string) string {
	if p.BaseURL != "" {
		return p.BaseURL
	}
	if !loopbackHost(host) {
		return ""
	}
	return "http://" + strings.ToLower(host)
}

// Issuer returns the issuer of a provider, or "" if there is none of that name.
func (p *Provider) Issuer(base, name string) string {
	if p.houses["/oidc/"+name] == nil {
		return ""
	}
	return base + "/oidc/" + name
}

// loopbackHost reports whether host, with or without a port, names this machine.
func loopbackHost(host string) bool {
	name := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
		name = h
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		name = host[1 : len(host)-1]
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

// ServeHTTP answers /oidc/… and /oauth2/….
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "no-store")
	base := p.Base(r.Host)
	if base == "" {
		writeError(w, http.StatusMisdirectedRequest, oops{"invalid_request", "the sandbox's providers answer loopback hosts only, unless they are told their address"})
		return
	}
	h, rest := p.find(r.URL.Path)
	if h == nil {
		writeError(w, http.StatusNotFound, oops{"not_found", "there is no such provider"})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 32<<10)
	switch {
	case rest == "/.well-known/openid-configuration" && h.alg != "":
		p.open(w, r, "GET", func() { writeJSON(w, http.StatusOK, p.discovery(h, base)) })
	case rest == "/jwks" && h.alg != "":
		p.open(w, r, "GET", func() { writeJSON(w, http.StatusOK, map[string][]jwk{"keys": {p.signers[h.name]().public}}) })
	case rest == "/authorize" && h.front:
		p.authorize(w, r, h, base)
	case rest == "/token" && h.front:
		p.open(w, r, "POST", func() { p.token(w, r, h) })
	case rest == "/userinfo" && h.front && h.me == "", h.me != "" && rest == "/"+h.me:
		p.open(w, r, "GET", func() { p.me(w, r, h) })
	default:
		writeError(w, http.StatusNotFound, oops{"not_found", "there is no such page"})
	}
}

// find returns the house of a path and the path within it.
func (p *Provider) find(path string) (*house, string) {
	parts := strings.SplitN(path, "/", 4) // "", oidc, name, rest
	if len(parts) != 4 {
		return nil, ""
	}
	return p.houses["/"+parts[1]+"/"+parts[2]], "/" + parts[3]
}

// open serves what pages of any origin may call. get and post are one for what is asked with a token.
func (p *Provider) open(w http.ResponseWriter, r *http.Request, method string, serve func()) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	switch {
	case r.Method == http.MethodOptions:
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		w.Header().Set("Access-Control-Allow-Headers", "authorization, content-type")
		w.WriteHeader(http.StatusNoContent)
	case r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodHead, method == "POST" && r.Method == http.MethodHead:
		writeError(w, http.StatusMethodNotAllowed, oops{"invalid_request", "this method is not for this page"})
	default:
		serve()
	}
}

// discovery is the provider's description of itself (OpenID Connect Discovery 1.0, section 3).
func (p *Provider) discovery(h *house, base string) any {
	issuer := base + h.path()
	d := map[string]any{
		"issuer":                                issuer,
		"jwks_uri":                              issuer + "/jwks",
		"id_token_signing_alg_values_supported": []string{h.alg},
		"subject_types_supported":               []string{"public"},
		"response_types_supported":              []string{"id_token"},
		"claims_supported":                      []string{"aud", "exp", "iat", "iss", "sub", "nonce"},
	}
	if !h.front {
		return d
	}
	modes := []string{"query", "fragment", "form_post"}
	d["authorization_endpoint"] = issuer + "/authorize"
	d["token_endpoint"] = issuer + "/token"
	d["userinfo_endpoint"] = issuer + "/userinfo"
	d["response_types_supported"] = h.types
	d["response_modes_supported"] = modes
	d["grant_types_supported"] = []string{"authorization_code", "implicit"}
	d["scopes_supported"] = []string{"openid", "email", "profile"}
	d["claims_supported"] = []string{"aud", "exp", "iat", "iss", "sub", "nonce", "tknonce", "email", "email_verified", "name"}
	d["token_endpoint_auth_methods_supported"] = []string{"client_secret_basic", "client_secret_post", "none"}
	d["code_challenge_methods_supported"] = []string{"S256"}
	if h.namesIssuer {
		d["authorization_response_iss_parameter_supported"] = true
	}
	return d
}

// mayUse reports whether the client id is one that the provider knows.
func (p *Provider) mayUse(h *house) func(string) bool {
	return func(client string) bool {
		list, limited := p.Clients[h.name]
		_, listed := list[client]
		return !limited || listed
	}
}

// knows reports whether client may exchange codes with that secret.
func (p *Provider) knows(h *house, client, secret string) bool {
	if h.secret && secret == "" {
		return false
	}
	list, limited := p.Clients[h.name]
	if !limited {
		return true
	}
	want, listed := list[client]
	return listed && subtle.ConstantTimeCompare([]byte(want), []byte(secret)) == 1
}

// random returns a new code or access token.
func (p *Provider) random() string {
	b := make([]byte, 32)
	if _, err := io.ReadFull(p.Random, b); err != nil {
		panic("oidc: " + err.Error())
	}
	return encode(b)
}

func writeError(w http.ResponseWriter, status int, o oops) {
	writeJSON(w, status, struct {
		Code string `json:"error"`
		Text string `json:"error_description"`
	}{o.code, o.text})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	_ = enc.Encode(v) // whoever hung up has no use for an error
}

// single returns the values of a form whose parameters each stand there once.
func single(form url.Values) (url.Values, bool) {
	for _, v := range form {
		if len(v) != 1 {
			return nil, false
		}
	}
	return form, true
}
