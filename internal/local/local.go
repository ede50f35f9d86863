// Package local runs sandbox and backend on loopback, for the window, for the terminal and for `latchkey backend
// --sandbox`. The two meet over HTTP, as strangers would: the backend knows of the sandbox what an environment file says.
//
// It owns listeners, their order of starting and stopping, and which process serves a data folder ([Shared]). It knows
// nothing of sessions or keys. It depends on sandbox, backend and store.
package local

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"latchkey/internal/backend"
	"latchkey/internal/fault"
	"latchkey/internal/sandbox"
)

// SandboxOptions says how to run a sandbox. Addresses are host:port; port 0 takes a free one.
type SandboxOptions struct {
	Listen, Control string
	StateDir        string // "" forgets everything at the end
	Seed            uint64 // 0 takes a random one
	PendingRate     float64
	Shuffle         bool   // with PendingRate: what clients must not rely on, see sandbox.Options
	URL             string // where clients reach it, for the issuers of its identity providers; "" while that is loopback
	Now             func() time.Time
	Log             *slog.Logger
}

// Ready is what a sandbox says when it is ready, in one line of JSON.
type Ready struct {
	APIBaseURL                    string `json:"apiBaseUrl"`
	ControlURL                    string `json:"controlUrl"`
	InboxURL                      string `json:"inboxUrl"`
	OrganizationID                string `json:"organizationId"`
	APIPublicKey                  string `json:"apiPublicKey"`
	APIPrivateKey                 string `json:"apiPrivateKey"`
	NotarizerPublicKey            string `json:"notarizerPublicKey"`
	TLSFetcherPublicKey           string `json:"tlsFetcherPublicKey"`
	SignerPublicKey               string `json:"signerPublicKey"`
	TLSFetcherEncryptionPublicKey string `json:"tlsFetcherEncryptionPublicKey"`
	LegacyTokenPublicKey          string `json:"legacyTokenPublicKey"`
}

// Environment returns the variables that every Turnkey example reads, and the pinned keys that the backend reads
// besides, as name and value in a fixed order.
func (r Ready) Environment() [][2]string {
	return [][2]string{
		{"TURNKEY_API_URL", r.APIBaseURL},
		{"TURNKEY_ORGANIZATION_ID", r.OrganizationID},
		{"TURNKEY_API_PUBLIC_KEY", r.APIPublicKey},
		{"TURNKEY_API_PRIVATE_KEY", r.APIPrivateKey},
		{"LATCHKEY_NOTARIZER_PUBLIC_KEY", r.NotarizerPublicKey},
		{"LATCHKEY_TLS_FETCHER_PUBLIC_KEY", r.TLSFetcherPublicKey},
		{"LATCHKEY_TLS_FETCHER_ENCRYPTION_PUBLIC_KEY", r.TLSFetcherEncryptionPublicKey},
		{"LATCHKEY_SIGNER_PUBLIC_KEY", r.SignerPublicKey},
		{"LATCHKEY_LEGACY_TOKEN_PUBLIC_KEY", r.LegacyTokenPublicKey},
	}
}

// Sandbox is a running sandbox.
type Sandbox struct {
	Ready        Ready
	box          *sandbox.Sandbox
	api, control *server
}

// Seeded reports whether the sandbox's seed was chosen, by which anyone can compute its keys.
func (s *Sandbox) Seeded() bool { return s.box.Seeded() }

// StartSandbox runs a sandbox until Close.
func StartSandbox(o SandboxOptions) (*Sandbox, error) {
	box, err := sandbox.New(sandbox.Options{Seed: o.Seed, Now: o.Now, StateDir: o.StateDir, Log: o.Log, PendingRate: o.PendingRate, Shuffle: o.Shuffle, ProviderURL: o.URL, Exposed: !Loopback(o.Listen)})
	if err != nil {
		return nil, failed(fmt.Errorf("open the sandbox: %w", err))
	}
	s := &Sandbox{box: box}
	if box.Seeded() && !Loopback(o.Listen) {
		return nil, closing(s, fault.New(fault.ProfileBad, errors.New("a sandbox with a chosen seed has keys that anyone can compute, so it listens on loopback only")))
	}
	if s.api, err = serve(o.Listen, sandboxServer(box.API()), o.Log); err != nil {
		return nil, closing(s, err)
	}
	if s.control, err = serve(o.Control, sandboxServer(box.Control()), o.Log); err != nil {
		return nil, closing(s, err)
	}
	f := box.Facts()
	s.Ready = Ready{
		APIBaseURL: s.api.url, ControlURL: s.control.url, InboxURL: s.control.url + "/inbox",
		OrganizationID: f.OrganizationID, APIPublicKey: f.APIPublicKey, APIPrivateKey: f.APIPrivateKey,
		NotarizerPublicKey: f.NotarizerPublicKey, TLSFetcherPublicKey: f.TLSFetcherPublicKey,
		SignerPublicKey: f.SignerPublicKey, TLSFetcherEncryptionPublicKey: f.TLSFetcherEncryptionPublicKey,
		LegacyTokenPublicKey: f.LegacyTokenPublicKey,
	}
	return s, nil
}

// Close stops listening, then closes the state.
func (s *Sandbox) Close() error {
	s.control.close()
	s.api.close()
	return s.box.Close()
}

// BackendFor returns the configuration of a backend in front of a sandbox.
func BackendFor(r Ready, log *slog.Logger) (backend.Config, error) {
	env := map[string]string{}
	for _, v := range r.Environment() {
		env[v[0]] = v[1]
	}
	c, err := backend.FromEnv(func(name string) string { return env[name] })
	c.Log = log
	return c, err
}

// Loopback reports whether an address to listen on is reachable from this machine alone.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func closing(s *Sandbox, err error) error {
	if closeErr := s.Close(); closeErr != nil {
		return fmt.Errorf("%w (and closing the sandbox: %w)", err, closeErr)
	}
	return err
}

// failed wraps what kept sandbox or backend from starting, unless it has a code of its own.
func failed(err error) error {
	if err == nil || fault.KindOf(err) != "" {
		return err
	}
	return fault.New(fault.SandboxFailed, err)
}
