package client

import (
	"context"
	"time"

	"latchkey/internal/keystore"
)

// healthPatience is how long a key store may take to say how it is. A keychain that must be started first takes seconds;
// a session bus that accepts and never answers would be waited for without an end.
const healthPatience = 20 * time.Second

// health asks a key store how it is, and never a person. One that keeps silent is Absent, with fault.KeychainTimeout.
func health(ctx context.Context, s keystore.Store) keystore.Health {
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	return s.Health(ctx)
}
