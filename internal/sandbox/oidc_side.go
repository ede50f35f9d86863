package sandbox

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"latchkey/internal/sandbox/oidc"
)

// identityProviders are what stands beside a state: the providers at which people log in, and the judge of id tokens.
// Their keys follow from the state's seed, so a reset to another seed makes others.
type identityProviders struct {
	once     sync.Once
	provider *oidc.Provider
	verifier *oidc.Verifier
}

// providers returns those of st.
func (s *Sandbox) providers(st *state) *identityProviders {
	p := &st.providers
	p.once.Do(func() {
		seed := st.enclave.seed
		p.provider = oidc.New(oidc.Config{
			Seed: func(label string, n int) []byte { return derive(seed, label, n) },
			Now:  s.clock.now, BaseURL: s.providerURL,
		})
		p.verifier = oidc.NewVerifier(p.provider)
	})
	return p
}

// isProviderPath reports whether a path is one of the identity providers', which share the API's port and nothing else.
func isProviderPath(path string) bool {
	return strings.HasPrefix(path, "/oidc/") || strings.HasPrefix(path, "/oauth2/")
}

// serveProvider answers for the identity providers, and notes what was asked, but for bodies.
func (s *Sandbox) serveProvider(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	told := &toldStatus{ResponseWriter: w, status: http.StatusOK}
	s.providers(s.state.Load()).provider.ServeHTTP(told, r)
	seen := &seenRequest{At: s.clock.now().UnixMilli(), Method: r.Method, Path: clip(r.URL.Path), Status: told.status, Ms: float64(time.Since(began).Microseconds()) / 1000}
	seen.keep(r.Header, nil)
	s.requests.add(seen)
}

// toldStatus remembers the status of an answer.
type toldStatus struct {
	http.ResponseWriter
	status int
}

func (t *toldStatus) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

// idTokenTime bounds how long a request waits for an issuer.
const idTokenTime = 10 * time.Second

// idToken returns what a genuine id token says. It may ask the issuer, so the caller holds no lock.
func (c *call) idToken(raw string) (oidc.Token, error) {
	ctx, cancel := context.WithTimeout(context.Background(), idTokenTime)
	defer cancel()
	t, err := c.s.providers(c.state).verifier.Verify(ctx, raw)
	if err != nil {
		return oidc.Token{}, badIDToken(err.Error())
	}
	return t, nil
}

// bound checks that a token was made for the key that is to use it. Where Turnkey itself issued the token for an account
// of X or Discord, apps may have left the nonce empty.
func bound(t oidc.Token, publicKey string) error {
	if t.Binds(strings.ToLower(publicKey)) || t.Binds(publicKey) || t.OfTurnkey && t.Nonce == "" {
		return nil
	}
	return badIDToken("its nonce is not the hash of the public key").because("OIDC token", "nonce "+oidc.Nonce(strings.ToLower(publicKey)), t.Nonce)
}

// identities are who a token says somebody is: one for each of its audiences.
func identities(t oidc.Token) []identity {
	out := make([]identity, len(t.Audience))
	for i, audience := range t.Audience {
		out[i] = identity{Issuer: t.Issuer, Audience: audience, Subject: t.Subject}
	}
	return out
}
