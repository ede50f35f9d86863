package local

import (
	"cmp"
	"context"
	"time"

	"latchkey/internal/backend"
)

// BackendReady is what a backend says when it is ready, in one line of JSON.
type BackendReady struct {
	URL               string `json:"url"`
	AdminURL          string `json:"adminUrl"`
	OrganizationID    string `json:"organizationId"`
	AuthProxyConfigID string `json:"authProxyConfigId"`
}

// Backend is a running backend.
type Backend struct {
	Ready      BackendReady
	core       *backend.Backend
	api, admin *server
}

// StartBackend runs a backend on listen until Close. Its admin side listens where c says, else on a free port of
// loopback.
func StartBackend(listen string, c backend.Config) (*Backend, error) {
	core, err := backend.New(c)
	if err != nil {
		return nil, err
	}
	b := &Backend{core: core}
	if b.api, err = serve(listen, backend.Server(core.Handler()), c.Log); err != nil {
		return nil, err
	}
	if b.admin, err = serve(cmp.Or(c.AdminListen, "127.0.0.1:0"), backend.Server(core.Admin()), c.Log); err != nil {
		b.Close()
		return nil, err
	}
	b.Ready = BackendReady{URL: b.api.url, AdminURL: b.admin.url, OrganizationID: c.OrganizationID, AuthProxyConfigID: c.AuthProxyConfigID}
	return b, nil
}

// Renew changes the backend's API key; see [backend.Backend.Renew].
func (b *Backend) Renew(ctx context.Context, c backend.Config) error { return b.core.Renew(ctx, c) }

// CheckState asks whether the state that replicas share can be reached.
func (b *Backend) CheckState(ctx context.Context) error { return b.core.CheckState(ctx) }

// finishLimit is how long requests under way may take at the end: somewhat more than any may take at all.
const finishLimit = 30 * time.Second

// Drain ends the backend in order. For as long as wait it goes on serving while /readyz says no, so that whoever leads
// devices here stops; then it takes no new request and lets those under way finish, and what they leave to be done after
// their answer; the admin side ends last. When ctx ends, it waits for nothing any more.
func (b *Backend) Drain(ctx context.Context, wait time.Duration) {
	b.core.Leave()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(ctx, finishLimit)
	defer cancel()
	b.api.end(ctx)
	_ = b.core.Finish(ctx) // what is not done then, Close ends and the log tells
	b.admin.close()
	_ = b.core.Close()
}

// Close ends the backend at once, but for a moment for requests under way and what they leave to be done.
func (b *Backend) Close() {
	b.api.close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = b.core.Finish(ctx) // what is not done then is ended below, and the log tells
	b.admin.close()
	_ = b.core.Close() // nobody is served any more, and nothing is lost with a connection
}
