package session

import (
	"context"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
)

// asking is a key store that asks a person for every secret.
type asking struct {
	keystore.Store
	asked, answer chan struct{}
}

func (a *asking) Secret(ctx context.Context, name string) ([]byte, error) {
	a.asked <- struct{}{}
	<-a.answer
	return a.Store.Secret(ctx, name)
}

// While one caller waits for a person, the next waits no longer than it wants to.
func TestWhoeverWaitsForTheStateKeyWaitsByItsOwnClock(t *testing.T) {
	keys := &asking{keystore.NewMemory(), make(chan struct{}), make(chan struct{})}
	if err := keys.PutSecret(t.Context(), stateKeyName, make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	m := &Manager{Keys: keys}
	m.prepare()
	first := make(chan error, 1)
	go func() {
		_, err := m.sealer(t.Context())
		first <- err
	}()
	<-keys.asked
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.sealer(ended); fault.CodeOf(err) != fault.KeychainTimeout {
		t.Errorf("the second caller: %v", err)
	}
	close(keys.answer)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if _, err := m.sealer(ended); err != nil {
		t.Errorf("the key is known, and yet: %v", err)
	}
}
