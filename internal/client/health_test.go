package client

import (
	"context"
	"testing"
	"testing/synctest"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/profile"
)

// silent is a key store behind a bus that accepts and never answers.
type silent struct{ keystore.Store }

func (silent) Health(ctx context.Context) keystore.Health {
	<-ctx.Done()
	return keystore.Health{State: keystore.Absent, Err: fault.New(fault.KeychainTimeout, ctx.Err())}
}

// A command that nobody limits comes to an end, too.
func TestASilentKeyStoreIsNotWaitedForWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Options{Home: profile.At(t.TempDir())})
		if err != nil {
			t.Fatal(err)
		}
		c.stores[Keychain] = silent{c.stores[Memory]}
		if err := c.Open(t.Context(), Keychain); fault.CodeOf(err) != fault.KeychainTimeout {
			t.Error(err)
		}
		if h := c.Health(t.Context(), Keychain); fault.CodeOf(h.Err) != fault.KeychainTimeout {
			t.Error(h)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}
